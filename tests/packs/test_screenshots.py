"""Pictures of packs: what a check says of them, and who is given them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from packs.samples import label, write_pack

from trellis.packs import source_of
from trellis.packs.checking import check_pack
from trellis.packs.screenshots import MAX_BYTES, NoScreenshot, picture, wrong_pictures
from trellis.packs.source import PackSource

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def pack(folder: Path, files: dict[str, bytes], named: list[str]) -> PackSource:
    pictures: list[dict[str, Any]] = [{"file": n, "label": label("A board", "看板")} for n in named]
    source = write_pack(folder, {"name": "shots", "screenshots": pictures}, [])
    (folder / "screenshots").mkdir()
    for name, data in files.items():
        (folder / "screenshots" / name).write_bytes(data)
    return source


def test_picture_is_given_with_its_type(tmp_path: Path) -> None:
    source = pack(
        tmp_path,
        {"a.png": PNG, "b.jpg": b"\xff\xd8\xff\xe0rest", "c.webp": b"RIFF....WEBP"},
        ["a.png", "b.jpg", "c.webp"],
    )
    assert picture(source, "a.png") == (PNG, "image/png")
    assert [picture(source, n)[1] for n in ("b.jpg", "c.webp")] == ["image/jpeg", "image/webp"]
    assert list(wrong_pictures(source)) == []


@pytest.mark.parametrize("name", ["other.png", "../pack.json", "../../etc/passwd", "", "a.png/../a.png"])
def test_only_named_pictures_are_given(tmp_path: Path, name: str) -> None:
    source = pack(tmp_path, {"a.png": PNG, "other.png": PNG}, ["a.png"])
    with pytest.raises(NoScreenshot, match="names no picture"):
        picture(source, name)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "is not there"),
        (b"<svg onload='alert(1)'/>", "is no PNG file"),
        (PNG + b"\0" * MAX_BYTES, "larger than 2 MB"),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, data: bytes | None, said: str) -> None:
    source = pack(tmp_path, {} if data is None else {"a.png": data}, ["a.png"])
    _, found = check_pack(source, {})
    assert [(d.code, d.pointer) for d in found] == [("bad_screenshot", "/screenshots/0/file")]
    assert said in found[0].message
    with pytest.raises(NoScreenshot, match=said):
        picture(source, "a.png")


def test_link_is_no_picture(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(PNG)
    source = pack(tmp_path / "pack", {}, ["a.png"])
    (tmp_path / "pack" / "screenshots" / "a.png").symlink_to(secret)
    with pytest.raises(NoScreenshot, match="is not there"):
        picture(source, "a.png")


@pytest.mark.parametrize("name", ["a.svg", "A.PNG", "../a.png", "a.png.exe"])
def test_name_of_another_form_is_refused(tmp_path: Path, name: str) -> None:
    source = write_pack(tmp_path, {"name": "shots", "screenshots": [{"file": name, "label": label("A", "甲")}]}, [])
    assert "/screenshots/0/file" in [d.pointer for d in check_pack(source, {})[1]]


def test_crm_shows_itself() -> None:
    source = source_of("crm")
    assert list(wrong_pictures(source)) == []
    assert len(source.document["screenshots"]) >= 3

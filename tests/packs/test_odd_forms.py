"""Archives, migrations and cases of odd forms: each is refused in words, and nothing is written beside the shelf."""

from __future__ import annotations

import hashlib
import json
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packs.samples import base_pack, write_pack

from trellis.core import core_documents
from trellis.packs import archive, migrations
from trellis.packs.cases import run_cases
from trellis.packs.checking import check_pack, errors_of
from trellis.packs.ranges import accepts
from trellis.packs.scratch import scratch
from trellis.packs.shelf import Shelf
from trellis.packs.source import BadPack
from trellis.publishing.publisher import InvalidMetadata
from trellis_metadata.errors import TrellisError
from trellis_metadata.snapshot import Snapshot

DEEP = b"[" * 100_000 + b"]" * 100_000


def made(file: Path, name: str = "pets", version: str = "1.0.0", document: Any = None, **more: bytes) -> Path:
    pack = {"kind": "pack", "name": name, "version": version, "label": "Pets", **(document or {})}
    files = {"pack.json": json.dumps(pack).encode(), **more}
    sums = {k: hashlib.sha256(v).hexdigest() for k, v in files.items()}
    manifest = {"format": 1, "name": name, "version": version, "files": sums}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("manifest.json", json.dumps(manifest))
        for path, data in files.items():
            target.writestr(path, data)
    return file


def shelf(home: Path) -> Shelf:
    folder = home / "packs"
    folder.mkdir(parents=True)
    (folder / "trust.json").write_text(json.dumps({"keys": {}, "required": False}), encoding="utf-8")
    return Shelf(home)


@pytest.mark.parametrize(
    ("name", "version"),
    [("../../evil", "1.0.0"), ("/evil", "1.0.0"), ("pets", "../1"), ("pets", "1.0"), ("pets", "new"), ("a-b", "1.0.0")],
)
def test_name_and_version_of_an_archive_are_no_way_out_of_the_shelf(tmp_path: Path, name: str, version: str) -> None:
    target = shelf(tmp_path / "one" / "home")
    with pytest.raises(BadPack, match="Expected a name"):
        target.put(made(tmp_path / "sent.zip", name, version))
    assert list(tmp_path.rglob("*.trellis")) == []


@pytest.mark.parametrize(
    "odd", [{"requires": [5]}, {"slices": "all"}, {"options": [{}]}, {"changes": [{"version": 1}]}, {"permissions": 1}]
)
def test_pack_whose_own_document_has_a_wrong_form_is_not_kept(tmp_path: Path, odd: Any) -> None:
    target = shelf(tmp_path)
    with pytest.raises(InvalidMetadata):
        target.put(made(tmp_path / "sent.zip", document=odd))
    assert target.archives() == {}


def test_file_that_nobody_uploaded_does_not_hide_the_other_packs(tmp_path: Path) -> None:
    target = shelf(tmp_path)
    target.put(made(tmp_path / "sent.zip"))
    (target.folder / "pets-old.trellis").write_bytes(b"")
    assert [f.name for f in target.archives()["pets"]] == ["pets-1.0.0.trellis"]


@pytest.mark.parametrize("path", ["x" * 300 + ".json", "a/" * 600 + "b.json", "cases/deep.json", "objects/deep.json"])
def test_names_and_nesting_that_no_system_takes_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(TrellisError):
        shelf(tmp_path).put(made(tmp_path / "sent.zip", **{path: DEEP}))


@pytest.mark.parametrize("path", ["manifest.json", "signature.json"])
def test_deeply_nested_manifest_or_signature_is_refused(tmp_path: Path, path: str) -> None:
    file = made(tmp_path / "sent.zip")
    with zipfile.ZipFile(file) as given:
        files = {n: given.read(n) for n in given.namelist()}
    archive.write(file, {**files, path: DEEP})
    with pytest.raises(TrellisError):
        archive.read(file, shelf(tmp_path).trust)


def test_archive_that_was_damaged_anywhere_is_refused_in_words(tmp_path: Path) -> None:
    whole = made(tmp_path / "sent.zip", **{"docs/a.txt": b"hello world " * 50}).read_bytes()
    chance, refused = random.Random(5), 0
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        (tmp_path / "damaged.zip").write_bytes(bytes(data))
        try:
            archive.read(tmp_path / "damaged.zip")
        except TrellisError:
            refused += 1
    assert refused > 300


@pytest.mark.parametrize(
    "migration",
    [
        {"version": "next", "steps": []},
        {"version": "1.1.0", "steps": [{"object": "client", "set": 5}]},
        {"version": "1.1.0", "steps": [{"object": "client", "map": {"stage": "won"}}]},
        {"version": "1.1.0", "steps": [{"object": "client", "delete": False}]},
    ],
)
def test_migration_of_a_wrong_form_is_told(migration: Any) -> None:
    assert [d.code for d in migrations.problems_of(migration)] in (["missing_key"], ["bad_step"])


def test_check_tells_of_a_migration_over_an_object_that_is_not_there(tmp_path: Path) -> None:
    step = {"object": "nothing", "delete": True}
    pack = {"name": "other", "label": {"en": "O", "zh": "其"}, "requires": [{"name": "base"}]}
    source = write_pack(tmp_path / "other", pack, [], migrations=[{"version": "1.0.0", "steps": [step]}])
    _, found = check_pack(source, {"base": base_pack(tmp_path)})
    assert [d.message for d in errors_of(found)] == ["Step 1 changes 'nothing', which is no object."]


def test_check_minds_the_ranges_of_all_packs_that_require_one(tmp_path: Path) -> None:
    names = {"en": "P", "zh": "包"}
    middle = {"name": "middle", "label": names, "requires": [{"name": "base", "version": "^2.0"}]}
    top = {"name": "top", "label": names, "requires": [{"name": "base", "version": "^1.0"}, {"name": "middle"}]}
    packs = {"base": base_pack(tmp_path), "middle": write_pack(tmp_path / "middle", middle, [])}
    _, found = check_pack(write_pack(tmp_path / "top", top, []), packs)
    assert [d.message for d in errors_of(found)] == ["Pack 'base' ^1.0 and ^2.0 is required and not at hand."]


@pytest.mark.parametrize(
    ("wanted", "fits", "not_any_more"),
    [("^0.0.3", "0.0.3", "0.0.4"), ("^0.2", "0.2.9", "0.3.0"), ("^0.0", "0.0.9", "0.1.0"), ("^0", "0.9.0", "1.0.0")],
)
def test_ranges_before_the_first_release(wanted: str, fits: str, not_any_more: str) -> None:
    assert (accepts(wanted, fits), accepts(wanted, not_any_more)) == (True, False)


ODD_CASES: list[dict[str, Any]] = [
    {"clock": "yesterday"},
    {"clock": 5},
    {"people": [{"name": 5}]},
    {"people": [{"name": "ann", "permission_sets": "all"}]},
    {"given": [{"object": 5}]},
    {"given": [{"object": "user", "values": [1]}]},
    {"when": [{"create": ["user"], "values": {}}]},
    {"when": [{"as": ["ann"], "create": "user"}]},
    {"when": [{"wait": 5}]},
    {"when": [{"wait": "P99999999999D"}]},
    {"when": [{"wait": "P"}]},
    {"when": [{"update": ["x"]}]},
    {"when": [{"create": "user", "values": {}, "refused": ["name"]}]},
    {"when": [{"submit": "x", "move": {"to": "y"}}]},
    {"then": [{"find": "user", "values": ["name"]}]},
    {"then": [{"find": "user", "count": "1"}]},
    {"then": [{"told": ["ann"]}]},
    {"then": [{"record": {}}]},
    {"name": ["x"]},
    {"story": 5},
]


def test_cases_of_a_wrong_form_fail_in_words() -> None:
    with scratch(Snapshot.of(core_documents())) as maker:
        for odd in ODD_CASES:
            case = {"name": "odd", "story": "Odd.", "then": [{"find": "user", "count": 0}], **odd}
            (report,) = run_cases(maker, [case])
            assert "expected" in report.failures[0], odd

"""Built packs: the same bytes for the same folder, signatures, and every way in which an archive can be hostile."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from packs.samples import base_pack, school_pack

from trellis.packs import archive
from trellis.packs.archive import HostileArchive
from trellis.packs.shelf import Shelf, sign_archive
from trellis.packs.signing import BadKey, BadSignature, TrustList, new_key
from trellis.packs.source import BadPack


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = base_pack(tmp_path / "source").folder
    assert folder is not None
    archive.build(folder, tmp_path / "base.trellis")
    return tmp_path / "base.trellis"


def rewritten(file: Path, change: Callable[[zipfile.ZipFile, zipfile.ZipFile], None]) -> Path:
    """Copy an archive, with a change."""
    target = file.with_name("changed.trellis")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            new.writestr(info, old.read(info))
        change(old, new)
    return target


def with_file(name: str, data: bytes = b"{}", mode: int = stat.S_IFREG | 0o644) -> Callable[[Path], Path]:
    def make(file: Path) -> Path:
        def add(_old: zipfile.ZipFile, new: zipfile.ZipFile) -> None:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            new.writestr(info, data)

        return rewritten(file, add)

    return make


def bomb(file: Path) -> Path:
    def add(_old: zipfile.ZipFile, new: zipfile.ZipFile) -> None:
        new.writestr("docs/zeros.txt", b"0" * 50_000_000, zipfile.ZIP_DEFLATED)

    return rewritten(file, add)


def bytes_changed(file: Path) -> Path:
    data = file.read_bytes().replace(b"Client", b"Klient", 1)
    target = file.with_name("changed.trellis")
    with zipfile.ZipFile(io.BytesIO(file.read_bytes())) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            new.writestr(info, old.read(info).replace(b"Client", b"Klient"))
    assert data
    return target


def file_left_out(file: Path) -> Path:
    target = file.with_name("changed.trellis")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            if not info.filename.startswith("apps/"):
                new.writestr(info, old.read(info))
    return target


def lying_manifest(file: Path) -> Path:
    target = file.with_name("changed.trellis")
    with zipfile.ZipFile(file) as old:
        files = {i.filename: old.read(i) for i in old.infolist()}
    manifest = {**json.loads(files[archive.MANIFEST]), "version": "9.0.0"}
    archive.write(target, {**files, archive.MANIFEST: json.dumps(manifest).encode()})
    return target


def cut(file: Path) -> Path:
    target = file.with_name("changed.trellis")
    target.write_bytes(file.read_bytes()[:-60])
    return target


HOSTILE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a path that climbs": (with_file("../evil.json"), "no path inside"),
    "a path that climbs inside": (with_file("objects/../../evil.json"), "no path inside"),
    "an absolute path": (with_file("/etc/evil.json"), "no path inside"),
    "a drive": (with_file("C:evil.json"), "no path inside"),
    "back-slashes": (with_file("..\\evil.json"), "no path inside"),
    "a control character": (with_file("objects/a\nb.json"), "no path inside"),
    "a reserved name": (with_file("objects/nul.json"), "do not allow"),
    "a symbolic link": (with_file("objects/x.json", b"/etc/passwd", stat.S_IFLNK | 0o777), "no plain file"),
    "a device": (with_file("objects/x.json", b"", stat.S_IFCHR | 0o666), "no plain file"),
    "a folder": (with_file("objects/sub/", b""), "no path inside|no plain file"),
    "a name twice": (with_file("pack.json"), "stands twice"),
    "names equal but for case": (with_file("Pack.JSON"), "more than case"),
    "a file that is a folder": (with_file("pack.json/x.json"), "inside something that is a file"),
    "a bomb": (bomb, "grows more than"),
    "a file that is not listed": (with_file("objects/extra.json"), "not in the manifest"),
    "a file that is missing": (file_left_out, "is missing"),
    "a wrong sum": (bytes_changed, "SHA-256 differs"),
    "a manifest that lies": (lying_manifest, "manifest says"),
    "a cut file": (cut, "no readable archive"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archive_is_refused_and_writes_nothing(built: Path, tmp_path: Path, name: str) -> None:
    make, said = HOSTILE[name]
    hostile = make(built)
    target = tmp_path / "unpacked"
    with pytest.raises(HostileArchive, match=said):
        archive.read(hostile).unpack(target)
    assert name == "a manifest that lies" or not target.exists()
    assert not (tmp_path / "evil.json").exists()


def test_too_many_files_are_refused(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_FILES", 3)
    with pytest.raises(HostileArchive, match="at most 3"):
        archive.read(built)


def test_too_many_bytes_are_refused_whatever_the_header_says(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_BYTES", 1000)
    with pytest.raises(HostileArchive, match="more than 1000 bytes"):
        archive.read(built)


def test_something_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.trellis").write_bytes(b"not a zip")
    with pytest.raises(HostileArchive):
        archive.read(tmp_path / "x.trellis")


def test_same_folder_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    folder = base_pack(tmp_path / "again").folder
    assert folder is not None
    (folder / ".hidden").write_text("x")
    archive.build(folder, tmp_path / "again.trellis")
    assert (tmp_path / "again.trellis").read_bytes() == built.read_bytes()


def test_archive_gives_the_pack_back(tmp_path: Path) -> None:
    source = school_pack(tmp_path, migrations=[{"version": "1.0.0", "steps": []}])
    assert source.folder is not None
    archive.build(source.folder, tmp_path / "school.trellis")
    again = archive.read(tmp_path / "school.trellis").unpack(tmp_path / "unpacked")
    assert (again.document, again.documents, again.extensions, again.migrations) == (
        source.document,
        source.documents,
        source.extensions,
        source.migrations,
    )


def test_link_in_the_folder_is_not_built(tmp_path: Path) -> None:
    folder = base_pack(tmp_path).folder
    assert folder is not None
    (folder / "docs").mkdir()
    (folder / "docs" / "link").symlink_to("/etc/passwd")
    with pytest.raises(BadPack, match="symbolic link"):
        archive.build(folder, tmp_path / "x.trellis")


# -- signatures ---------------------------------------------------------------------------------------------------


@pytest.fixture
def signed(built: Path, tmp_path: Path) -> tuple[Path, str]:
    new_key(tmp_path / "vendor.pem")
    return built, sign_archive(built, tmp_path / "vendor.pem")


def test_signature_of_a_trusted_vendor_names_the_vendor(signed: tuple[Path, str]) -> None:
    file, key = signed
    assert archive.read(file, TrustList().with_key("Acme", key)).signer == "Acme"


def test_unsigned_pack_is_refused_where_a_signature_is_required(built: Path) -> None:
    with pytest.raises(BadSignature, match="not signed"):
        archive.read(built, TrustList())
    assert archive.read(built, TrustList(required=False)).signer == ""


def test_signature_of_an_unknown_vendor_is_refused(signed: tuple[Path, str], tmp_path: Path) -> None:
    other = new_key(tmp_path / "other.pem")
    with pytest.raises(BadSignature, match="nobody vouched"):
        archive.read(signed[0], TrustList().with_key("Other", other))


def test_pack_that_was_changed_after_signing_is_refused_even_if_no_signature_is_required(
    signed: tuple[Path, str],
) -> None:
    changed = lying_manifest(signed[0])
    with pytest.raises(BadSignature, match="changed after"):
        archive.read(changed, TrustList(required=False))


def test_signing_again_replaces_the_signature(signed: tuple[Path, str], tmp_path: Path) -> None:
    other = new_key(tmp_path / "other.pem")
    assert sign_archive(signed[0], tmp_path / "other.pem") == other
    assert archive.read(signed[0], TrustList().with_key("Other", other)).signer == "Other"


def test_private_key_is_readable_by_its_owner_only_and_never_replaced(tmp_path: Path) -> None:
    new_key(tmp_path / "key.pem")
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600
    with pytest.raises(BadKey, match="never replaced"):
        new_key(tmp_path / "key.pem")


@pytest.mark.parametrize("key", ["", "abc", "zz" * 32])
def test_malformed_public_key_is_refused(key: str) -> None:
    with pytest.raises(BadKey, match="64 hexadecimal"):
        TrustList().with_key("x", key)


# -- the shelf ----------------------------------------------------------------------------------------------------


def test_shelf_keeps_trusted_archives_and_gives_the_newest(signed: tuple[Path, str], tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "home")
    with pytest.raises(BadSignature):
        shelf.put(signed[0])
    TrustList().with_key("Acme", signed[1]).write(shelf.trust_file)
    shelf.put(signed[0])
    newer = base_pack(tmp_path / "new", version="1.10.0").folder
    assert newer is not None
    archive.build(newer, tmp_path / "newer.trellis")
    sign_archive(tmp_path / "newer.trellis", tmp_path / "vendor.pem")
    shelf.put(tmp_path / "newer.trellis")
    with shelf.source("base") as newest, shelf.source("base", "1.0.0") as older:
        assert (newest.version, newest.signer, older.version) == ("1.10.0", "Acme", "1.0.0")


def test_archive_on_the_shelf_is_refused_when_its_key_is_no_longer_trusted(
    signed: tuple[Path, str], tmp_path: Path
) -> None:
    shelf = Shelf(tmp_path / "home")
    TrustList().with_key("Acme", signed[1]).write(shelf.trust_file)
    shelf.put(signed[0])
    TrustList().write(shelf.trust_file)
    with pytest.raises(BadSignature), shelf.source("base"):
        pass

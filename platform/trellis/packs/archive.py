"""A built pack: one zip file with a manifest of SHA-256 sums, the same bytes for the same folder, and what is refused.

``manifest.json`` lists every file with its sum; ``signature.json`` signs the manifest. Entries are stored without
compression and with a fixed date, since compressors differ between machines. Reading trusts nothing that the archive says
about itself: sizes are counted while reading, names are judged before anything is written.
"""

from __future__ import annotations

import hashlib
import json
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from trellis.packs.signing import BadSignature, Signature, TrustList
from trellis.packs.source import BadPack, PackSource, read_pack
from trellis_metadata.errors import TrellisError
from trellis_metadata.files import PACK_FILE

SUFFIX = ".trellis"
MANIFEST, SIGNATURE = "manifest.json", "signature.json"
FORMAT = 1
MAX_FILES = 20_000
MAX_BYTES = 200 * 1024 * 1024
MAX_RATIO = 200
MAX_PATH, MAX_NAME = 1000, 200
_DATE = (1980, 1, 1, 0, 0, 0)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{n}{i}" for n in ("com", "lpt") for i in range(1, 10))})


class HostileArchive(TrellisError):
    """The archive is damaged, or made to do harm; nothing of it was written."""

    code = "hostile_archive"


@dataclass(frozen=True)
class Archive:
    """A verified archive: its manifest, the contents by path, and who signed it (blank: nobody that is trusted)."""

    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]
    signer: str = ""
    key: str = ""

    @property
    def name(self) -> str:
        """Name of the pack."""
        return str(self.manifest["name"])

    @property
    def version(self) -> str:
        """Version of the pack."""
        return str(self.manifest["version"])

    def unpack(self, folder: Path) -> PackSource:
        """Write the files to a new folder and read the pack."""
        for path, data in self.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        source = read_pack(folder)
        if (source.name, source.version) != (self.name, self.version):
            raise HostileArchive(
                f"The manifest says {self.name} {self.version}, {PACK_FILE} says {source.name} {source.version}."
            )
        return replace(source, signer=self.signer)


def build(folder: Path, target: Path) -> dict[str, Any]:
    """Write the pack in ``folder`` to the file ``target`` and return the manifest. Raises :class:`BadPack`."""
    source = read_pack(folder)
    files = dict(_contents(folder))
    manifest = {
        "format": FORMAT,
        "name": source.name,
        "version": source.version,
        "files": {path: hashlib.sha256(data).hexdigest() for path, data in files.items()},
    }
    write(target, {MANIFEST: _json(manifest), **files})
    return manifest


def write(target: Path, files: Mapping[str, bytes]) -> None:
    """Write files as an archive whose bytes depend on nothing else."""
    part = target.with_name(f".{target.name}.part")
    with zipfile.ZipFile(part, "w") as archive:
        for path in sorted(files, key=lambda p: (p != MANIFEST, p != SIGNATURE, p)):
            info = zipfile.ZipInfo(path, _DATE)
            info.compress_type, info.create_system = zipfile.ZIP_STORED, 3
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(info, files[path])
    part.replace(target)


def read(path: Path, trust: TrustList | None = None) -> Archive:
    """Verify an archive and return it.

    ``trust`` says whose signatures count; without it none is asked for. Raises :class:`HostileArchive`, or
    :class:`BadSignature` when a signature is wrong, missing or of somebody unknown.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            files = _files(archive)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, RuntimeError, ValueError) as error:
        raise HostileArchive(f"'{path.name}' is no readable archive: {error}") from error
    manifest = _manifest(files)
    signed = files.pop(SIGNATURE, None)
    text = files.pop(MANIFEST)
    _check_sums(manifest, files)
    signature = Signature.read(signed) if signed is not None else None
    signer = trust.check(text, signature) if trust is not None else ""
    return Archive(manifest, files, signer, signature.key if signature else "")


def manifest_bytes(path: Path) -> bytes:
    """Return the manifest of a verified archive as it was signed."""
    with zipfile.ZipFile(path) as archive:
        return archive.read(MANIFEST)


def _contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder)
        if any(part.startswith(".") or part == "__pycache__" for part in path.parts):
            continue
        if file.is_symlink():
            raise BadPack(f"'{path.as_posix()}' is a symbolic link. Put the file itself there.")
        if file.is_file():
            if path.as_posix() in (MANIFEST, SIGNATURE):
                raise BadPack(f"'{path.as_posix()}' is written by the build. Remove it.")
            yield path.as_posix(), file.read_bytes()


def _files(archive: zipfile.ZipFile) -> dict[str, bytes]:
    entries = archive.infolist()
    if len(entries) > MAX_FILES:
        raise HostileArchive(f"The archive has {len(entries)} files; at most {MAX_FILES} are read.")
    seen: dict[str, str] = {}
    for entry in entries:
        _check_entry(entry)
        folded = unicodedata.normalize("NFC", entry.filename).casefold()
        if folded in seen:
            how = "twice" if seen[folded] == entry.filename else f"beside '{seen[folded][:100]}'"
            raise HostileArchive(f"'{entry.filename[:100]}' stands {how}; names must differ in more than case.")
        seen[folded] = entry.filename
    for folded in seen:
        if any(str(parent) in seen for parent in PurePosixPath(folded).parents):
            raise HostileArchive(f"'{seen[folded][:100]}' lies inside something that is a file.")
    result: dict[str, bytes] = {}
    left = MAX_BYTES
    for entry in entries:
        result[entry.filename] = _read_entry(archive, entry, left)
        left -= len(result[entry.filename])
    return result


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name, shown = entry.filename, repr(entry.filename[:100])
    parts = PurePosixPath(name).parts
    # The library turns back-slashes of some systems into slashes: the name as it was written counts.
    odd = "\\" in entry.orig_filename or ":" in name or not name.isprintable() or name != "/".join(parts)
    if not parts or name.startswith("/") or ".." in parts or odd or entry.orig_filename != name:
        raise HostileArchive(f"{shown} is no path inside the pack.")
    if any(p.endswith((".", " ")) or p.split(".")[0].casefold() in _RESERVED for p in parts):
        raise HostileArchive(f"{shown} is a name that some systems do not allow.")
    if len(name.encode()) > MAX_PATH or any(len(p.encode()) > MAX_NAME for p in parts):
        raise HostileArchive(f"{shown} is longer than some systems allow.")
    mode = entry.external_attr >> 16
    if entry.is_dir() or (mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode)):
        raise HostileArchive(f"{shown} is no plain file (a link, a folder or a device).")
    if entry.flag_bits & 0x1 or entry.compress_type not in _METHODS:
        raise HostileArchive(f"{shown} is encrypted or packed by a method that is not read.")


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> bytes:
    with archive.open(entry) as stream:
        data = stream.read(left + 1)
    if len(data) > left:
        raise HostileArchive(f"The archive holds more than {MAX_BYTES} bytes.")
    if len(data) > 100_000 and len(data) > MAX_RATIO * max(entry.compress_size, 1):
        raise HostileArchive(f"'{entry.filename[:100]}' grows more than {MAX_RATIO} times when it is unpacked.")
    return data


def _manifest(files: Mapping[str, bytes]) -> Mapping[str, Any]:
    try:
        found = json.loads(files[MANIFEST])
        fits = found["format"] == FORMAT and all(isinstance(found[k], str) for k in ("name", "version"))
        if fits and isinstance(found["files"], dict):
            return dict(found)
    except (KeyError, TypeError, ValueError, RecursionError):
        pass
    raise HostileArchive(f"The archive has no readable {MANIFEST} of format {FORMAT}.")


def _check_sums(manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    listed = manifest["files"]
    extra, missing = sorted(set(files) - set(listed)), sorted(set(listed) - set(files))
    if extra or missing:
        what = f"'{extra[0][:100]}' is not in the manifest" if extra else f"'{missing[0][:100]}' is missing"
        raise HostileArchive(f"The archive and its manifest differ: {what}.")
    wrong = [p for p, data in files.items() if hashlib.sha256(data).hexdigest() != listed[p]]
    if wrong:
        raise HostileArchive(f"'{wrong[0][:100]}' is not what the manifest says (SHA-256 differs).")


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


__all__ = ["Archive", "BadSignature", "HostileArchive", "build", "manifest_bytes", "read", "write"]

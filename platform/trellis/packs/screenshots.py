"""Pictures of a pack in use: files of the folder ``screenshots`` that ``pack.json`` names, with what they show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from trellis.packs.source import PackSource
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.errors import TrellisError

FOLDER = "screenshots"
MAX_BYTES = 2 * 1024 * 1024
_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp"}
_MARKS = {"image/png": (0, b"\x89PNG\r\n\x1a\n"), "image/jpeg": (0, b"\xff\xd8\xff"), "image/webp": (8, b"WEBP")}


class NoScreenshot(TrellisError):
    """The pack names no such picture, or the file is missing or no picture."""

    code = "no_screenshot"


def picture(source: PackSource, name: str) -> tuple[bytes, str]:
    """Return the bytes and the media type of a picture that ``pack.json`` names. Raises :class:`NoScreenshot`."""
    named = [str(s["file"]) for s in source.document.get("screenshots", ())]
    if name not in named or source.folder is None:
        raise NoScreenshot(f"Pack '{source.name}' names no picture '{name[:80]}'.")
    problem = _problem(source.folder / FOLDER / name)
    if problem:
        raise NoScreenshot(f"'{name}' {problem}.")
    return (source.folder / FOLDER / name).read_bytes(), _TYPES[Path(name).suffix]


def wrong_pictures(source: PackSource) -> Iterator[Diagnostic]:
    """Yield what is wrong with the pictures that ``pack.json`` names."""
    for index, entry in enumerate(source.document.get("screenshots", ())):
        if source.folder is not None and (problem := _problem(source.folder / FOLDER / str(entry["file"]))):
            remedy = f"Put a PNG, JPEG or WebP file of at most {MAX_BYTES // 2**20} MB into the folder {FOLDER}."
            said = f"'{FOLDER}/{entry['file']}' {problem}."
            yield Diagnostic("bad_screenshot", f"/screenshots/{index}/file", said, remedy, "pack.json")


def _problem(file: Path) -> str:
    """Return what is wrong with a file, nothing if it is a picture."""
    if file.is_symlink() or not file.is_file():
        return "is not there"
    if file.stat().st_size > MAX_BYTES:
        return f"is larger than {MAX_BYTES // 2**20} MB"
    start, mark = _MARKS[_TYPES[file.suffix]]
    with file.open("rb") as stream:
        head = stream.read(16)
    return "" if head[start : start + len(mark)] == mark else f"is no {file.suffix[1:].upper()} file"

"""Folders of metadata: one document per file, one folder per kind, the file named after the document.

``pack.json`` in the root is the pack itself. Folders in ``OTHER_FOLDERS`` hold things that are not documents.
Anything else is reported rather than passed over: a file in a misspelt folder must not vanish silently.

A long text may stand in a file of its own beside the document: the source of ``scripts/totals.json`` in ``scripts/totals.py``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trellis_metadata import json_text
from trellis_metadata.diagnostics import Diagnostic, Severity, did_you_mean
from trellis_metadata.kind import kinds
from trellis_metadata.snapshot import Document, Snapshot

OTHER_FOLDERS = frozenset({"demo", "cases", "files", "docs", "extends", "migrations", "screenshots"})
PACK_FILE = "pack.json"


def read_folder(path: Path) -> tuple[list[Any], list[Diagnostic]]:
    """Return the documents of a folder, in the order of their paths, and what is wrong with the files.

    ``document`` of a diagnostic is the path of the file inside the folder. Symbolic links are not followed.
    """
    found: list[Diagnostic] = []
    documents: list[Any] = []
    if not path.is_dir():
        return [], [_found("no_folder", ".", f"There is no folder '{path.name}'.")]
    for file, kind in _files(path, found):
        place = file.relative_to(path).as_posix()
        value, problems = _read(file, place)
        found += problems
        if value is not None:
            found += _misplaced(value, kind, file, place)
            found += _take_text(value, kind, file, place)
            documents.append(value)
    return documents, found


def write_folder(snapshot: Snapshot, path: Path, *, prune: bool = False) -> list[Path]:
    """Write every document to its file and return the files. With ``prune``, files of other documents are removed.

    Each file is replaced at once: an interrupted run leaves whole files.
    """
    written = []
    for document in snapshot:
        file = path / kinds()[document["kind"]].folder / f"{document['name']}.json"
        written += _write_beside(file, document)
    if prune:
        _prune(path, set(written))
    return written


def text_of(document: Document) -> str:
    """Return the text of a document's file."""
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _write_beside(file: Path, document: Document) -> list[Path]:
    """Write a document, and a text of it to the file beside where there is one already; return the files."""
    written = [file]
    beside = kinds()[document["kind"]].beside
    if beside is not None and (text := file.with_suffix(beside.ending)).is_file() and beside.key in document:
        _write(text, document[beside.key])
        document = {k: v for k, v in document.items() if k != beside.key}
        written.append(text)
    _write(file, text_of(document))
    return written


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.part")
    part.write_text(text, encoding="utf-8", newline="\n")
    os.replace(part, file)


def _prune(path: Path, keep: set[Path]) -> None:
    for kind in kinds().values():
        endings = [".json", *([kind.beside.ending] if kind.beside is not None else [])]
        for file in (f for e in endings for f in (path / kind.folder).glob(f"*{e}")):
            if file not in keep and file.is_file() and not file.is_symlink():
                file.unlink()


def _files(path: Path, found: list[Diagnostic]) -> Iterator[tuple[Path, str]]:
    by_folder = {kind.folder: name for name, kind in kinds().items()}
    for entry in sorted(path.iterdir()):
        if entry.name.startswith(".") or entry.suffix in (".md", ".txt") or entry.name in OTHER_FOLDERS:
            continue
        if entry.is_symlink():
            found.append(
                _found("symbolic_link", entry.name, "Symbolic links are not followed.", "Put the file itself here.")
            )
        elif entry.is_dir() and entry.name in by_folder:
            yield from _in_folder(entry, by_folder[entry.name], found)
        elif entry.is_dir():
            found.append(
                _found(
                    "unknown_folder",
                    entry.name,
                    f"No kind of document lives in '{entry.name}'.{did_you_mean(entry.name, by_folder)}",
                    f"Folders: {', '.join(sorted(by_folder))}.",
                )
            )
        elif entry.name == PACK_FILE:
            yield entry, "pack"
        else:
            found.append(
                _found(
                    "unexpected_file",
                    entry.name,
                    "A document stands in the folder of its kind.",
                    f"Folders: {', '.join(sorted(by_folder))}.",
                )
            )


def _in_folder(folder: Path, kind: str, found: list[Diagnostic]) -> Iterator[tuple[Path, str]]:
    beside = kinds()[kind].beside
    for entry in sorted(folder.iterdir()):
        place = f"{folder.name}/{entry.name}"
        if entry.name.startswith(".") or entry.suffix == ".md":
            continue
        if entry.is_symlink():
            found.append(
                _found("symbolic_link", place, "Symbolic links are not followed.", "Put the file itself here.")
            )
        elif beside is not None and entry.is_file() and entry.suffix == beside.ending:
            if not entry.with_suffix(".json").is_file():
                said = f"There is no document '{entry.stem}.json' that this text could belong to."
                found.append(_found("unexpected_file", place, said, "Write the document, or remove the file."))
        elif not entry.is_file() or entry.suffix != ".json":
            found.append(_found("unexpected_file", place, "Only files that end in .json belong here."))
        else:
            yield entry, kind


def _read(file: Path, place: str) -> tuple[Any, list[Diagnostic]]:
    try:
        with file.open("rb") as stream:
            data = stream.read(json_text.MAX_BYTES + 1)
    except OSError as error:
        return None, [_found("unreadable_file", place, f"The file cannot be read: {error.strerror}.")]
    value, problems = json_text.read(data, place)
    if value is None and not problems:
        problems = [_found("wrong_type", place, "Found null, expected a document (object).")]
    return value, problems


def _take_text(value: Any, kind: str, file: Path, place: str) -> Iterator[Diagnostic]:
    """Put the text of the file beside a document into it, where there is such a file."""
    beside = kinds()[kind].beside
    text = file.with_suffix(beside.ending) if beside is not None else file
    if beside is None or not isinstance(value, dict) or text.is_symlink() or not text.is_file():
        return
    if beside.key in value:
        said = f"The document has '{beside.key}', and '{text.name}' stands beside it: which of the two holds?"
        yield _found("two_texts", place, said, f"Remove '{beside.key}' from the document, or the file.")
        return
    if text.stat().st_size > json_text.MAX_BYTES:
        yield _found("too_large", place, f"'{text.name}' is larger than {json_text.MAX_BYTES // 2**20} MB.")
        return
    try:
        value[beside.key] = text.read_bytes().decode("utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError):
        yield _found("unreadable_file", place, f"'{text.name}' is no readable UTF-8 text.")


def _misplaced(value: Any, kind: str, file: Path, place: str) -> Iterator[Diagnostic]:
    if not isinstance(value, dict):
        return
    if isinstance(value.get("kind"), str) and value["kind"] != kind:
        yield _found(
            "wrong_folder", place, f"The document says it is a {value['kind'][:40]}, its folder is for kind {kind}."
        )
    name = value.get("name")
    if isinstance(name, str) and file.stem != name and file.name != PACK_FILE:
        yield _found(
            "wrong_file_name",
            place,
            f"The document is called '{name[:60]}', its file '{file.name}'.",
            f"Rename the file to {name[:60]}.json.",
        )


def _found(code: str, place: str, message: str, remedy: str = "") -> Diagnostic:
    return Diagnostic(code, "", message, remedy, place, Severity.ERROR)

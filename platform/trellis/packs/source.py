"""A pack as it is delivered: what its folder holds, read once and with every problem told."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trellis.packs.options import values_of, with_options
from trellis.publishing.publisher import InvalidMetadata
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.errors import TrellisError
from trellis_metadata.files import PACK_FILE, read_folder
from trellis_metadata.language import Language
from trellis_metadata.snapshot import Document, Key, Snapshot, digest

EXTENDS = "extends"
LISTED = ("cases", "migrations")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?")


class BadPack(TrellisError):
    """The folder or file is no pack."""

    code = "bad_pack"


@dataclass(frozen=True)
class Content:
    """What one installation of a pack brings, with the options filled in.

    ``own`` are its documents, ``extensions`` the parts of documents of others by key, ``owners`` whose these are.
    """

    own: Snapshot
    extensions: Snapshot
    owners: Mapping[Key, str]

    @property
    def manifest(self) -> dict[str, Any]:
        """The list of documents by content: what is kept as the pristine version."""
        return {
            "own": {"/".join(k): d for k, d in self.own.digests.items()},
            "extends": {"/".join(k): [self.owners[k], d] for k, d in self.extensions.digests.items()},
        }

    @property
    def pristine(self) -> str:
        """Digest of :attr:`manifest`."""
        return digest(self.manifest)


NOTHING = Content(Snapshot({}), Snapshot({}), {})


@dataclass(frozen=True)
class PackSource:
    """A pack: its own document, the documents of its folder, and what goes with them."""

    document: Document
    documents: Sequence[Any]
    extensions: Sequence[tuple[str, Any]]
    cases: Sequence[Any]
    migrations: Sequence[Any]
    folder: Path | None = None
    signer: str = ""

    @property
    def name(self) -> str:
        """API name."""
        return str(self.document["name"])

    @property
    def version(self) -> str:
        """Version."""
        return str(self.document["version"])

    @property
    def prefix(self) -> str:
        """Prefix of what the pack adds to others."""
        return str(self.document.get("prefix", ""))

    def content(self, options: Mapping[str, Any], slices: Sequence[str]) -> Content:
        """Return what an installation with these answers brings. Raises :class:`BadOption`."""
        values = values_of(self.document, options)
        left_out = self.left_out(slices)
        _refuse_shapeless([*self.documents, *(d for _, d in self.extensions)])
        own = [d for raw in self.documents if (d := with_options(raw, values)) is not None]
        parts = [(owner, d) for owner, raw in self.extensions if (d := with_options(raw, values)) is not None]
        return Content(
            Snapshot.of(d for d in own if f"{d['kind']}/{d['name']}" not in left_out),
            Snapshot.of(d for _, d in parts if f"{d['kind']}/{d['name']}" not in left_out),
            {(d["kind"], d["name"]): owner for owner, d in parts},
        )

    def slices(self, given: Sequence[str] | None) -> list[str]:
        """Return the parts to install: those given, or those that are installed unless said otherwise."""
        declared = self.document.get("slices", ())
        names = [s["name"] for s in declared]
        unknown = [n for n in given or () if n not in names]
        if unknown:
            raise BadPack(f"Pack '{self.name}' has no part '{unknown[0]}'. Parts: {', '.join(names) or 'none'}.")
        return [s["name"] for s in declared if (s["name"] in given if given is not None else s.get("default", True))]

    def left_out(self, chosen: Sequence[str]) -> set[str]:
        """Return the documents (kind/name) of parts that are not installed."""
        wanted = {d for s in self.document.get("slices", ()) if s["name"] in chosen for d in s["documents"]}
        return {d for s in self.document.get("slices", ()) for d in s["documents"]} - wanted


def refuse_misshapen(source: PackSource) -> None:
    """Raise :class:`InvalidMetadata` if the pack's own document has not the form that everything else relies on."""
    if found := Language({}).shape([source.document]):
        raise InvalidMetadata(found)


def _refuse_shapeless(documents: Sequence[object]) -> None:
    """Raise :class:`InvalidMetadata` for documents that have no kind and name to be known by."""
    found = [
        Diagnostic("wrong_type", "", "Expected a JSON object with kind and name.", "", f"document {position + 1}")
        for position, d in enumerate(documents)
        if not isinstance(d, dict) or not isinstance(d.get("kind"), str) or not isinstance(d.get("name"), str)
    ]
    if found:
        raise InvalidMetadata(found)


def read_pack(folder: Path) -> PackSource:
    """Read a pack's folder. Raises :class:`BadPack`, or :class:`InvalidMetadata` with every unreadable file."""
    if not (folder / PACK_FILE).is_file():
        raise BadPack(f"There is no {PACK_FILE} in '{folder.name}', so it is no pack.")
    found, problems = read_folder(folder)
    extensions: list[tuple[str, Any]] = []
    if (folder / EXTENDS).is_dir():
        for entry in sorted((folder / EXTENDS).iterdir()):
            if entry.is_dir() and not entry.is_symlink():
                documents, more = read_folder(entry)
                extensions += [(entry.name, d) for d in documents]
                problems += more
    lists = {name: _read_list(folder / name, problems) for name in LISTED}
    if problems:
        raise InvalidMetadata(problems)
    packs = [d for d in found if isinstance(d, dict) and d.get("kind") == "pack"]
    if len(packs) != 1 or not isinstance(packs[0].get("name"), str) or not isinstance(packs[0].get("version"), str):
        raise BadPack(f"{PACK_FILE} of '{folder.name}' needs kind, name, label and version.")
    # Both become part of the name of a file, before anything else of the pack is judged.
    if not _NAME.fullmatch(packs[0]["name"]) or not _VERSION.fullmatch(packs[0]["version"]):
        raise BadPack(
            f"{PACK_FILE} says name {packs[0]['name'][:80]!r} and version {packs[0]['version'][:80]!r}. Expected a name of "
            "small letters, digits and underscores, and a version such as 1.0.0."
        )
    documents = [d for d in found if d is not packs[0]]
    return PackSource(packs[0], documents, extensions, lists["cases"], lists["migrations"], folder)


def _read_list(folder: Path, problems: list[Diagnostic]) -> list[Any]:
    found = []
    for file in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        place = f"{folder.name}/{file.name}"
        if file.is_symlink():
            problems.append(Diagnostic("symbolic_link", "", "Symbolic links are not followed.", "", place))
            continue
        try:
            value = json.loads(file.read_bytes())
        except (ValueError, OSError, RecursionError) as error:
            problems.append(Diagnostic("bad_json", "", f"The file cannot be read: {error}", "", place))
            continue
        if isinstance(value, dict):
            found.append({"$file": place, **value})
        else:
            problems.append(Diagnostic("wrong_type", "", "Expected a JSON object.", "", place))
    return found

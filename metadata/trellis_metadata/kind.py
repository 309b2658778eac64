"""A kind of document, and how the kinds are found.

One module in ``kinds/`` with a module-level ``KIND`` and one file ``schemas/<kind>.json`` make a kind.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.errors import TrellisError
from trellis_metadata.snapshot import Document, Snapshot

if TYPE_CHECKING:
    from trellis_metadata.language import Language


class DuplicateKind(TrellisError):
    """Two modules define the same kind of document."""

    code = "duplicate_kind"


class Definition(Protocol):
    """A document as typed values."""

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the definition was read."""
        ...


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a document points to another one: ``kind`` and ``name``, and the path of a field of it if the place names
    one."""

    pointer: str
    kind: str
    name: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """A text of a document, by its key, that may stand in a file of its own with this ending."""

    key: str
    ending: str


class Kind:
    """A kind of document. Subclasses set the class attributes and implement the methods."""

    name: str
    folder: str
    label: Mapping[str, str]
    nouns: Mapping[str, tuple[str, str]] = {}
    """What an element of a named list is called, in English and Chinese, by the key of the list."""
    beside: Beside | None = None
    """The text that may stand in a file beside the document."""

    def read(self, document: Document) -> Definition:
        """Return the definition that ``document``, which has the right shape, stands for."""
        raise NotImplementedError

    def references(self, document: Document) -> Iterable[Reference]:
        """Yield every place in ``document`` that names another document or a field of one."""
        return ()

    def check(self, document: Document, snapshot: Snapshot, language: Language) -> Iterable[Diagnostic]:
        """Yield what is wrong beyond shape and references. ``document`` has the right shape."""
        return ()


@cache
def kinds() -> Mapping[str, Kind]:
    """Return all kinds by name. Raises :class:`DuplicateKind` if two modules define the same one."""
    package = importlib.import_module("trellis_metadata.kinds")
    modules = [
        importlib.import_module(f"{package.__name__}.{found.name}") for found in pkgutil.iter_modules(package.__path__)
    ]
    return by_name((str(module.__file__), module.KIND) for module in modules if hasattr(module, "KIND"))


def by_name(found: Iterable[tuple[str, Kind]]) -> Mapping[str, Kind]:
    """Return kinds by name; ``found`` gives each with the file that defines it."""
    files: dict[str, str] = {}
    result: dict[str, Kind] = {}
    for file, kind in found:
        if kind.name in files:
            raise DuplicateKind(f"Kind '{kind.name}' is defined in {files[kind.name]} and in {file}.")
        files[kind.name], result[kind.name] = file, kind
    return result

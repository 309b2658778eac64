"""A snapshot: all documents of a tenant's metadata at one version, immutable, identified by its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

Document = Mapping[str, Any]
Key = tuple[str, str]
"""Kind and API name: the identity of a document."""


def canonical(document: object) -> bytes:
    """Return the one byte form of a JSON value: keys as given, no spaces, UTF-8. Order of keys is part of the document."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def digest(document: Document) -> str:
    """Return the SHA-256 of a document, independent of the order of its keys (lists keep theirs)."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def key_of(document: Document) -> Key:
    """Return kind and name of a document that has both."""
    return document["kind"], document["name"]


class Snapshot:
    """The documents of one version by (kind, name). Two snapshots with equal documents have equal hashes."""

    __slots__ = ("__dict__", "_by_kind", "documents")

    def __init__(self, documents: Mapping[Key, Document]) -> None:
        self.documents: Mapping[Key, Document] = MappingProxyType(dict(sorted(documents.items())))
        self._by_kind: dict[str, dict[str, Document]] = {}
        for (kind, name), document in self.documents.items():
            self._by_kind.setdefault(kind, {})[name] = document

    @classmethod
    def of(cls, documents: Iterable[Document]) -> Snapshot:
        """Build a snapshot; a later document replaces an earlier one of the same identity."""
        return cls({key_of(d): d for d in documents})

    def get(self, kind: str, name: str) -> Document | None:
        """Return the document, or None."""
        return self.documents.get((kind, name))

    def of_kind(self, kind: str) -> Mapping[str, Document]:
        """Return all documents of a kind by name."""
        return MappingProxyType(self._by_kind.get(kind, {}))

    def with_documents(self, documents: Iterable[Document]) -> Snapshot:
        """Return a snapshot in which these documents are added or replaced."""
        return Snapshot({**self.documents, **{key_of(d): d for d in documents}})

    def without(self, keys: Iterable[Key]) -> Snapshot:
        """Return a snapshot without these documents."""
        gone = set(keys)
        return Snapshot({k: d for k, d in self.documents.items() if k not in gone})

    @cached_property
    def digests(self) -> Mapping[Key, str]:
        """SHA-256 of each document."""
        return {k: digest(d) for k, d in self.documents.items()}

    @cached_property
    def hash(self) -> str:
        """SHA-256 over all identities and digests: the version's content address."""
        lines = "".join(f"{kind}/{name} {d}\n" for (kind, name), d in self.digests.items())
        return hashlib.sha256(lines.encode()).hexdigest()

    def __iter__(self) -> Iterator[Document]:
        return iter(self.documents.values())

    def __len__(self) -> int:
        return len(self.documents)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Snapshot) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)


EMPTY = Snapshot({})

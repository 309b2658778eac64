"""Plans: what leads from one snapshot to another, as operations.

A plan names its base and its target by their hashes. It is refused for any other base, so that what people read and
confirmed is what happens.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from trellis_metadata import operations as ops
from trellis_metadata.compare import document_operations
from trellis_metadata.danger import Danger
from trellis_metadata.errors import TrellisError
from trellis_metadata.operations import Operation
from trellis_metadata.renames import Rename, by_document, matched, recorded
from trellis_metadata.snapshot import Document, Snapshot, canonical
from trellis_metadata.structure import Node


class StalePlan(TrellisError):
    """The plan was made from another snapshot."""

    code = "stale_plan"


class Structures(Protocol):
    """What a comparison asks of the language."""

    def kinds(self) -> tuple[str, ...]:
        """Return the names of all kinds."""
        ...

    def structure(self, kind: str) -> Node:
        """Return how documents of a kind are taken apart."""
        ...


@dataclass(frozen=True)
class Plan:
    """Operations that lead from the snapshot with the hash ``base`` to the one with the hash ``target``."""

    base: str
    target: str
    operations: tuple[Operation, ...]

    @cached_property
    def hash(self) -> str:
        """SHA-256 of base, target and operations: what people confirm."""
        return hashlib.sha256(canonical(self.to_json())).hexdigest()

    @property
    def danger(self) -> Danger:
        """The greatest danger of any operation."""
        ranks = list(Danger)
        return max((op.danger for op in self.operations), key=ranks.index, default=Danger.SAFE)

    def apply(self, snapshot: Snapshot) -> Snapshot:
        """Return the target. Raises :class:`StalePlan` if ``snapshot`` is not the base."""
        if snapshot.hash != self.base:
            raise StalePlan(
                "The metadata changed since the plan was made. Make a new one.", base=self.base, found=snapshot.hash
            )
        for operation in self.operations:
            snapshot = operation.apply(snapshot)
        return snapshot

    def inverse(self, snapshot: Snapshot) -> Plan:
        """Return the plan that leads from the target back to ``snapshot``, the base. Raises :class:`StalePlan`."""
        if snapshot.hash != self.base:
            raise StalePlan("The snapshot is not the base of the plan.", base=self.base, found=snapshot.hash)
        back: list[Operation] = []
        for operation in self.operations:
            back.append(operation.inverse(snapshot))
            snapshot = operation.apply(snapshot)
        return Plan(self.target, self.base, tuple(reversed(back)))

    def describe(self, language: str = "en") -> list[str]:
        """Return one line per operation."""
        return [operation.describe(language) for operation in self.operations]

    def to_json(self) -> dict[str, Any]:
        """Return the plan as a JSON value, from which :meth:`from_json` makes it again."""
        return {"base": self.base, "target": self.target, "operations": [op.to_json() for op in self.operations]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Plan:
        """Return the plan that ``to_json`` wrote. Raises ``UnknownOperation`` for anything else."""
        try:
            base, target, listed = value["base"], value["target"], list(value["operations"])
        except (KeyError, TypeError) as error:
            raise ops.UnknownOperation("This is no plan: base, target and operations are needed.") from error
        return cls(base, target, tuple(map(ops.from_json, listed)))


def diff(a: Snapshot, b: Snapshot, language: Structures, renames: Collection[Rename] = ()) -> Plan:
    """Return the plan from ``a`` to ``b``.

    ``renames`` answers which part became which: ``("object", "deal", ("fields", "amount"), "value")``; an empty path
    renames the document. They are written into ``was`` of the target, which then differs from ``b`` in that alone.
    Without an answer ``was`` in the documents decides; without either a changed name is a removal and an addition.
    """
    structures = {kind: language.structure(kind) for kind in language.kinds()}
    target = recorded(b, renames, structures)
    return Plan(a.hash, target.hash, tuple(_operations(a, target, structures, by_document(renames))))


def _operations(
    a: Snapshot,
    b: Snapshot,
    structures: Mapping[str, Node],
    answers: Mapping[tuple[str, str], Mapping[tuple[str, ...], str]],
) -> Iterator[Operation]:
    renamed = {(kind, old): new for kind in structures for old, new in _renamed(a, b, kind, answers).items()}
    for (kind, old), new in sorted(renamed.items()):
        yield ops.RenameElement(kind, old, (), new, _was(b.documents[kind, new]))
    arrived = {(kind, new) for (kind, _), new in renamed.items()}
    for key, document in b.documents.items():
        if key not in a.documents and key not in arrived:
            yield ops.AddDocument(*key, document)
    for key, before in a.documents.items():
        new_key = (key[0], renamed.get(key, key[1]))
        after = b.documents.get(new_key)
        if after is not None and (key in renamed or a.digests[key] != b.digests[key]):
            if key in renamed:
                before = _as_renamed(before, after)
            yield from document_operations(before, after, structures[key[0]], answers.get(key, {}))
    for key in a.documents:
        if key not in b.documents and key not in renamed:
            yield ops.RemoveDocument(*key)


def _renamed(
    a: Snapshot,
    b: Snapshot,
    kind: str,
    answers: Mapping[tuple[str, str], Mapping[tuple[str, ...], str]],
) -> dict[str, str]:
    before, after = a.of_kind(kind), b.of_kind(kind)
    answered = {
        name: found[()]
        for (k, name), found in answers.items()
        if k == kind and () in found and name in before and found[()] not in before and name not in after
    }
    rest_before = {n: d for n, d in before.items() if n not in answered}
    rest_after = {n: d for n, d in after.items() if n not in answered.values()}
    return {**matched(rest_before, rest_after), **answered}


def _was(document: Document) -> tuple[str, ...] | None:
    return tuple(document["was"]) if "was" in document else None


def _as_renamed(before: Document, after: Document) -> Document:
    renamed = {**before, "name": after["name"]}
    renamed.pop("was", None)
    return {**renamed, "was": after["was"]} if "was" in after else renamed

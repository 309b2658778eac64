"""Names first: the three versions are given one name for each element, so that everything after can go by names.

``was`` on either side says which new element is which old one. Where both sides renamed, or a new name is taken on the
other side, there is a conflict about the name, and about nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from trellis_metadata.addresses import Path, changed
from trellis_metadata.language import Language
from trellis_metadata.merge.outcome import Choices, Outcome, Side, Verdict
from trellis_metadata.merge.rewriting import renamed
from trellis_metadata.renames import matched
from trellis_metadata.snapshot import Snapshot
from trellis_metadata.structure import Form, Node

Elements = Mapping[str, Mapping[str, Any]]
Ways = tuple[Path, Path, Path]
"""The path of one element in base, theirs and ours."""


@dataclass
class Naming:
    """What is called differently: new names, old names to record, elements that lose their name to another."""

    choices: Choices
    names: tuple[dict[tuple[str, str, Path], str], ...] = field(default_factory=lambda: ({}, {}, {}))
    was: dict[tuple[str, str, Path], list[str]] = field(default_factory=dict)
    dropped: list[tuple[int, str, str, Path]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    def documents(self, sides: tuple[Snapshot, Snapshot, Snapshot], language: Language) -> None:
        """Find the renamed documents and the renamed elements inside all documents."""
        for kind in language.kinds():
            by_name = [side.of_kind(kind) for side in sides]
            node = language.structure(kind)
            for base, theirs, ours, final in self._pairs(by_name[0], by_name[1], by_name[2], node.keeps_names):
                names = (base, theirs, ours)
                if {base, theirs, ours} - {final, None}:
                    self._name(kind, names, names, ((), (), ()), final, by_name)
                found = [side.get(n) if n else None for side, n in zip(by_name, names, strict=True)]
                digests = {s.digests.get((kind, n or "")) for s, n in zip(sides, names, strict=True)}
                if len(digests) > 1:
                    self._elements(kind, names, found, node, ((), (), ()))

    def _elements(self, kind: str, documents: Any, values: list[Any], node: Node, ways: Ways) -> None:
        if not isinstance(values[0], Mapping):
            return
        fitting = node.of(values[0])
        for key, child in fitting.keys.items():
            parts = [v.get(key) if isinstance(v, Mapping) else None for v in values]
            below: Ways = tuple((*way, key) for way in ways)  # type: ignore[assignment]
            if child.form is Form.MAP:
                self._elements(kind, documents, parts, child, below)
            elif child.form is Form.LIST and child.item is not None:
                self._list(kind, documents, parts, child.item, below)

    def _list(self, kind: str, documents: Any, lists: list[Any], item: Node, ways: Ways) -> None:
        by_name = [{e["name"]: e for e in side or () if isinstance(e, Mapping)} for side in lists]
        for base, theirs, ours, final in self._pairs(by_name[0], by_name[1], by_name[2], item.keeps_names):
            names = (base, theirs, ours)
            inner: Ways = tuple((*way, name or "") for way, name in zip(ways, names, strict=True))  # type: ignore[assignment]
            if {base, theirs, ours} - {final, None}:
                self._name(kind, documents, names, inner, final, by_name)
            values = [side.get(n) if n else None for side, n in zip(by_name, names, strict=True)]
            if item.keys or item.variants:
                self._elements(kind, documents, values, item, inner)

    def _pairs(self, base: Elements, theirs: Elements, ours: Elements, keeps: bool) -> list[Any]:
        """Return (base, theirs, ours, final) names of every element that base has; None where it is gone."""
        to_theirs, to_ours = (matched(base, side) if keeps else {} for side in (theirs, ours))
        found = []
        for name in base:
            theirs_name = to_theirs.get(name, name if name in theirs else None)
            ours_name = to_ours.get(name, name if name in ours else None)
            changed_names = [n for n in (ours_name, theirs_name) if n not in (None, name)]
            found.append((name, theirs_name, ours_name, changed_names[0] if changed_names else name))
        return found

    def _name(
        self, kind: str, documents: Any, names: tuple[Any, ...], ways: Ways, final: str, by_name: list[Any]
    ) -> None:
        base, theirs, ours = names
        document = documents[0] or documents[1] or documents[2]
        taken_in = [i for i, side in enumerate(by_name) if i and final in side and names[i] != final and final != base]
        both = theirs not in (None, base) and ours not in (None, base) and theirs != ours
        if both:
            final = (
                theirs if self._ask(kind, document, ways[0], names, "both_renamed", Side.OURS) is Side.THEIRS else ours
            )
        elif taken_in:
            side = Side.OURS if ours == final else Side.THEIRS
            other = Side.THEIRS if side is Side.OURS else Side.OURS
            if self._ask(kind, document, ways[0], names, "name_taken", other) is side:
                self.dropped += [
                    (i, kind, final if not ways[0] else documents[i], (*ways[0][:-1], final) if ways[0] else ())
                    for i in taken_in
                ]
            else:
                final = base
        for i, (name, way) in enumerate(zip(names, ways, strict=True)):
            if name is not None and name != final:
                self.names[i][kind, documents[i], way] = final
        self._record(kind, documents, names, ways, final, by_name, both)

    def _record(
        self, kind: str, documents: Any, names: tuple[Any, ...], ways: Ways, final: str, by_name: list[Any], both: bool
    ) -> None:
        values = [side.get(n, {}) if n else {} for side, n in zip(by_name, names, strict=True)]
        if both:
            old = [n for v in values for n in v.get("was", ())] + [n for n in names if n]
            was = [n for n in dict.fromkeys(old) if n != final]
        else:
            renaming = next((i for i in (2, 1) if names[i] not in (None, names[0])), 0)
            if names[1] == names[2]:
                return
            was = list(values[0 if final == names[0] else renaming].get("was", ()))
        for i, way in enumerate(ways):
            if names[i] is not None:
                self.was[str(i), documents[i] if way else names[i], (kind, *way)] = was

    def _ask(self, kind: str, name: str, at: Path, names: tuple[Any, ...], reason: str, recommended: Side) -> Side:
        base, theirs, ours = names
        outcome = Outcome(
            kind, name, (*at, "name"), Verdict.CONFLICT, base, theirs, ours, reason, recommended=recommended
        )
        chosen = self.choices.get(outcome.key)
        self.outcomes.append(replace(outcome, chosen=chosen))
        return chosen or recommended

    def applied(self, side: int, snapshot: Snapshot, language: Language, around: Snapshot) -> Snapshot:
        """Return one version under the common names."""
        if not (self.names[side] or self.was or self.dropped):
            return snapshot
        for i, kind, name, path in self.dropped:
            if i == side:
                snapshot = _without(snapshot, kind, name, path)
        for (number, name, (kind, *way)), was in self.was.items():
            document = snapshot.get(kind, name)
            if number == str(side) and document is not None:
                new = changed(document, tuple(way), partial(_with_was, was=was))
                snapshot = snapshot.with_documents([new])
        return renamed(snapshot, self.names[side], language, around)


def _with_was(element: Mapping[str, Any], *, was: list[str]) -> dict[str, Any]:
    rest = {k: v for k, v in element.items() if k != "was"}
    return {**rest, "was": was} if was else rest


def _without(snapshot: Snapshot, kind: str, name: str, path: Path) -> Snapshot:
    if not path:
        return snapshot.without([(kind, name)])
    document = snapshot.get(kind, name)
    if document is None:
        return snapshot
    gone = path[-1]
    new = changed(document, path[:-1], lambda elements: [e for e in elements if e["name"] != gone])
    return snapshot.with_documents([new])


def align(
    base: Snapshot, theirs: Snapshot, ours: Snapshot, language: Language, choices: Choices
) -> tuple[Snapshot, Snapshot, Snapshot, list[Outcome]]:
    """Return the three versions under common names, and the conflicts about names."""
    naming = Naming(choices)
    naming.documents((base, theirs, ours), language)
    sides = [naming.applied(i, side, language, ours) for i, side in enumerate((base, theirs, ours))]
    return sides[0], sides[1], sides[2], naming.outcomes

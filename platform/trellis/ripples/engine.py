"""The reverse-dependency engine: from what a write changed to everything derived that must follow, level by level.

The map "changed field → touched ripples" is compiled once per version of the metadata. Each ripple runs at most once per
batch, after all ripples below it, for all records that anything touched; so a parent with a thousand changed children is
computed once. What a ripple changes may touch ripples above it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trellis.model import Model, ObjectModel
from trellis.ripples.aftermath import follow_up
from trellis.ripples.reading import RollupTooLarge
from trellis.ripples.ripple import Change, Reach, Ripple, Source, Watch, Writer
from trellis.ripples.rollups import rollup_ripples
from trellis.ripples.shadows import shadow_ripples
from trellis.transaction.errors import RippleRefused
from trellis.transaction.row import Row

if TYPE_CHECKING:
    from trellis.tenant import Tenant
    from trellis.transaction.transaction import Transaction

Batch = tuple[ObjectModel, Sequence[Row]]


@dataclass(frozen=True)
class Ripples:
    """The ripples of one version: in the order in which they run, and by the object whose changes touch them."""

    ordered: Sequence[Ripple]
    by_object: Mapping[str, Sequence[tuple[int, Watch]]]

    @classmethod
    def of(cls, found: Iterable[Ripple]) -> Ripples:
        ordered = sorted(found, key=lambda r: (r.level, r.target))
        watches: dict[str, list[tuple[int, Watch]]] = {}
        for position, ripple in enumerate(ordered):
            for watch in ripple.watches:
                watches.setdefault(watch.object, []).append((position, watch))
        return cls(ordered, watches)


@dataclass
class Engine:
    """The ripples of a tenant. ``sources`` give them for a version; other parts of the platform append theirs."""

    tenant: Tenant
    sources: list[Source] = field(default_factory=lambda: [rollup_ripples, shadow_ripples])

    def ripples(self, model: Model) -> Ripples:
        """Return the ripples of a version, compiled once."""
        found: Ripples | None = model.__dict__.get("_ripples")
        if found is None:
            made = (ripple for source in self.sources for ripple in source(self.tenant, model))
            found = model.__dict__["_ripples"] = Ripples.of(made)
        return found

    def step(self, tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
        """The step of the write path: rows of ``model`` were written. Inside :func:`trellis.ripples.together.together` it waits for the others."""
        if model.name in self.ripples(tx.model).by_object:
            if tx.held_ripples is not None:
                tx.held_ripples.append((model, rows))
            else:
                self.run(tx, [(model, rows)])

    def begin(self, tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
        """The step of the write path that gives new records the roll-ups of a record without children."""
        for ripple in self.ripples(tx.model).ordered:
            if ripple.target == model.name:
                initial = ripple.initial()
                for row in rows:
                    if row.old is None:
                        row.new.update(initial)

    def run(self, tx: Transaction, batches: Sequence[Batch]) -> None:
        """Bring up to date what the batches touch. Raises :class:`RippleRefused` with the errors at the rows that caused it."""
        rows: dict[int, tuple[str, Row]] = {}
        run = Passage(tx, self.ripples(tx.model))
        for model, written in batches:
            changes = []
            for row in written:
                rows[len(rows)] = model.name, row
                changes.append(_change_of(row, len(rows) - 1))
            run.seed(model.name, changes)
        try:
            changed = run.upwards()
        except RollupTooLarge as problem:
            causes = run.causes(problem.object, problem.record)
            for number in causes or rows:
                rows[number][1].refuse("_record", problem.code, problem.message)
            raise RippleRefused([row.errors or None for _, row in rows.values()]) from None
        follow_up(tx, changed, rows)


class Passage:
    """One passage through the levels."""

    def __init__(self, tx: Writer, ripples: Ripples) -> None:
        self.tx, self.ripples = tx, ripples
        self._touched: dict[int, dict[str, dict[int, set[int]]]] = {}

    def seed(self, object_name: str, changes: Sequence[Change]) -> None:
        """Note what the changes touch. Equal ways are walked once."""
        by_reach: dict[Reach, list[tuple[int, Watch]]] = {}
        for position, watch in self.ripples.by_object.get(object_name, ()):
            by_reach.setdefault(watch.reach, []).append((position, watch))
        for reach, watches in by_reach.items():
            fields = frozenset[str]().union(*(w.fields for _, w in watches))
            relevant = [c for c in changes if c.touches(fields)]
            if not relevant:
                continue
            for change, record in reach(self.tx, relevant):
                for position, watch in watches:
                    if change.touches(watch.fields):
                        by_name = self._touched.setdefault(position, {}).setdefault(watch.name, {})
                        by_name.setdefault(record, set()).update(change.causes)

    def touch(self, ripple: Ripple, records: set[int]) -> None:
        """Note records that a ripple must look at whatever touched them."""
        by_name = self._touched.setdefault(self.ripples.ordered.index(ripple), {})
        for name in {w.name for w in ripple.watches}:
            for record in records:
                by_name.setdefault(name, {}).setdefault(record, set())

    def upwards(self) -> dict[str, dict[int, Change]]:
        """Run the touched ripples from the lowest level up; return what changed, by object and record."""
        changed: dict[str, dict[int, Change]] = {}
        for position, ripple in enumerate(self.ripples.ordered):
            touched = self._touched.get(position)
            if not touched:
                continue
            done = ripple.apply(self.tx, {name: set(ids) for name, ids in touched.items()})
            found = [self._caused(c, touched) for c in done]
            for change in found:
                known = changed.setdefault(ripple.target, {})
                known[change.id] = _merged(known.get(change.id), change)
            self.seed(ripple.target, found)
        return changed

    def _caused(self, change: Change, touched: Mapping[str, Mapping[int, set[int]]]) -> Change:
        causes = frozenset[int]().union(*(ids[change.id] for ids in touched.values() if change.id in ids))
        return Change(change.id, change.old, change.new, change.fields, causes)

    def touched(self, object_name: str) -> set[int]:
        """Return the records of an object that anything touched, whether or not they changed by it."""
        found: set[int] = set()
        for position, touched in self._touched.items():
            if self.ripples.ordered[position].target == object_name:
                found.update(*touched.values())
        return found

    def causes(self, object_name: str, record: int) -> set[int]:
        """Return the rows of the write that touched a record."""
        found: set[int] = set()
        for position, touched in self._touched.items():
            if self.ripples.ordered[position].target == object_name:
                found.update(*(ids.get(record, ()) for ids in touched.values()))
        return found


def _change_of(row: Row, number: int) -> Change:
    assert row.id is not None
    whole = row.old is None or "deleted_at" in row.new
    new = {**row.old, **row.new} if row.old else row.new
    return Change(row.id, row.old, new, None if whole else frozenset(row.new), frozenset({number}))


def _merged(first: Change | None, second: Change) -> Change:
    """Return two changes of one record as one: the values before both, and after both."""
    if first is None:
        return second
    fields = (first.fields or frozenset()) | (second.fields or frozenset())
    old = {**(second.old or {}), **(first.old or {})}
    return Change(first.id, old, {**first.new, **second.new}, fields, first.causes | second.causes)

"""Computes what is derived for the records that exist, when a change of the metadata brings it or gives it another meaning.

Roll-ups level by level and in batches of parents, after the conversions that they may read; then the copies of indexed
formulas. What is written meanwhile under the old
version is caught up with before the new one is made visible, along the same ways that ripples take.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.fields.base import InvalidValue
from trellis.model import Model, ObjectModel
from trellis.publishing import catalogue
from trellis.publishing.expansion import Expansion
from trellis.publishing.filling import BATCH_ROWS, next_ids
from trellis.ripples.definition import Column, Rollup, rollups_of
from trellis.ripples.engine import Passage, Ripples
from trellis.ripples.inputs import levels, sources
from trellis.ripples.reach import OwnLink
from trellis.ripples.ripple import Change
from trellis.ripples.rollups import RollupLevel
from trellis.ripples.shadows import Shadows
from trellis.storage import system
from trellis.storage.engines import Database
from trellis.storage.physical import Storage
from trellis_metadata.snapshot import Snapshot

if TYPE_CHECKING:
    from trellis.tenant import Tenant


@dataclass(frozen=True)
class Writer:
    """What ripples need of a transaction."""

    connection: Connection
    model: Model
    database: Database


class Everything(Passage):
    """A passage that goes on from every record that it touches, changed or not: others may have changed it before."""

    def upwards(self) -> dict[str, dict[int, Change]]:
        for position, ripple in enumerate(self.ripples.ordered):
            touched = self._touched.get(position)
            if touched:
                assert isinstance(ripple, RollupLevel)
                ids = sorted(set().union(*touched.values()))
                ripple.apply(self.tx, {name: set(found) for name, found in touched.items()})
                stored = ripple.stored(self.tx.connection, ids)
                self.seed(ripple.target, [Change(record, now, now, None) for record, now in stored.items()])
        return {}


class Deriving:
    """The roll-ups, and the copies of indexed formulas, that one change of the metadata must compute."""

    def __init__(self, tenant: Tenant, connection: Connection, new: Snapshot, expansion: Expansion) -> None:
        self.tenant, self.connection, self.expansion = tenant, connection, expansion
        self.model = Model(new, -1, tenant.environment(new), self._storage_of)
        self._wanted = {(target, name) for target, names in expansion.derived.items() for name in names}
        self.ripples = self._levels(self._wanted)
        self.shadows = [Shadows(self.model, name, sorted(found)) for name, found in sorted(expansion.shadows.items())]

    def _levels(self, columns: Iterable[Column]) -> list[RollupLevel]:
        known, level = rollups_of(self.model.snapshot), levels(self.model.snapshot)
        groups: dict[tuple[int, str], list[Rollup]] = {}
        for target, name in sorted(columns):
            groups.setdefault((level[target, name], target), []).append(known[target, name])
        return [RollupLevel(self.tenant, self.model, t, n, found) for (n, t), found in sorted(groups.items())]

    def _behind(self) -> list[RollupLevel]:
        """Return the roll-ups that are computed and all that they and the copies are computed from."""
        snapshot = self.model.snapshot
        known, found = rollups_of(snapshot), set[Column]()
        waiting = [*self._wanted]
        waiting += [(s.target, p.partition(".")[0]) for s in self.shadows for paths in s.paths.values() for p in paths]
        while waiting:
            column = waiting.pop()
            if column in known and column not in found:
                found.add(column)
                waiting.extend(sources(snapshot, known[column]))
        return self._levels(found)

    def _storage_of(self, name: str) -> Storage | None:
        return self.expansion.after.get(name) or catalogue.read(self.connection, [name]).get(name)

    def batch(self, position: dict[str, int]) -> int:
        """Compute the next batch and move ``position`` on; return the number of records, 0 when all are done."""
        for ripple in self.ripples:
            key = f"{ripple.target}#{ripple.level}"
            ids = next_ids(self.connection, ripple.parent, position.get(key, 0))
            if ids:
                self._compute(ripple, ids)
                position[key] = ids[-1]
                return len(ids)
        for shadows in self.shadows:
            key = f"{shadows.target}#formulas"
            ids = next_ids(self.connection, shadows.owner, position.get(key, 0))
            if ids:
                shadows.write(self.connection, shadows.wrong(self.connection, ids))
                position[key] = ids[-1]
                return len(ids)
        return 0

    def all(self) -> None:
        """Compute everything at once."""
        position: dict[str, int] = {}
        while self.batch(position):
            pass

    def rows(self) -> int:
        """Return how many records have something computed, and how many are read for it."""
        tables = {r.target: r.parent.table for r in self.ripples}
        tables.update({r.child: self.model.object(r.child).table for level in self.ripples for r in level.rollups})
        tables.update({s.target: s.owner.table for s in self.shadows})
        count = sa.func.count()
        return sum(int(self.connection.execute(sa.select(count).select_from(t)).scalar_one()) for t in tables.values())

    def catch_up(self, mark: int) -> None:
        """Compute again what writes after change ``mark`` touched. Call while nobody else can write."""
        if not self.ripples and not self.shadows:
            return
        behind = self._behind()
        late = self._late(mark, behind)
        if not late:
            return
        writer = Writer(self.connection, self.model, self.tenant.database)
        passage = Everything(writer, Ripples.of(behind))
        for name, changes in late.items():
            passage.seed(name, changes)
            for ripple in behind:
                if ripple.target == name:
                    passage.touch(ripple, {c.id for c in changes})
        for ripple in behind:
            if any(self._unknown_moves(r, late) for r in ripple.rollups):
                last = 0
                while ids := next_ids(self.connection, ripple.parent, last):
                    passage.touch(ripple, set(ids))
                    last = ids[-1]
        passage.upwards()
        for shadows in self.shadows:
            late_ids = {c.id for c in late.get(shadows.target, ())} | passage.touched(shadows.target)
            shadows.apply(writer, {name: late_ids for name in shadows.names})

    def _compute(self, ripple: RollupLevel, ids: Sequence[int]) -> None:
        writer = Writer(self.connection, self.model, self.tenant.database)
        ripple.apply(writer, {r.name: set(ids) for r in ripple.rollups})

    # -- what was written meanwhile --------------------------------------------------------------------------------

    def _late(self, mark: int, behind: Sequence[RollupLevel]) -> dict[str, list[Change]]:
        c = system.change.c
        query = sa.select(c.object, c.record, c["values"]).where(c.id > mark).order_by(c.id)
        renamed = self.expansion.renamed
        values: dict[str, dict[int, list[Mapping[str, Any]]]] = {}
        for object_name, record, changed in self.connection.execute(query):
            name = renamed.get(object_name, object_name)
            values.setdefault(name, {}).setdefault(record, []).append(changed or {})
        known = set(self.model.object_names)
        links = {n: _links(behind, n) for n in values}
        return {n: list(self._changes(self.model.object(n), links[n], v)) for n, v in values.items() if n in known}

    def _changes(
        self, owner: ObjectModel, links: Sequence[str], found: Mapping[int, list[Mapping[str, Any]]]
    ) -> Iterator[Change]:
        """Yield the late records with what they point at now, and once more for everything that they pointed at."""
        for record, now in self._now(owner, links, sorted(found)).items():
            yield Change(record, {}, now, None)
            for changed in found[record]:
                before = {n: self._reference(owner, n, changed[n][0]) for n in links if n in changed}
                if any(before.values()):
                    yield Change(record, before, before, None)

    def _now(self, owner: ObjectModel, links: Sequence[str], ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        fields = [owner.fields[n] for n in links]
        t = owner.table
        out: dict[int, dict[str, Any]] = {}
        for start in range(0, len(ids), BATCH_ROWS):
            wanted = t.c.id.in_(ids[start : start + BATCH_ROWS])
            for row in self.connection.execute(
                sa.select(t.c.id, *(c for f in fields for c in f.columns)).where(wanted)
            ):
                position, values = 1, dict[str, Any]()
                for field in fields:
                    values[field.name] = field.decode(tuple(row[position : position + len(field.columns)]))
                    position += len(field.columns)
                out[row[0]] = values
        return out

    def _reference(self, owner: ObjectModel, name: str, text: Any) -> Any:
        try:
            return None if text is None else owner.fields[name].codec.parse(text)
        except InvalidValue:
            return None

    def _unknown_moves(self, rollup: Rollup, late: Mapping[str, Sequence[Change]]) -> bool:
        """Whether children may have left parents without a trace, because no history of their lookup is kept."""
        link = self.model.object(rollup.child).fields[rollup.link]
        return rollup.child in late and link.doc.get("history") is False


def _links(levels: Sequence[RollupLevel], name: str) -> list[str]:
    """Return the lookups by which records of an object lead to parents of the roll-ups."""
    return sorted(
        {w.reach.link for r in levels for w in r.watches if w.object == name and isinstance(w.reach, OwnLink)}
    )

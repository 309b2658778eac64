"""Computes roll-ups for the records that exist, when a change of the metadata brings them or gives them another meaning.

Level by level and in batches of parents, after the conversions that they may read. What is written meanwhile under the old
version is caught up with before the new one is made visible, along the same ways that ripples take.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.fields.base import InvalidValue
from trellis.model import Model, ObjectModel
from trellis.publishing import catalogue
from trellis.publishing.expansion import Expansion
from trellis.publishing.filling import BATCH_ROWS, next_ids
from trellis.ripples.definition import Rollup, rollups_of
from trellis.ripples.engine import Passage, Ripples
from trellis.ripples.inputs import levels
from trellis.ripples.reach import OwnLink
from trellis.ripples.ripple import Change
from trellis.ripples.rollups import RollupLevel
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


class Deriving:
    """The roll-ups that one change of the metadata must compute."""

    def __init__(self, tenant: Tenant, connection: Connection, new: Snapshot, expansion: Expansion) -> None:
        self.tenant, self.connection, self.expansion = tenant, connection, expansion
        self.model = Model(new, -1, tenant.environment(new), self._storage_of)
        known, level = rollups_of(new), levels(new)
        groups: dict[tuple[int, str], list[Rollup]] = {}
        for target, names in expansion.derived.items():
            for name in sorted(names):
                groups.setdefault((level[target, name], target), []).append(known[target, name])
        self.ripples = [RollupLevel(tenant, self.model, t, n, found) for (n, t), found in sorted(groups.items())]

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
        count = sa.func.count()
        return sum(int(self.connection.execute(sa.select(count).select_from(t)).scalar_one()) for t in tables.values())

    def catch_up(self, mark: int) -> None:
        """Compute again what writes after change ``mark`` touched. Call while nobody else can write."""
        late = self._late(mark)
        if not late:
            return
        passage = Passage(Writer(self.connection, self.model, self.tenant.database), Ripples.of(self.ripples))
        for name, changes in late.items():
            passage.seed(name, changes)
            for ripple in self.ripples:
                if ripple.target == name:
                    passage.touch(ripple, {c.id for c in changes})
        for ripple in self.ripples:
            if any(self._unknown_moves(r, late) for r in ripple.rollups):
                last = 0
                while ids := next_ids(self.connection, ripple.parent, last):
                    passage.touch(ripple, set(ids))
                    last = ids[-1]
        passage.upwards()

    def _compute(self, ripple: RollupLevel, ids: Sequence[int]) -> None:
        writer = Writer(self.connection, self.model, self.tenant.database)
        ripple.apply(writer, {r.name: set(ids) for r in ripple.rollups})

    # -- what was written meanwhile --------------------------------------------------------------------------------

    def _late(self, mark: int) -> dict[str, list[Change]]:
        c = system.change.c
        query = sa.select(c.object, c.record, c["values"]).where(c.id > mark).order_by(c.id)
        renamed = self.expansion.renamed
        values: dict[str, dict[int, list[Mapping[str, Any]]]] = {}
        for object_name, record, changed in self.connection.execute(query):
            name = renamed.get(object_name, object_name)
            values.setdefault(name, {}).setdefault(record, []).append(changed or {})
        known = set(self.model.object_names)
        return {n: list(self._changes(self.model.object(n), found)) for n, found in values.items() if n in known}

    def _changes(self, owner: ObjectModel, found: Mapping[int, list[Mapping[str, Any]]]) -> Iterator[Change]:
        """Yield the late records with what they point at now, and once more for everything that they pointed at."""
        links = self._links(owner.name)
        for record, now in self._now(owner, links, sorted(found)).items():
            yield Change(record, {}, now, None)
            for changed in found[record]:
                before = {n: self._reference(owner, n, changed[n][0]) for n in links if n in changed}
                if any(before.values()):
                    yield Change(record, before, before, None)

    def _links(self, name: str) -> list[str]:
        found = {
            w.reach.link for r in self.ripples for w in r.watches if w.object == name and isinstance(w.reach, OwnLink)
        }
        return sorted(found)

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

"""Roll-ups as ripples: the roll-ups of one object on one level are computed and written together.

The parents are locked in the order of their numbers before the children are read, so that of two writers the second one
reads what the first one wrote. The lock is the one of an update that leaves keys alone: it does not wait for those who
only point at the parent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.model import FieldModel, Model
from trellis.ripples.definition import Rollup, rollups_of
from trellis.ripples.inputs import columns_of, inputs_of, levels
from trellis.ripples.reach import OwnLink, Route
from trellis.ripples.reading import child_lists
from trellis.ripples.ripple import Change, Watch, Writer
from trellis.storage.prepared import Prepared

if TYPE_CHECKING:
    from trellis.tenant import Tenant

CHUNK = 2000


class RollupLevel:
    """The roll-ups of ``target`` that depend on roll-ups below ``level`` only."""

    def __init__(self, tenant: Tenant, model: Model, target: str, level: int, rollups: Sequence[Rollup]) -> None:
        self.target, self.level = target, level
        self.model, self.rollups = model, tuple(rollups)
        self.parent = model.object(target)
        self.lists = child_lists(model, rollups, dialect=tenant.database.dialect_name, time_zone=tenant.time_zone)
        self._updates: dict[tuple[str, ...], Prepared] = {}
        self.watches = tuple(w for r in rollups for w in _watches(model, r))

    def initial(self) -> Mapping[str, Any]:
        """Return the roll-ups of a record without children."""
        return {name: value for children in self.lists.values() for name, value in children.empty().items()}

    def apply(self, tx: Writer, touched: Mapping[str, set[int]]) -> Sequence[Change]:
        """Compute the touched roll-ups anew under lock; write and return the parents whose values changed."""
        ids = sorted(set().union(*touched.values()))
        stored = self.stored(tx.connection, ids, lock=not tx.database.is_sqlite)
        changes = []
        for record, values in self.computed(tx.connection, touched, stored).items():
            new = {k: v for k, v in values.items() if stored[record][k] != v}
            if new:
                old = stored[record]
                changes.append(Change(record, old, {**old, **new}, frozenset(new)))
        self.write(tx.connection, changes)
        return changes

    def computed(
        self, connection: Connection, touched: Mapping[str, set[int]], known: Mapping[int, Any]
    ) -> dict[int, dict[str, Any]]:
        """Return the right values of the touched roll-ups by parent. One statement per child list or ordered value."""
        out: dict[int, dict[str, Any]] = {}
        for children in self.lists.values():
            names = [r.name for r in children.rollups if touched.get(r.name)]
            ids = sorted(set().union(*(touched[n] for n in names)) & known.keys()) if names else []
            if ids:
                for name, values in children.compute(connection, names, ids).items():
                    for record, value in values.items():
                        out.setdefault(record, {})[name] = value
        return out

    def stored(self, connection: Connection, ids: Sequence[int], *, lock: bool = False) -> dict[int, dict[str, Any]]:
        """Return what the parents hold now, deleted ones included: roll-ups, and the references that lead on from here."""
        fields, statement = self._select
        found: dict[int, dict[str, Any]] = {}
        if lock:
            statement = statement.with_for_update(key_share=True)
        for start in range(0, len(ids), CHUNK):
            for row in connection.execute(statement, {"ids": list(ids[start : start + CHUNK])}).all():
                values: dict[str, Any] = {"id": row[0]}
                position = 1
                for field in fields:
                    width = len(field.columns)
                    values[field.name] = field.decode(tuple(row[position : position + width]))
                    position += width
                found[row[0]] = values
        return found

    @cached_property
    def _select(self) -> tuple[list[FieldModel], sa.Select[Any]]:
        above = {r.link for r in rollups_of(self.model.snapshot).values() if r.child == self.target}
        names = [*(r.name for r in self.rollups), *sorted(above), "deleted_at", "version"]
        fields = [f for n in names if (f := self.parent.field(n) or self.parent.hidden.get(n)) is not None]
        t = self.parent.table
        columns = [t.c.id, *(c for f in fields for c in f.columns)]
        wanted = t.c.id.in_(sa.bindparam("ids", expanding=True, type_=sa.BigInteger()))
        return fields, sa.select(*columns).where(wanted).order_by(t.c.id)

    def write(self, connection: Connection, changes: Sequence[Change]) -> None:
        """Store the values of changed parents in one statement. Neither version nor stamps of the parents change."""
        if not changes:
            return
        names = tuple(sorted(set().union(*(c.fields or () for c in changes))))
        columns = [(n, self.parent.stored_field(n)) for n in names]
        rows = []
        for change in changes:
            row: dict[str, Any] = {"b_id": change.id}
            for name, field in columns:
                parts = field.encode(change.new[name])
                row.update({f"v_{c.name}": v for c, v in zip(field.columns, parts, strict=True)})
            rows.append(row)
        self._update(names).run_many(connection, rows)

    def _update(self, names: tuple[str, ...]) -> Prepared:
        found = self._updates.get(names)
        if found is None:
            t = self.parent.table
            columns = [c for n in names for c in self.parent.stored_field(n).columns]
            sets = {c: sa.bindparam(f"v_{c.name}", type_=c.type) for c in columns}
            wanted = t.c.id == sa.bindparam("b_id", type_=sa.BigInteger())
            found = self._updates[names] = Prepared(t.update().where(wanted).values(sets))
        return found


def _watches(model: Model, rollup: Rollup) -> Iterator[Watch]:
    """Yield the changes that touch a roll-up: of the child's own fields, and of fields on every relation it reads."""
    snapshot = model.snapshot
    fields: dict[tuple[str, ...], set[str]] = {}
    owners: dict[tuple[str, ...], str] = {(): rollup.child}
    for path in inputs_of(snapshot, rollup):
        for position, (owner, name) in enumerate(columns_of(snapshot, rollup.child, path)):
            owners[path[:position]] = owner
            fields.setdefault(path[:position], set()).add(name)
    for relations, names in sorted(fields.items()):
        reach = (
            Route(rollup.child, relations, rollup.link, rollup.object)
            if relations
            else OwnLink(rollup.link, rollup.object)
        )
        yield Watch(owners[relations], frozenset(names), rollup.name, reach)


def rollup_ripples(tenant: Tenant, model: Model) -> list[RollupLevel]:
    """Return the ripples that keep the roll-ups of a version."""
    groups: dict[tuple[int, str], list[Rollup]] = {}
    known, level = rollups_of(model.snapshot), levels(model.snapshot)
    for column, rollup in sorted(known.items()):
        groups.setdefault((level[column], rollup.object), []).append(rollup)
    return [RollupLevel(tenant, model, target, n, found) for (n, target), found in sorted(groups.items())]

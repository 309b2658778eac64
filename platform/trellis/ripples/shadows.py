"""Stored copies of indexed formula fields: written with the record, and again when a roll-up that they read changes.

A formula over nothing but its own record may ask for an index. Its value is then kept in a column of its own, computed by
the same closure that evaluates it everywhere else, so that lists filter, sort, group and go on by it without computing
anything. What is shown is read from the copy too: what a list shows is what it is sorted by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.formula import Context, ErrorValue
from trellis.formula.moments import EPOCH
from trellis.model import FieldModel, Model
from trellis.model.formulas import Formula, formula_of
from trellis.ripples.ripple import Change, Watch, Writer
from trellis.rules.values import plain_value
from trellis.storage.prepared import Prepared

if TYPE_CHECKING:
    from trellis.model import ObjectModel
    from trellis.tenant import Tenant

CHUNK = 2000
LEVEL = 1_000_000
"""After every roll-up: nothing is computed from a copy."""
Values = dict[int, dict[str, Any]]
"""Formula fields with their values, by record."""


@dataclass(frozen=True, slots=True)
class Itself:
    """The record that changed. Needs no statement."""

    def __call__(self, tx: Writer, changes: Sequence[Change]) -> Iterator[tuple[Change, int]]:
        for change in changes:
            yield change, change.id


class Shadows:
    """The stored copies of the formula fields ``names`` of ``target``. A ripple on top of all others."""

    level = LEVEL

    def __init__(self, model: Model, target: str, names: Sequence[str]) -> None:
        self.model, self.target, self.names = model, target, tuple(names)
        self.owner: ObjectModel = model.object(target)
        self._updates: dict[tuple[str, ...], Prepared] = {}

    @cached_property
    def formulas(self) -> Mapping[str, Formula]:
        """The formulas by the names of their fields."""
        return {n: formula_of(self.model, self.owner, self.owner.fields[n]) for n in self.names}

    @cached_property
    def paths(self) -> Mapping[str, tuple[str, ...]]:
        """What each formula reads from the record."""
        return {n: tuple(s.path for s in f.symbols if not s.is_global) for n, f in self.formulas.items()}

    @cached_property
    def watches(self) -> Sequence[Watch]:
        """A change of what a formula reads."""
        return [
            Watch(self.target, frozenset(p.partition(".")[0] for p in paths), name, Itself())
            for name, paths in self.paths.items()
        ]

    def initial(self) -> Mapping[str, Any]:
        """Return nothing: the copies of a new record are written after it."""
        return {}

    def apply(self, tx: Writer, touched: Mapping[str, set[int]]) -> Sequence[Change]:
        """Compute the copies of the touched records and store those that changed. Nothing follows from them."""
        ids = sorted(set().union(*touched.values()))
        for start in range(0, len(ids), CHUNK):
            self.write(tx.connection, self.wrong(tx.connection, ids[start : start + CHUNK]))
        return []

    def wrong(self, connection: Connection, ids: Sequence[int]) -> list[Change]:
        """Return the records whose copies are not what their formulas give, as changes from what is held to what is right."""
        changes = []
        for record, (held, right) in self._compared(connection, ids):
            new = {name: value for name, value in right.items() if held[name] != value}
            if new:
                changes.append(Change(record, held, {**held, **new}, frozenset(new)))
        return changes

    def write(self, connection: Connection, changes: Sequence[Change]) -> None:
        """Store the new copies, one statement for all records with the same fields. Neither version nor stamps change."""
        groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for change in changes:
            names = tuple(sorted(change.fields or ()))
            row = {f"v_{n}": self.owner.shadows[n].encode(change.new[n])[0] for n in names}
            groups.setdefault(names, []).append({"b_id": change.id, **row})
        for names, rows in groups.items():
            self._update(names).run_many(connection, rows)

    def _update(self, names: tuple[str, ...]) -> Prepared:
        if names not in self._updates:
            t, columns = self.owner.table, {n: self.owner.shadows[n].column for n in names}
            sets = {c: sa.bindparam(f"v_{n}", type_=c.type) for n, c in columns.items()}
            self._updates[names] = Prepared(
                t.update().where(t.c.id == sa.bindparam("b_id", type_=sa.BigInteger())).values(sets)
            )
        return self._updates[names]

    def _compared(
        self, connection: Connection, ids: Sequence[int]
    ) -> Iterator[tuple[int, tuple[dict[str, Any], dict[str, Any]]]]:
        """Yield the records that exist with what they hold and what is right, in one statement."""
        fields, statement = self._select
        for row in connection.execute(statement, {"ids": list(ids)}).all():
            position, found = 1, []
            for field in fields:
                found.append(field.decode(tuple(row[position : position + len(field.columns)])))
                position += len(field.columns)
            held = dict(zip(self.names, found, strict=False))
            record = {f.name: v for f, v in zip(fields[len(self.names) :], found[len(self.names) :], strict=True)}
            yield row[0], (held, self._right({**record, "id": row[0]}))

    @cached_property
    def _select(self) -> tuple[list[FieldModel], sa.Select[Any]]:
        read = {path.partition(".")[0] for paths in self.paths.values() for path in paths} - {"id"}
        fields = [self.owner.shadows[n] for n in self.names]
        fields += [self.owner.stored_field(n) for n in sorted(read)]
        t = self.owner.table
        wanted = t.c.id.in_(sa.bindparam("ids", expanding=True, type_=sa.BigInteger()))
        return fields, sa.select(t.c.id, *(c for f in fields for c in f.columns)).where(wanted).order_by(t.c.id)

    def _right(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the formulas give; one that cannot be computed gives a blank."""
        seen = {path: self._seen(path, record) for paths in self.paths.values() for path in paths}
        out = {}
        for name, formula in self.formulas.items():
            value = formula.evaluate(Context(seen, now=EPOCH))
            out[name] = None if isinstance(value, ErrorValue) else value
        return out

    def _seen(self, path: str, record: Mapping[str, Any]) -> Any:
        name, _, part = path.partition(".")
        if part:
            return self.owner.stored_field(name).part_value(record[name], part)
        return plain_value(self.owner, name, record)


def shadow_ripples(tenant: Tenant, model: Model) -> list[Shadows]:
    """Return the ripples that keep the stored copies of a version."""
    found = []
    for name, document in model.snapshot.of_kind("object").items():
        indexed = [f["name"] for f in document["fields"] if f["type"] == "formula" and f.get("indexed")]
        if indexed:
            found.append(Shadows(model, name, indexed))
    return found

"""Computes roll-ups from the child records: one statement for all aggregates over one child list, one for each ordered value.

Everything is computed for a set of parents, by the database, with exact numbers. Rounding, limits and empty values are
decided here and nowhere else: the write path, the back-fill and the examination all ask this module.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access import Principal
from trellis.fields.common.numbers import INT64_MAX, INT64_MIN, MAX_PRECISION
from trellis.fields.currency import Money
from trellis.fields.rollup import MAX_JOINED
from trellis.formula.sql import Settings
from trellis.model import FieldModel, Model
from trellis.query.aggregating import exact_sum
from trellis.query.filters import FilterCompiler
from trellis.query.formulas import Surroundings
from trellis.query.paths import Paths, Resolved
from trellis.ripples.definition import ORDERED, Rollup
from trellis_metadata.errors import TrellisError

CHUNK = 2000
SYSTEM = Principal("system", None, "roll-ups", admin=True)
"""Roll-ups count every record, whoever's change it was that made them be computed."""
Values = dict[int, Any]
"""Values by the parent's number."""


class RollupTooLarge(TrellisError):
    """A roll-up of a record has more digits than its field can hold."""

    code = "rollup_too_large"

    def __init__(self, object_name: str, field: str, record: int, shown: str) -> None:
        self.object, self.record = object_name, record
        super().__init__(f"'{field}' of {shown} would have more digits than the field can hold.", field=field)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One aggregate of a statement: its columns, and how their values become the roll-up's."""

    field: FieldModel
    columns: Sequence[sa.ColumnElement[Any]]
    finish: Callable[[Sequence[Any]], Any]


class ChildList:
    """The roll-ups of ``parent`` over the records of one child object by one lookup, ready to be computed."""

    def __init__(self, model: Model, rollups: Sequence[Rollup], *, dialect: str, time_zone: str) -> None:
        first = rollups[0]
        self.model, self.dialect, self.time_zone = model, dialect, time_zone
        self.parent, self.child = model.object(first.object), model.object(first.child)
        self.link = self.child.fields[first.link]
        self.rollups = tuple(rollups)
        self.currency = model.env.default_currency

    def compute(self, connection: Connection, names: Collection[str], ids: Sequence[int]) -> dict[str, Values]:
        """Return the values of the roll-ups ``names`` for the parents ``ids``: every one of them has a value.

        Raises :class:`RollupTooLarge`.
        """
        wanted = [r for r in self.rollups if r.name in names]
        found: dict[str, Values] = {r.name: dict.fromkeys(ids, self._empty(r)) for r in wanted}
        aggregates = [r for r in wanted if r.operation not in ORDERED]
        for start in range(0, len(ids), CHUNK):
            chunk = ids[start : start + CHUNK]
            if aggregates:
                self._aggregate(connection, aggregates, chunk, found)
            for rollup in wanted:
                if rollup.operation == "join":
                    self._join(connection, rollup, chunk, found[rollup.name])
                elif rollup.operation in ORDERED:
                    self._pick(connection, rollup, chunk, found[rollup.name])
        return found

    def empty(self) -> dict[str, Any]:
        """Return the values of a parent without children."""
        return {r.name: self._empty(r) for r in self.rollups}

    def _empty(self, rollup: Rollup) -> Any:
        if rollup.operation not in ("count", "sum"):
            return None
        return _number(self.parent.stored_field(rollup.name), self.currency, Decimal(0))

    # -- aggregates ------------------------------------------------------------------------------------------------

    def _aggregate(
        self, connection: Connection, rollups: Sequence[Rollup], ids: Sequence[int], found: dict[str, Values]
    ) -> None:
        statement, aggregates = self._statement(tuple(r.name for r in rollups), lambda: self._build(rollups))
        for row in connection.execute(statement, {"parents": list(ids)}).all():
            position = 1
            for rollup, aggregate in zip(rollups, aggregates, strict=True):
                width = len(aggregate.columns)
                try:
                    value = aggregate.finish(row[position : position + width])
                except _TooLarge:
                    raise self._too_large(rollup, row[0]) from None
                if value is not None:
                    found[rollup.name][row[0]] = value
                position += width

    def _too_large(self, rollup: Rollup, record: int) -> RollupTooLarge:
        where = self.model.env.format_id(self.parent.name, record)
        return RollupTooLarge(self.parent.name, rollup.name, record, where)

    def _build(self, rollups: Sequence[Rollup]) -> tuple[sa.Select[Any], list[Aggregate]]:
        source = _Source(self)
        conditions = [source.condition(r) for r in rollups]
        aggregates = [self._of(source, r, c) for r, c in zip(rollups, conditions, strict=True)]
        where = [*self._of_parents()]
        if not any(c is None for c in conditions):
            where.append(sa.or_(*(c for c in conditions if c is not None)))
        link = self.link.columns[0]
        columns = [link, *(c for a in aggregates for c in a.columns)]
        return sa.select(*columns).select_from(source.paths.source).where(*where).group_by(link), aggregates

    def _of(self, source: _Source, rollup: Rollup, condition: Any) -> Aggregate:
        field = self.parent.stored_field(rollup.name)

        def counted(column: Any) -> Any:
            return column if condition is None else sa.case((condition, column))

        if rollup.field is None:
            return Aggregate(field, [sa.func.count(counted(self.child.table.c.id))], lambda v: v[0])
        column = source.value(rollup.field)
        if rollup.operation == "count":
            inner = counted(column)
            return Aggregate(field, [sa.func.count(sa.distinct(inner) if rollup.distinct else inner)], lambda v: v[0])
        if rollup.operation in ("min", "max"):
            bound = sa.type_coerce(getattr(sa.func, rollup.operation)(counted(column)), column.type)
            return Aggregate(field, [bound], lambda v: _held(field, self.currency, v[0]))
        parts, combine = exact_sum(counted(column), self.dialect == "sqlite")
        if rollup.operation == "sum":
            return Aggregate(field, parts, lambda v: _number(field, self.currency, combine(v)))
        columns = [*parts, sa.func.count(counted(column))]
        return Aggregate(field, columns, lambda v: _number(field, self.currency, combine(v[:-1]), v[-1]))

    # -- ordered values --------------------------------------------------------------------------------------------

    def _join(self, connection: Connection, rollup: Rollup, ids: Sequence[int], found: Values) -> None:
        statement, resolved = self._statement((rollup.name,), lambda: self._build_ordered(rollup))
        write = resolved.field.codec.to_text if resolved.field is not None else None
        texts: dict[int, list[str]] = {}
        for row in connection.execute(statement, {"parents": list(ids)}).all():
            value = resolved.decode(tuple(row[1:]))
            texts.setdefault(row[0], []).append(value if isinstance(value, str) else (write or str)(value))
        for parent, values in texts.items():
            found[parent] = joined(list(dict.fromkeys(values)) if rollup.distinct else values, rollup.separator)

    def _pick(self, connection: Connection, rollup: Rollup, ids: Sequence[int], found: Values) -> None:
        statement, resolved = self._statement((rollup.name,), lambda: self._build_picked(rollup))
        for row in connection.execute(statement, {"parents": list(ids)}).all():
            found[row[0]] = resolved.decode(tuple(row[1:]))

    def _build_ordered(self, rollup: Rollup) -> tuple[sa.Select[Any], Resolved]:
        source, resolved, order, where = self._ordered(rollup)
        link = self.link.columns[0]
        statement = sa.select(link, *resolved.columns).select_from(source.paths.source).where(*where)
        return statement.order_by(link, *order), resolved

    def _build_picked(self, rollup: Rollup) -> tuple[sa.Select[Any], Resolved]:
        source, resolved, order, where = self._ordered(rollup)
        link = self.link.columns[0]
        rank = sa.func.row_number().over(partition_by=link, order_by=order).label("rank")
        columns = [c.label(f"c{i}") for i, c in enumerate(resolved.columns)]
        ranked = sa.select(link.label("parent"), *columns, rank).select_from(source.paths.source).where(*where)
        inner = ranked.subquery()
        chosen = [inner.c[f"c{i}"] for i in range(len(columns))]
        return sa.select(inner.c.parent, *chosen).where(inner.c.rank == 1), resolved

    def _ordered(self, rollup: Rollup) -> tuple[_Source, Resolved, list[Any], list[Any]]:
        assert rollup.field is not None
        source = _Source(self)
        resolved = source.paths.resolve(rollup.field)
        condition = source.condition(rollup)
        backwards = rollup.descending != (rollup.operation == "last")
        order: list[Any] = []
        if rollup.order_by is not None:
            key = source.paths.resolve(rollup.order_by).column
            order.append((key.desc() if backwards else key.asc()).nulls_last())
        record = self.child.table.c.id
        order.append(record.desc() if rollup.operation == "last" else record.asc())
        where = [*self._of_parents(), resolved.column.isnot(None)]
        return source, resolved, order, [*where, condition] if condition is not None else where

    def _of_parents(self) -> Iterator[Any]:
        yield self.link.columns[0].in_(sa.bindparam("parents", expanding=True, type_=sa.BigInteger()))
        if len(self.link.columns) > 1:
            yield self.link.columns[1] == self.parent.name
        yield self.child.table.c.deleted_at.is_(None)

    def _statement(self, names: tuple[str, ...], build: Callable[[], Any]) -> Any:
        cache = self.parent.__dict__.setdefault("_rollup_statements", {})
        key = (self.child.name, self.link.name, names)
        if key not in cache:
            cache[key] = build()
        return cache[key]


class _Source:
    """The child records with the joins that fields and filters need. Parameters of several filters have names of their own."""

    def __init__(self, children: ChildList) -> None:
        self.children = children
        around = Surroundings(children.dialect, Settings(zone=children.time_zone), {})
        self.paths = Paths(children.model, children.child, SYSTEM, around)
        self._binders: list[Any] = []

    def value(self, path: str) -> sa.ColumnElement[Any]:
        """Return the column to compute with: for money the amount in the organisation's currency."""
        resolved = self.paths.resolve(path)
        if resolved.field is not None and "corporate" in resolved.field.codec.parts:
            return self.paths.resolve(f"{path}.corporate").column
        return resolved.column

    def condition(self, rollup: Rollup) -> sa.ColumnElement[bool] | None:
        if rollup.filter is None:
            return None
        if isinstance(rollup.filter, str):
            return self._formula(rollup.filter)
        zone = self.children.time_zone
        compiler = FilterCompiler(self.paths, today=date(2000, 1, 1), zone=zone, user=None)
        compiler.binders = self._binders
        found = compiler.compile(rollup.filter)
        if compiler.problems:
            raise TrellisError(f"The filter of '{rollup.name}' is wrong: {compiler.problems[0]['message']}")
        return found

    def _formula(self, text: str) -> sa.ColumnElement[bool]:
        return self.paths.condition(self.paths.formula(text))


class _TooLarge(Exception):
    """A number does not fit its field."""


def _number(field: FieldModel, currency: str, total: Decimal | None, count: int | None = None) -> Any:
    """Return a sum, or with ``count`` an average rounded half up, as a value of the field."""
    if total is None or count == 0:
        return None
    kind = field.columns[0].type
    scale = getattr(kind, "scale", None) or 0
    if count is not None:
        total = _divided(total, count, scale)
    if isinstance(kind, sa.Integer):
        whole = int(total)
        if not INT64_MIN <= whole <= INT64_MAX:
            raise _TooLarge
        return whole
    if abs(total) >= Decimal(1).scaleb(MAX_PRECISION - scale):
        raise _TooLarge
    return _held(field, currency, total.quantize(Decimal(1).scaleb(-scale)))


def _divided(total: Decimal, count: int, scale: int) -> Decimal:
    """Return the quotient with ``scale`` decimals, rounded half up; exact whatever the number of digits."""
    sign, digits, exponent = total.as_tuple()
    shift = scale + int(exponent)
    up, down = 10 ** max(0, shift), count * 10 ** max(0, -shift)
    whole = (2 * int("".join(map(str, digits))) * up + down) // (2 * down)
    return Decimal(-whole if sign else whole).scaleb(-scale)


def _held(field: FieldModel, currency: str, value: Any) -> Any:
    """Return a computed value as the field holds it: an amount is in the organisation's currency."""
    if value is not None and field.doc.get("result") == "currency":
        return Money(value, currency, value)
    return value


def joined(values: Sequence[str], separator: str) -> str | None:
    """Return the values with the separator between them, at most :data:`MAX_JOINED` characters; whole values only."""
    text = separator.join(values)
    if len(text) <= MAX_JOINED:
        return text or None
    kept: list[str] = []
    length = 1
    for value in values:
        length += len(value) + len(separator)
        if length > MAX_JOINED:
            break
        kept.append(value)
    return separator.join([*kept, "…"])


def child_lists(
    model: Model, rollups: Sequence[Rollup], *, dialect: str, time_zone: str
) -> Mapping[tuple[str, str], ChildList]:
    """Return the child lists of roll-ups of one parent, by child object and lookup."""
    groups: dict[tuple[str, str], list[Rollup]] = {}
    for rollup in rollups:
        groups.setdefault((rollup.child, rollup.link), []).append(rollup)
    return {k: ChildList(model, v, dialect=dialect, time_zone=time_zone) for k, v in groups.items()}

"""Formulas in queries: a formula field, or the formula of a filter, as columns of the statement.

What it reads is resolved like every other path, so that a value behind a record that the asker may not read is blank. A
formula that the database cannot compute exactly is computed in Python from the columns that it reads, for output only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from trellis.formula import Context, ErrorValue, sql
from trellis.formula.moments import EPOCH
from trellis.formula.sql import Refused, Settings
from trellis.formula.sql.clock import now_element, parameters
from trellis.formula.sql.expression import FormulaExpression
from trellis.formula.sql.pieces import Piece
from trellis.model.formulas import Formula
from trellis.rules.scope import ORG
from trellis.rules.values import as_formulas_see
from trellis_metadata.formula.functions import Reads
from trellis_metadata.formula.scope import Symbol

if TYPE_CHECKING:
    from trellis.query.paths import Resolved
    from trellis.tenant import Tenant

CLOCK = Reads.CLOCK | Reads.ZONE


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a query gives to its formulas: the database, the moment and the zone, the organisation."""

    dialect: str
    settings: Settings
    organisation: Mapping[str, Any]
    copies: bool = False
    """Whether the stored copies of indexed formulas may be read: not while they may lag behind the record."""

    @classmethod
    def of(cls, tenant: Tenant) -> Surroundings:
        """Return those of a tenant now. The moment is a parameter of the statement: see :func:`clock_parameters`."""
        settings = replace(_settings(tenant), bound=True)
        named = {**tenant.settings, "name": tenant.settings.get("organisation")}
        return cls(tenant.database.dialect_name, settings, named, copies=True)


def clock_parameters(tenant: Tenant, now: datetime | None = None) -> dict[str, Any]:
    """Return the parameters of the moment (default: now) for a statement that was compiled earlier."""
    settings = _settings(tenant)
    return parameters(settings if now is None else replace(settings, now=now), tenant.database.dialect_name)


def _settings(tenant: Tenant) -> Settings:
    return Settings(tenant.clock.now(), tenant.time_zone, int(tenant.settings.get("fiscal_start", 1)))


ResolvePath = Callable[[str], "Resolved"]


@dataclass(frozen=True, slots=True)
class Computed:
    """A formula as columns. ``refused`` says why it has no SQL; then ``columns`` are what ``decode`` computes it from."""

    columns: tuple[sa.ColumnElement[Any], ...]
    decode: Callable[[tuple[Any, ...]], Any]
    refused: str | None
    clock: bool

    def unless_absent(self, record: sa.ColumnElement[Any]) -> Computed:
        """Return the value of a related record: blank where there is none (``record``, its id, is NULL)."""
        if self.refused is None:
            return replace(self, columns=(sa.case((record.isnot(None), self.columns[0])),))
        decode = self.decode
        return replace(
            self,
            columns=(record, *self.columns),
            decode=lambda values: None if values[0] is None else decode(values[1:]),
        )


def value_of(formula: Formula, around: Surroundings, resolve: ResolvePath) -> Computed:
    """Return the value of a formula; a record for which it cannot be computed has a blank."""
    try:
        found = _in_sql(formula, around, resolve)
    except Refused as refusal:
        return _in_python(formula, around, resolve, refusal.message, lambda v: None if isinstance(v, ErrorValue) else v)
    column: sa.ColumnElement[Any] = found.value
    if formula.is_condition:
        false = "0" if around.dialect == "sqlite" else "false"
        pieces: list[Piece] = ["CASE WHEN ", found.error, " THEN NULL ELSE coalesce(", found.value, f", {false}) END"]
        column = FormulaExpression(pieces, sa.Boolean())
    return Computed((column,), lambda v: v[0], None, bool(formula.reads & CLOCK))


def error_of(formula: Formula, around: Surroundings, resolve: ResolvePath) -> Computed:
    """Return whether a formula cannot be computed for a record."""
    try:
        found = _in_sql(formula, around, resolve)
    except Refused as refusal:
        return _in_python(formula, around, resolve, refusal.message, lambda v: isinstance(v, ErrorValue))
    return Computed((found.error,), lambda v: v[0], None, bool(formula.reads & CLOCK))


def condition_of(formula: Formula, around: Surroundings, resolve: ResolvePath) -> sa.ColumnElement[bool]:
    """Return a condition; where it is blank or cannot be computed it is not true. Raises ``Refused``."""
    return _in_sql(formula, around, resolve).value


def _in_sql(formula: Formula, around: Surroundings, resolve: ResolvePath) -> sql.SqlFormula:
    def column(symbol: Symbol) -> sa.ColumnElement[Any]:
        if symbol.path.startswith(f"{ORG}."):
            return sa.literal(_organisation(around, symbol.path), sa.Text())
        found = resolve(symbol.path)
        if found.refused:
            raise Refused(found.refused)
        return found.column

    return sql.compile(
        formula.typed, around.dialect, column, scale=formula.scale, digits=formula.digits, settings=around.settings
    )


def _organisation(around: Surroundings, path: str) -> Any:
    return around.organisation.get(path.partition(".")[2]) or None


def _in_python(
    formula: Formula, around: Surroundings, resolve: ResolvePath, why: str, finish: Callable[[Any], Any]
) -> Computed:
    inputs, evaluate = inputs_of(formula, around, resolve), formula.evaluate
    return replace(inputs, decode=lambda values: finish(evaluate(inputs.decode(values))), refused=why)


def inputs_of(formula: Formula, around: Surroundings, resolve: ResolvePath) -> Computed:
    """Return the columns of everything that a formula reads, decoded to the context of its evaluation."""
    fixed = {s.path: _organisation(around, s.path) for s in formula.symbols if s.path.startswith(f"{ORG}.")}
    found = [(s.path, resolve(s.path)) for s in formula.symbols if s.path not in fixed]
    columns: list[sa.ColumnElement[Any]] = [now_element(around.settings, around.dialect)]
    slots: list[tuple[str, int, int, Resolved]] = []
    for path, resolved in found:
        slots.append((path, len(columns), len(columns) + len(resolved.columns), resolved))
        columns.extend(resolved.columns)
    zone, start = ZoneInfo(around.settings.zone), around.settings.fiscal_start

    def decode(values: Sequence[Any]) -> Context:
        now = values[0] if around.dialect != "sqlite" else EPOCH + timedelta(microseconds=values[0])
        row = {**fixed, **{p: _seen(r, r.decode(tuple(values[start:stop]))) for p, start, stop, r in slots}}
        return Context(row, now=now, zone=zone, fiscal_start=start)

    return Computed(tuple(columns), decode, None, bool(formula.reads & CLOCK))


def _seen(resolved: Resolved, value: Any) -> Any:
    if value is None or resolved.part is not None:
        return value
    if resolved.field is None:
        return resolved.write(value) if resolved.write else value
    return as_formulas_see(value, resolved.field.codec)

"""Groups and aggregates of a query. Sums are exact on both databases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

import sqlalchemy as sa

from trellis.query.buckets import resolve_group
from trellis.query.compiling import Plan, sensitive_paths
from trellis.query.paths import Resolved
from trellis.query.query import Aggregate, Page, problem


def aggregate(plan: Plan) -> Page:
    query = plan.query
    groups = [r for i, p in enumerate(query.group_by) if (r := resolve_group(plan, p, f"group_by.{i}"))]
    functions = [_function(plan, i, a) for i, a in enumerate(query.aggregates or (Aggregate("count"),))]
    conditions = plan.where()
    plan.check()
    # Grouped by name: an expression with parameters is not the same to PostgreSQL when it is written twice.
    labelled = [[c.label(f"group_{i}_{k}") for k, c in enumerate(r.columns)] for i, r in enumerate(groups)]
    columns = [c for group in labelled for c in group] + [c for f in functions if f for c in f[1]]
    statement = sa.select(*columns).select_from(plan.paths.source).where(*conditions)
    if labelled:
        statement = (
            statement.group_by(*(sa.literal_column(c.name) for group in labelled for c in group))
            .order_by(*(sa.literal_column(group[0].name).asc().nulls_last() for group in labelled))
            .limit(query.limit + 1)
        )
    rows = plan.connection.execute(statement).all()
    plan.tenant.views.add(plan.principal, query.object, sensitive_paths(groups), ())
    out = []
    for row in rows[: query.limit]:
        entry: dict[str, Any] = {}
        position = 0
        for r in groups:
            value = r.decode(tuple(row[position : position + len(r.columns)]))
            entry[r.path] = value if value is None or r.write is None else r.write(value)
            position += len(r.columns)
        for f in functions:
            if f:
                entry[f[0]] = f[2](row[position : position + len(f[1])])
                position += len(f[1])
        out.append(entry)
    return Page(out, None, len(rows) if query.total and len(rows) <= query.limit else None)


Function = tuple[str, list[Any], Callable[[Sequence[Any]], Any]]


def _function(plan: Plan, index: int, aggregate: Aggregate) -> Function | None:
    at = f"aggregates.{index}"
    if aggregate.path is None:
        return aggregate.key, [sa.func.count()], lambda v: v[0]
    r = plan.resolve(aggregate.path, at)
    if r is None:
        return None
    if r.refused:
        plan.problems.append(problem(at, "not_in_sql", r.refused))
        return None
    if aggregate.function == "count":
        return aggregate.key, [sa.func.count(r.column)], lambda v: v[0]
    if aggregate.function in ("sum", "avg") and r.category != "number":
        plan.problems.append(
            problem(at, "not_a_number", f"'{aggregate.path}' is not a number: it has no {aggregate.function}.")
        )
        return None
    if not r.sortable:
        message = r.refused or f"'{aggregate.path}' has no {aggregate.function}."
        plan.problems.append(problem(at, "not_comparable", message))
        return None
    column, write = _comparable(r)
    if aggregate.function in ("min", "max"):
        bound = sa.type_coerce(getattr(sa.func, aggregate.function)(column), column.type)
        return aggregate.key, [bound], lambda v: None if v[0] is None else _plain(v[0], r, write)
    parts, combine = exact_sum(column, plan.tenant.database.is_sqlite)
    if aggregate.function == "sum":
        return aggregate.key, parts, lambda v: _text(combine(v))
    return aggregate.key, [*parts, sa.func.count(column)], lambda v: _text(_average(combine(v[:-1]), v[-1]))


def _comparable(r: Resolved) -> tuple[Any, Any]:
    """Return the column to aggregate: for money the amount in the organisation's currency."""
    if r.field is not None and r.part is None and "corporate" in r.field.codec.parts:
        return next(
            c for c, spec in zip(r.columns, r.field.codec.columns, strict=True) if spec.suffix == "corporate"
        ), None
    return r.column, r.write


def _plain(value: Any, r: Resolved, write: Any) -> Any:
    if isinstance(value, Decimal):
        return _text(value)
    if r.field is not None and r.part is None and write is not None:
        return write(r.field.decode((value, *(None,) * (len(r.columns) - 1)))) if len(r.columns) == 1 else value
    return value if write is None else write(value)


def exact_sum(column: Any, is_sqlite: bool) -> tuple[list[Any], Callable[[Sequence[Any]], Decimal | None]]:
    """Return columns and a combiner for an exact sum.

    SQLite's integer sum overflows at 64 bits: the scaled integers are summed as billions and rest, and joined in Python.
    """
    scale = getattr(column.type, "scale", 0) or 0
    if not is_sqlite:
        return [sa.func.sum(sa.cast(column, sa.Numeric()))], lambda v: None if v[0] is None else Decimal(v[0])
    raw = sa.type_coerce(column, sa.BigInteger())
    billions = sa.func.sum(raw.op("/")(sa.literal_column("1000000000")))
    rest = sa.func.sum(raw.op("%")(sa.literal_column("1000000000")))

    def combine(v: Sequence[Any]) -> Decimal | None:
        return None if v[0] is None else Decimal(int(v[0]) * 1_000_000_000 + int(v[1])).scaleb(-scale)

    return [sa.type_coerce(billions, sa.BigInteger()), sa.type_coerce(rest, sa.BigInteger())], combine


def _average(total: Decimal | None, count: int) -> Decimal | None:
    if total is None or not count:
        return None
    with localcontext() as context:
        context.prec = 39
        context.rounding = ROUND_HALF_UP
        return total / count


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")

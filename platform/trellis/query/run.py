"""Runs queries: resolve, compile, one statement for the rows, one per child list, and rights in all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access import AccessDenied, Principal, rights
from trellis.clock import today
from trellis.fields.base import InvalidValue
from trellis.model import Model, ObjectModel
from trellis.query.cursor import read_cursor, write_cursor
from trellis.query.filters import Binder, FilterCompiler, shape_of
from trellis.query.paths import Paths, Resolved, UnknownPath, record_predicate
from trellis.query.query import Aggregate, InvalidQuery, Page, Query, Sort, problem
from trellis.search.index import matching_ids
from trellis.transaction.errors import NotFound
from trellis.transaction.statements import statements_of

if TYPE_CHECKING:
    from trellis.tenant import Tenant

MAX_CHILDREN = 200
MAX_COMPILED = 500


class Plan:
    """One query being compiled; gathers problems so that all are told at once."""

    def __init__(
        self, tenant: Tenant, connection: Connection, model: Model, principal: Principal, query: Query
    ) -> None:
        self.tenant, self.connection, self.model, self.principal, self.query = (
            tenant,
            connection,
            model,
            principal,
            query,
        )
        self.root = model.object(query.object)
        if rights(principal, self.root.doc).read == "none":
            raise AccessDenied(f"You may not read '{self.root.name}'.")
        self.paths = Paths(model, self.root, principal)
        self.problems: list[dict[str, str]] = []
        self.binders: list[Binder] = []

    def resolve(self, path: str, at: str) -> Resolved | None:
        try:
            return self.paths.resolve(path)
        except UnknownPath as unknown:
            self.problems.append({**unknown.problem, "at": at})
            return None

    def where(self) -> list[sa.ColumnElement[bool]]:
        t = self.root.table
        conditions: list[sa.ColumnElement[bool]] = [
            t.c.deleted_at.isnot(None) if self.query.deleted else t.c.deleted_at.is_(None)
        ]
        mine = record_predicate(self.principal, self.root, t)
        if mine is not sa.true():
            conditions.append(mine)
        if self.query.filter:
            compiler = FilterCompiler(
                self.paths,
                today=today(self.tenant.clock, self.tenant.time_zone),
                zone=self.tenant.time_zone,
                user=self.principal.user,
            )
            conditions.append(compiler.compile(self.query.filter))
            self.problems.extend(compiler.problems)
            self.binders = compiler.binders
        if self.query.search and self.query.search.strip():
            conditions.append(
                t.c.id.in_(matching_ids(self.tenant.database.dialect_name, self.query.search, self.root.name))
            )
        return conditions

    def check(self) -> None:
        if self.problems:
            raise InvalidQuery(self.problems)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query made ready: one statement for every query of its shape, whatever its values, cursor position or asker."""

    statement: sa.Select[Any]
    count: sa.Select[Any]
    keys: tuple[tuple[Resolved, bool], ...]
    width: int
    write: Callable[[Sequence[Any]], dict[str, Any]]
    binders: tuple[Binder, ...]


def run_query(tenant: Tenant, connection: Connection, model: Model, principal: Principal, query: Query) -> Page:
    """Answer a query. Raises :class:`InvalidQuery` with all problems, :class:`AccessDenied`, ``UnknownObject``."""
    if query.aggregates or query.group_by:
        return _aggregate(Plan(tenant, connection, model, principal, query))
    after = read_cursor(query, query.cursor) if query.cursor else None
    shape = _shape(tenant, principal, query, after)
    compiled: Compiled | None = model.cache.get(shape) if shape else None
    params = _params(compiled, query) if compiled else None
    if compiled is None or params is None:
        compiled = _compile(Plan(tenant, connection, model, principal, query), after)
        params = {b.name: b.value(query.filter) for b in compiled.binders}
        if shape:
            if len(model.cache) > MAX_COMPILED:
                model.cache.clear()
            model.cache[shape] = compiled
    params["me"] = principal.user
    total = int(connection.execute(compiled.count, params).scalar_one()) if query.total else None
    for i, value in enumerate(after or ()):
        params[f"after{i}"] = value
    rows = connection.execute(compiled.statement, {**params, "row_limit": query.limit + 1}).all()
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    cursor = write_cursor(query, list(rows[-1][compiled.width :])) if more else None
    write = compiled.write
    out = [write(row) for row in rows]
    if query.children:
        plan = Plan(tenant, connection, model, principal, query)
        for name, child in query.children.items():
            _attach_children(plan, name, child, [row[0] for row in rows], out)
    return Page(out, cursor, total)


def _shape(tenant: Tenant, principal: Principal, query: Query, after: Sequence[Any] | None) -> Any:
    """Return what two queries must share to be one statement; None for those that are compiled each time."""
    if query.search:
        return None
    nulls = None if after is None else tuple(v is None for v in after)
    # Relative dates and "$me" are computed by closures that hold the day and the asker.
    day = today(tenant.clock, tenant.time_zone) if query.filter else None
    return (
        query.object,
        query.fields,
        shape_of(query.filter) if query.filter else None,
        query.sort,
        query.deleted,
        nulls,
        day,
        principal.admin,
        principal.kind,
        principal.user if query.filter else principal.user is None,
        principal.scopes,
    )


def _params(compiled: Compiled, query: Query) -> dict[str, Any] | None:
    """Return the parameters for this query's values; None when one of them needs to be looked at by the compiler."""
    params: dict[str, Any] = {}
    for binder in compiled.binders:
        try:
            value = binder.value(query.filter)
        except (InvalidValue, LookupError, TypeError, ValueError):
            return None
        if value is None:
            return None
        params[binder.name] = value
    return params


def _compile(plan: Plan, after: Sequence[Any] | None) -> Compiled:
    query = plan.query
    selected = [plan.resolve(p, f"fields.{i}") for i, p in enumerate(query.fields or default_fields(plan.root))]
    keys = _sort_keys(plan)
    conditions = plan.where()
    plan.check()
    fields = [r for r in selected if r is not None]
    count = sa.select(sa.func.count()).select_from(plan.paths.source).where(*conditions)
    if after is not None:
        conditions.append(_after(keys, after))
    t = plan.root.table
    columns = [t.c.id, t.c.version, *(c for r in fields for c in r.columns)]
    statement = sa.select(*columns, *(r.column for r, _ in keys)).select_from(plan.paths.source).where(*conditions)
    statement = statement.order_by(*(_direction(r, d) for r, d in keys)).limit(
        sa.bindparam("row_limit", type_=sa.Integer())
    )
    return Compiled(statement, count, tuple(keys), len(columns), row_writer(plan.root, fields), tuple(plan.binders))


def default_fields(model: ObjectModel) -> list[str]:
    """Return all field paths of an object that have columns."""
    return [f.name for f in model.all_fields if f.columns and f.name not in ("deleted_at", "version")]


def row_writer(root: ObjectModel, fields: Sequence[Resolved]) -> Callable[[Sequence[Any]], dict[str, Any]]:
    """Return a closure from a row (id, version, field columns …) to its JSON form."""
    env, name = root.env, root.name
    slots: list[tuple[str, int, int, Any, Any]] = []
    position = 2
    for r in fields:
        width = len(r.columns)
        simple = width == 1 and (r.field is None or r.part is not None or r.field.codec.from_columns is None)
        slots.append((r.path, position, position + width, None if simple else r.decode, r.write))
        position += width

    def write(row: Sequence[Any]) -> dict[str, Any]:
        out: dict[str, Any] = {"id": env.format_id(name, row[0]), "version": row[1]}
        for path, start, stop, decode, to_json in slots:
            value = row[start] if decode is None else decode(tuple(row[start:stop]))
            out[path] = value if value is None or to_json is None else to_json(value)
        return out

    return write


def _sort_keys(plan: Plan) -> list[tuple[Resolved, bool]]:
    sorts = plan.query.sort or (Sort("modified_at", True),)
    keys: list[tuple[Resolved, bool]] = []
    for i, sort in enumerate(sorts):
        resolved = plan.resolve(sort.path, f"sort.{i}")
        if resolved is not None and not resolved.sortable:
            plan.problems.append(problem(f"sort.{i}", "not_sortable", f"'{sort.path}' cannot be sorted by."))
        elif resolved is not None:
            keys.append((resolved, sort.descending))
    if not any(r.path == "id" for r, _ in keys):
        keys.append((plan.paths.resolve("id"), keys[-1][1] if keys else True))
    return keys


_NEVER_NULL = frozenset({"id", "modified_at", "created_at", "version"})


def _direction(r: Resolved, descending: bool) -> Any:
    ordered = r.column.desc() if descending else r.column.asc()
    return ordered if r.path in _NEVER_NULL else ordered.nulls_last()


def _after(keys: Sequence[tuple[Resolved, bool]], values: Sequence[Any]) -> sa.ColumnElement[bool]:
    """Return the condition "comes after the row with these sort values", blanks last."""
    if len(values) != len(keys):
        raise InvalidQuery([problem("cursor", "bad_cursor", "This cursor is not one that Trellis made.")])
    ties: list[sa.ColumnElement[bool]] = []
    options: list[sa.ColumnElement[bool]] = []
    for i, ((r, descending), value) in enumerate(zip(keys, values, strict=True)):
        c = r.column
        if value is None:
            ties.append(c.is_(None))
            continue
        bound = sa.bindparam(f"after{i}", value, type_=c.type)
        beyond = c < bound if descending else c > bound
        options.append(sa.and_(*ties, beyond if r.path in _NEVER_NULL else sa.or_(beyond, c.is_(None))))
        ties.append(c == bound)
    return sa.or_(sa.false(), *options)


def _total(plan: Plan, conditions: Sequence[sa.ColumnElement[bool]]) -> int:
    query = sa.select(sa.func.count()).select_from(plan.paths.source).where(*conditions)
    return int(plan.connection.execute(query).scalar_one())


def count_records(tenant: Tenant, connection: Connection, model: Model, principal: Principal, query: Query) -> int:
    """Count the records that a query selects."""
    plan = Plan(tenant, connection, model, principal, query)
    conditions = plan.where()
    plan.check()
    return _total(plan, conditions)


def get_record(
    tenant: Tenant, connection: Connection, model: Model, principal: Principal, object_name: str, record: int
) -> dict[str, Any]:
    """Return one record's values by field name. Raises :class:`NotFound`, also where the asker may not see it."""
    root = model.object(object_name)
    found = statements_of(root).fetch(connection, [record]).get(record)
    allowed = rights(principal, root.doc)
    owner = found["owner"].id if found and found["owner"] else None
    if found is None or found["deleted_at"] is not None or not allowed.may_read(owner, principal.user):
        raise NotFound(f"There is no such record of '{root.name}'.")
    return found


def _attach_children(plan: Plan, name: str, child: Query, ids: Sequence[int], out: Sequence[dict[str, Any]]) -> None:
    """Add child lists to the rows: one statement for all parents, each list cut at its limit by a window function."""
    reference = plan.model.relationship(plan.root.name, name)
    if reference is None:
        known = [r.relationship for r in plan.model.referrers.get(plan.root.name, ()) if r.relationship]
        raise InvalidQuery(
            [
                problem(
                    f"children.{name}",
                    "unknown_relationship",
                    f"'{plan.root.name}' has no child list '{name}'. Known: {', '.join(known) or 'none'}.",
                )
            ]
        )
    inner = Plan(plan.tenant, plan.connection, plan.model, plan.principal, replace(child, object=reference.source))
    fields = [
        r
        for i, p in enumerate(child.fields or default_fields(inner.root))
        if (r := inner.resolve(p, f"children.{name}.fields.{i}"))
    ]
    keys = _sort_keys(inner)
    conditions = inner.where()
    inner.check()
    link = inner.root.fields[reference.field]
    t = inner.root.table
    order = [_direction(r, d) for r, d in keys]
    rank = sa.func.row_number().over(partition_by=link.column, order_by=order).label("rank")
    conditions.append(link.column.in_(list(ids)))
    if len(link.columns) > 1:
        conditions.append(link.columns[1] == plan.root.name)
    columns = [t.c.id, t.c.version, *(c for r in fields for c in r.columns)]
    labelled = [c.label(f"c{i}") for i, c in enumerate(columns)]
    ranked = (
        sa.select(*labelled, link.column.label("parent"), rank)
        .select_from(inner.paths.source)
        .where(*conditions)
        .subquery()
    )
    statement = (
        sa.select(*[ranked.c[f"c{i}"] for i in range(len(columns))], ranked.c.parent)
        .where(ranked.c.rank <= min(child.limit, MAX_CHILDREN))
        .order_by(ranked.c.parent, ranked.c.rank)
    )
    write = row_writer(inner.root, fields)
    lists: dict[int, list[dict[str, Any]]] = {}
    for row in plan.connection.execute(statement):
        lists.setdefault(row[-1], []).append(write(row))
    for record, target in zip(ids, out, strict=True):
        target[name] = lists.get(record, [])


def _aggregate(plan: Plan) -> Page:
    query = plan.query
    groups = [r for i, p in enumerate(query.group_by) if (r := plan.resolve(p, f"group_by.{i}"))]
    for i, r in enumerate(groups):
        if not r.sortable:
            plan.problems.append(problem(f"group_by.{i}", "not_groupable", f"'{r.path}' cannot be grouped by."))
    functions = [_function(plan, i, a) for i, a in enumerate(query.aggregates or (Aggregate("count"),))]
    conditions = plan.where()
    plan.check()
    columns = [c for r in groups for c in r.columns] + [c for f in functions if f for c in f[1]]
    group_columns = [c for r in groups for c in r.columns]
    statement = sa.select(*columns).select_from(plan.paths.source).where(*conditions)
    if group_columns:
        statement = (
            statement.group_by(*group_columns)
            .order_by(*(r.column.asc().nulls_last() for r in groups))
            .limit(query.limit + 1)
        )
    rows = plan.connection.execute(statement).all()
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
    if aggregate.function == "count":
        return aggregate.key, [sa.func.count(r.column)], lambda v: v[0]
    if aggregate.function in ("sum", "avg") and r.category != "number":
        plan.problems.append(
            problem(at, "not_a_number", f"'{aggregate.path}' is not a number: it has no {aggregate.function}.")
        )
        return None
    if not r.sortable:
        plan.problems.append(problem(at, "not_comparable", f"'{aggregate.path}' has no {aggregate.function}."))
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
    if r.field is not None and r.part is None and r.field.doc["type"] == "currency":
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


Rights = Mapping[str, Any]

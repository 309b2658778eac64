"""Runs queries: one statement for the rows, one per child list, and rights in all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access import Principal, rights
from trellis.access.decide import may
from trellis.access.masking import hidden_fields, mask, visible
from trellis.access.narrow import prefers_narrow
from trellis.audit.views import sensitive_fields
from trellis.model import Model, ObjectModel
from trellis.query.aggregating import aggregate
from trellis.query.children import attach_children
from trellis.query.compiling import Compiled, Plan, access_shape, compile_rows, parameters, shape
from trellis.query.cursor import read_cursor, write_cursor
from trellis.query.estimates import total_of
from trellis.query.formulas import Surroundings, clock_parameters
from trellis.query.paths import Paths, Resolved
from trellis.query.query import Page, Query
from trellis.transaction.errors import NotFound
from trellis.transaction.statements import statements_of

if TYPE_CHECKING:
    from trellis.tenant import Tenant

MAX_COMPILED = 500


def run_query(tenant: Tenant, connection: Connection, model: Model, principal: Principal, query: Query) -> Page:
    """Answer a query. Raises :class:`InvalidQuery` with all problems, :class:`AccessDenied`, ``UnknownObject``."""
    if query.aggregates or query.group_by:
        return aggregate(Plan(tenant, connection, model, principal, query))
    after, now = read_cursor(query, query.cursor) if query.cursor else (None, None)
    now = now or tenant.clock.now()
    narrow = prefers_narrow(tenant, connection, model, principal, query.object)
    known = shape(tenant, principal, query, after, narrow=narrow)
    compiled: Compiled | None = model.cache.get(known) if known else None
    params = parameters(compiled, query) if compiled else None
    if compiled is None or params is None:
        compiled = compile_rows(Plan(tenant, connection, model, principal, query), after)
        params = {b.name: b.value(query.filter) for b in compiled.binders}
        if known:
            if len(model.cache) > MAX_COMPILED:
                model.cache.clear()
            model.cache[known] = compiled
    params.update(clock_parameters(tenant, now), me=principal.user)
    total, exact = total_of(connection, compiled.count, params, query.total)
    for i, value in enumerate(after or ()):
        params[f"after{i}"] = value
    rows = connection.execute(compiled.statement, {**params, "row_limit": query.limit + 1}).all()
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    moment = now if any(r.clock for r, _ in compiled.keys) else None
    cursor = write_cursor(query, list(rows[-1][compiled.width :]), moment) if more else None
    if compiled.sensitive and rows:
        tenant.views.add(principal, query.object, compiled.sensitive, [row[0] for row in rows])
    write = compiled.write
    out = [write(row) for row in rows]
    if query.children:
        plan = Plan(tenant, connection, model, principal, query)
        for name, child in query.children.items():
            attach_children(plan, name, child, [row[0] for row in rows], out)
    return Page(out, cursor, total, exact)


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
    if found is None or found["deleted_at"] is not None or not may(connection, principal, model, root, record, "read"):
        raise NotFound(f"There is no such record of '{root.name}'.")
    computed = formula_values(tenant, connection, model, principal, root, [record]).get(record, {})
    shown = visible(principal, root, {**found, **computed})
    note_view(tenant, principal, root, record, shown)
    return shown


def note_view(tenant: Tenant, principal: Principal, root: ObjectModel, record: int, shown: Mapping[str, Any]) -> None:
    """Note that somebody is given the values ``shown`` of a record, as far as its fields are marked ``sensitive``."""
    masks = rights(principal, root.doc).masks
    seen = [n for n in sensitive_fields(root) if n in shown and not masks(n)]
    tenant.views.add(principal, root.name, seen, [record])


def formula_values(
    tenant: Tenant,
    connection: Connection,
    model: Model,
    principal: Principal,
    root: ObjectModel,
    ids: Sequence[int],
) -> dict[int, dict[str, Any]]:
    """Return the values of the formula fields of records, by id and name: one statement, none without such fields.

    Which records the principal may read is the caller's; what formulas read over relations is not.
    """
    if not root.formula_fields or not ids:
        return {}
    key = ("formula_values", root.name, access_shape(principal))
    found = model.cache.get(key)
    if found is None:
        paths = Paths(model, root, principal, Surroundings.of(tenant))
        hidden = hidden_fields(principal, root)
        fields = [paths.resolve(f.name) for f in root.formula_fields if f.name not in hidden]
        t = root.table
        statement = sa.select(t.c.id, *(c for r in fields for c in r.columns)).select_from(paths.source)
        found = model.cache[key] = statement.where(t.c.id.in_(sa.bindparam("ids", expanding=True))), fields
    statement, fields = found
    params = {"ids": list(ids), "me": principal.user, **clock_parameters(tenant)}
    return {row[0]: _decoded(row, fields) for row in connection.execute(statement, params)}


def _decoded(row: Sequence[Any], fields: Sequence[Resolved]) -> dict[str, Any]:
    out, position = {}, 1
    for r in fields:
        value = r.decode(tuple(row[position : position + len(r.columns)]))
        out[r.path] = mask(value) if r.write is mask else value
        position += len(r.columns)
    return out

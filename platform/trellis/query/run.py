"""Runs queries: one statement for the rows, one per child list, and rights in all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access import Principal
from trellis.access.decide import may
from trellis.access.masking import visible
from trellis.model import Model
from trellis.query.aggregating import aggregate
from trellis.query.children import attach_children
from trellis.query.compiling import Compiled, Plan, compile_rows, parameters, shape
from trellis.query.cursor import read_cursor, write_cursor
from trellis.query.estimates import total_of
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
    after = read_cursor(query, query.cursor) if query.cursor else None
    known = shape(tenant, principal, query, after)
    compiled: Compiled | None = model.cache.get(known) if known else None
    params = parameters(compiled, query) if compiled else None
    if compiled is None or params is None:
        compiled = compile_rows(Plan(tenant, connection, model, principal, query), after)
        params = {b.name: b.value(query.filter) for b in compiled.binders}
        if known:
            if len(model.cache) > MAX_COMPILED:
                model.cache.clear()
            model.cache[known] = compiled
    params["me"] = principal.user
    total, exact = total_of(connection, compiled.count, params, query.total)
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
    return visible(principal, root, found)

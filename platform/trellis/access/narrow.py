"""The second shape of the same condition, for those who reach few records: start from their records instead of probing each.

Which shape is faster depends on how many records somebody reaches (STORAGE.md Q4). That is counted up to :data:`FEW`, per person
and object, and remembered for a while: it decides nothing but the plan.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access.among import among, driven_by
from trellis.access.arms import arms
from trellis.access.arms.base import READ, Ask
from trellis.access.predicate import asker
from trellis.access.principal import Principal
from trellis.access.rights import SOME, rights
from trellis.model import Model, ObjectModel

if TYPE_CHECKING:
    from trellis.tenant import Tenant

FEW = 2000
KEEP = timedelta(minutes=10)
MAX_KNOWN = 20_000


def narrow_source(principal: Principal, root: ObjectModel, *, is_sqlite: bool) -> Any:
    """Return what to select from in the narrow shape: on SQLite the person's records first, then the table."""
    ids = _ids(principal, root)
    if ids is None or not is_sqlite:
        return root.table
    mine = ids.subquery("reached")
    # SQLite has no other way to be told which table comes first.
    return driven_by(mine, root.table, root.table.c.id == next(iter(mine.c)))


def narrow_predicate(
    principal: Principal, root: ObjectModel, table: Any, *, is_sqlite: bool
) -> sa.ColumnElement[bool] | None:
    """Return the condition that goes with :func:`narrow_source`; None where there is no narrow shape."""
    ids = _ids(principal, root)
    if ids is None or root.model is None:
        return None
    ask = Ask(principal, root.model, root, table, READ, asker(principal))
    taken = [c for a in arms() if a.subtracts and (c := a.condition(ask)) is not None]
    given = sa.true() if is_sqlite else among(table.c.id, ids.scalar_subquery())
    return sa.and_(given, *taken)


def _ids(principal: Principal, root: ObjectModel) -> Any:
    """Return the query for the numbers of all records that the principal reaches."""
    if principal.admin or principal.user is None or root.model is None or rights(principal, root.doc).read != SOME:
        return None
    if principal.kind == "portal":
        return None
    inner = root.table.alias("mine")
    ask = Ask(principal, root.model, root, inner, READ, asker(principal))
    found = []
    for arm in arms():
        if arm.subtracts or arm.condition(ask) is None:
            continue
        ids = arm.ids(ask)
        if ids is None:
            return None
        found.append(ids)
    return sa.union(*found) if len(found) > 1 else found[0].distinct() if found else None


def prefers_narrow(
    tenant: Tenant, connection: Connection, model: Model, principal: Principal, object_name: str
) -> bool:
    """Whether the principal reaches so few records of an object that the narrow shape is the faster one."""
    if principal.admin or principal.user is None or principal.kind == "portal":
        return False
    root = model.object(object_name)
    if rights(principal, root.doc).read != SOME:
        return False
    known: dict[Any, tuple[datetime, bool]] = tenant.__dict__.setdefault("_reach_sizes", {})
    key, now = (principal.user, object_name, model.version, principal.grants.key), tenant.clock.now()
    found = known.get(key)
    if found is None or not found[0] <= now < found[0] + KEEP:
        if len(known) > MAX_KNOWN:
            known.clear()
        found = known[key] = now, _is_small(connection, model, principal, root)
    return found[1]


def _is_small(connection: Connection, model: Model, principal: Principal, root: ObjectModel) -> bool:
    key = ("reach_size", root.name, principal.grants.key)
    if key not in model.cache:
        ids = _ids(principal, root)
        some = None if ids is None else ids.limit(sa.literal_column(str(FEW + 1))).subquery()
        model.cache[key] = None if some is None else sa.select(sa.func.count()).select_from(some)
    statement = model.cache[key]
    if statement is None:
        return False
    return int(connection.execute(statement, {"me": principal.user}).scalar_one()) <= FEW

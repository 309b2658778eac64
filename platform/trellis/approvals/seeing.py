"""Who knows of a request: who may read its record, who submitted it, and who is or was asked. For others it does not exist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access import Principal
from trellis.access.decide import allowed_ids
from trellis.model import Model
from trellis.storage.tables import approvals as t
from trellis.storage.tables.access import reach


def my_numbers(user: int | None) -> Any:
    """Return the subquery of the principals in whose name somebody holds seats: himself and his groups."""
    return sa.select(reach.c.principal).where(reach.c.user == user, reach.c.via == 0).scalar_subquery()


def holds(user: int | None) -> sa.ColumnElement[bool]:
    """Return the condition that a seat is held by somebody, or by a group of his."""
    c = t.seat.c
    return sa.or_(c.holder == user, sa.and_(c.holder < 0, c.holder.in_(my_numbers(user))))


def known_requests(connection: Connection, model: Model, principal: Principal, rows: Sequence[Any]) -> set[int]:
    """Return the numbers of those requests (rows with ``id``, ``object``, ``record``, ``submitted_by``) that the principal knows of."""
    found = {r.id for r in rows if principal.user is not None and r.submitted_by == principal.user}
    by_object: dict[str, set[int]] = {}
    for row in rows:
        if row.object in model.object_names:
            by_object.setdefault(row.object, set()).add(row.record)
    readable = {
        (name, record)
        for name, records in by_object.items()
        for record in allowed_ids(connection, principal, model, model.object(name), records, "read")
    }
    found |= {r.id for r in rows if (r.object, r.record) in readable}
    rest = [r.id for r in rows if r.id not in found]
    return found | seated(connection, principal, rest)


def seated(connection: Connection, principal: Principal, requests: Sequence[int]) -> set[int]:
    """Return those of ``requests`` in which somebody is or was asked, or decided."""
    c, user = t.seat.c, principal.user
    found: set[int] = set()
    if user is None:
        return found
    for start in range(0, len(requests), 500):
        mine = sa.or_(c.decided_by == user, c.first == user, c.holder == user, sa.and_(c.state == "open", holds(user)))
        query = sa.select(c.request).where(c.request.in_(list(requests[start : start + 500])), mine)
        found.update(connection.execute(query).scalars())
    return found

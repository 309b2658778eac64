"""May this one? The same condition, asked for given records: stored ones, and rows as they would be after a write."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access.predicate import record_predicate
from trellis.access.principal import Principal
from trellis.access.rights import ALL, NOBODY, rights
from trellis.model import Model, ObjectModel

CHUNK = 500
Resulting = tuple[int | None, int | None, int | None, str | None]
"""A row as it would be: its number (None: new), its owner, and the record that controls it, with its object."""


def allowed_ids(
    connection: Connection, principal: Principal, model: Model, root: ObjectModel, ids: Collection[int], action: str
) -> set[int]:
    """Return those of ``ids`` that the principal may ``read`` or ``edit``, deleted records included. One statement per 500."""
    allowed = rights(principal, root.doc)
    extent = allowed.edit if action == "edit" else allowed.read
    if extent == ALL:
        return set(ids)
    if extent == NOBODY or not ids:
        return set()
    statement = _statement(principal, model, root, action)
    ordered = sorted(ids)
    found: set[int] = set()
    for start in range(0, len(ordered), CHUNK):
        params = {"ids": ordered[start : start + CHUNK], "me": principal.user}
        found.update(connection.execute(statement, params).scalars())
    return found


def may(
    connection: Connection, principal: Principal, model: Model, root: ObjectModel, record: int, action: str
) -> bool:
    """Decide for one stored record."""
    return record in allowed_ids(connection, principal, model, root, [record], action)


def _statement(principal: Principal, model: Model, root: ObjectModel, action: str) -> Any:
    key = ("decide", root.name, action, principal.grants.key, principal.kind, principal.scopes)
    found = model.cache.get(key)
    if found is None:
        t = root.table
        condition = record_predicate(principal, root, t, action)
        found = sa.select(t.c.id).where(t.c.id.in_(sa.bindparam("ids", expanding=True)), condition)
        model.cache[key] = found
    return found


def readable_after(
    connection: Connection, principal: Principal, model: Model, root: ObjectModel, rows: Sequence[Resulting]
) -> list[bool]:
    """Decide for rows as they would be: whether the principal could read them then.

    Shares that the record has count, those that a rule would give it only after the write do not: closed, not open.
    """
    allowed = rights(principal, root.doc)
    if allowed.read == ALL:
        return [True] * len(rows)
    if allowed.read == NOBODY:
        return [False] * len(rows)
    wanted = sorted(set(rows), key=repr)
    good: set[int] = set()
    for start in range(0, len(wanted), 200):
        good.update(_resulting(connection, principal, model, root, wanted[start : start + 200], start))
    known = {wanted[i] for i in good}
    return [row in known for row in rows]


def _resulting(
    connection: Connection, principal: Principal, model: Model, root: ObjectModel, rows: Sequence[Resulting], start: int
) -> Iterable[int]:
    control = root.doc.get("sharing", {}).get("parent")
    names = ["n", "id", "owner", *([c.name for c in root.fields[control].columns] if control else [])]
    selects = [
        sa.select(*(_typed(v).label(n) for n, v in zip(names, (start + i, *row), strict=False)))
        for i, row in enumerate(rows)
    ]
    virtual = sa.union_all(*selects).subquery() if len(selects) > 1 else selects[0].subquery()
    condition = record_predicate(principal, root, virtual)
    return connection.execute(sa.select(virtual.c.n).where(condition)).scalars().all()


def _typed(value: int | str | None) -> sa.ColumnElement[Any]:
    if isinstance(value, str):
        return sa.cast(sa.literal(value), sa.Text())
    return sa.cast(sa.literal(value, sa.BigInteger()), sa.BigInteger())

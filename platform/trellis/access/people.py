"""People as principals: who they are, what their permission sets grant, and lists of who can see what."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access.arms.base import Ask
from trellis.access.grants import grants_of
from trellis.access.organisation import is_current
from trellis.access.predicate import LEVELS, reach_condition, record_predicate
from trellis.access.principal import Principal
from trellis.access.rights import ALL, NOBODY, rights
from trellis.clock import today
from trellis.model import Model, ObjectModel
from trellis.storage import system
from trellis.storage.tables.access import member
from trellis.storage.tables.portal import portal

if TYPE_CHECKING:
    from trellis.tenant import Tenant

CHUNK = 500


def sets_of(connection: Connection, users: Iterable[int], day: date) -> dict[int, tuple[str, ...]]:
    """Return people's permission sets on a day, by user."""
    found: dict[int, set[str]] = {u: set() for u in users}
    ordered, c = sorted(found), member.c
    for start in range(0, len(ordered), CHUNK):
        query = sa.select(c.user, c.name).where(
            c.kind == "permission_set", c.user.in_(ordered[start : start + CHUNK]), *is_current(day)
        )
        for user, name in connection.execute(query):
            found[user].add(name)
    return {user: tuple(sorted(names)) for user, names in found.items()}


def person(tenant: Tenant, connection: Connection, model: Model, user: int, name: str = "") -> Principal:
    """Return a person as an ordinary principal with what his permission sets grant. Says nothing about logging in."""
    sets = sets_of(connection, [user], today(tenant.clock, tenant.time_zone))[user]
    outside = connection.execute(sa.select(portal.c.user).where(portal.c.user == user)).first() is not None
    return Principal(kind_of(outside), user, name, grants=grants_of(model, sets))


def kind_of(outside: bool) -> str:
    """Return the kind of principal of somebody who works here, or of somebody outside."""
    return "portal" if outside else "person"


def everybody(tenant: Tenant, connection: Connection, model: Model) -> list[Principal]:
    """Return all who can log in, ordered by number."""
    t, f = model.object("user").table, model.object("user").fields
    query = (
        sa.select(t.c.id, f["name"].column, system.credential.c.admin, portal.c.record.is_not(None))
        .join(system.credential, system.credential.c.user == t.c.id)
        .outerjoin(portal, portal.c.user == t.c.id)
        .where(t.c.deleted_at.is_(None), sa.func.coalesce(f["active"].column, sa.true()))
        .order_by(t.c.id)
    )
    rows = connection.execute(query).all()
    sets = sets_of(connection, [r[0] for r in rows], today(tenant.clock, tenant.time_zone))
    return [
        Principal(kind_of(outside), number, name or "", bool(admin), grants=grants_of(model, sets[number]))
        for number, name, admin, outside in rows
    ]


def who(
    tenant: Tenant, connection: Connection, model: Model, root: ObjectModel, record: int, action: str = "read"
) -> list[Principal]:
    """Return everybody who may ``read`` or ``edit`` a record. One statement per combination of permission sets."""
    groups: dict[Any, list[Principal]] = {}
    for one in everybody(tenant, connection, model):
        groups.setdefault((one.admin, one.kind, one.grants.key), []).append(one)
    found: list[Principal] = []
    for people in groups.values():
        allowed = rights(people[0], root.doc)
        extent = allowed.edit if action == "edit" else allowed.read
        if extent == ALL:
            found += people
        elif extent != NOBODY:
            seeing = _seeing(connection, model, root, record, people, LEVELS[action])
            found += [p for p in people if p.user in seeing]
    return sorted(found, key=lambda p: p.user or 0)


def _seeing(
    connection: Connection, model: Model, root: ObjectModel, record: int, people: list[Principal], level: int
) -> set[int]:
    u, t = model.object("user").table.alias("asker"), root.table.alias("record")
    condition = reach_condition(Ask(people[0], model, root, t, level, u.c.id))
    numbers = [p.user for p in people if p.user is not None]
    found: set[int] = set()
    for start in range(0, len(numbers), CHUNK):
        query = (
            sa.select(u.c.id)
            .select_from(u.join(t, sa.true()))
            .where(t.c.id == record, u.c.id.in_(numbers[start : start + CHUNK]), condition)
        )
        found.update(connection.execute(query).scalars())
    return found


def what(tenant: Tenant, connection: Connection, model: Model, principal: Principal) -> list[dict[str, Any]]:
    """Return, per object that the person knows of, the rights and how many records are read and edited."""
    found = []
    for name in model.object_names:
        root = model.object(name)
        allowed = rights(principal, root.doc)
        if allowed.read == NOBODY and not allowed.create:
            continue
        t = root.table
        counts = {
            action: connection.execute(
                sa.select(sa.func.count())
                .select_from(t)
                .where(t.c.deleted_at.is_(None), record_predicate(principal, root, t, action))
            ).scalar_one()
            for action in ("read", "edit")
        }
        hidden = [f.name for f in root.all_fields if not allowed.may_read_field(f.name)]
        found.append(
            {
                "object": name,
                "create": allowed.create,
                "read": allowed.read,
                "edit": allowed.edit,
                "delete": allowed.delete,
                "actions": sorted(allowed.actions),
                "readable": counts["read"],
                "editable": counts["edit"],
                "hidden_fields": hidden,
            }
        )
    return found

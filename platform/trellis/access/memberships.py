"""People's roles, groups, units, calendars and permission sets, each for a time. Changed by administrators; every change counts at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access.organisation import refresh
from trellis.access.versions import bump_access
from trellis.audit import note
from trellis.clock import today
from trellis.model import Model
from trellis.storage import outbox
from trellis.storage.tables.access import member
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant

KINDS = ("permission_set", "role", "group", "unit", "unit_head", "calendar")
TOPIC = "access_refresh"


class BadMembership(TrellisError):
    """Nothing of that kind and name exists, or the days are the wrong way round."""

    code = "bad_membership"


class UnknownMembership(TrellisError):
    """There is no membership of that number."""

    code = "unknown_membership"


@dataclass(frozen=True, slots=True)
class Membership:
    """What a person belongs to. ``starts_on`` and ``ends_on`` are the first and last day (None: without limit)."""

    id: int
    user: int
    kind: str
    name: str
    starts_on: date | None
    ends_on: date | None

    def to_json(self, model: Model) -> dict[str, Any]:
        """Return the membership for programs."""
        return {
            "id": self.id,
            "user": model.env.format_id("user", self.user),
            "kind": self.kind,
            "name": self.name,
            "starts_on": self.starts_on and self.starts_on.isoformat(),
            "ends_on": self.ends_on and self.ends_on.isoformat(),
        }


def memberships(
    connection: Connection, *, user: int | None = None, kind: str | None = None, name: str | None = None
) -> list[Membership]:
    """Return memberships, of one person or in one role, group, unit or set."""
    c = member.c
    query = sa.select(c.id, c.user, c.kind, c.name, c.starts_on, c.ends_on).order_by(c.user, c.kind, c.name, c.id)
    for column, value in ((c.user, user), (c.kind, kind), (c.name, name)):
        if value is not None:
            query = query.where(column == value)
    return [Membership(*row) for row in connection.execute(query)]


def add(
    tenant: Tenant,
    user: int,
    kind: str,
    name: str,
    *,
    starts_on: date | None = None,
    ends_on: date | None = None,
    by: int | None = None,
) -> int:
    """Let a person belong to something; return the membership's number. The same membership twice is one.

    Raises :class:`BadMembership`.
    """
    return add_many(tenant, [(user, kind, name)], starts_on=starts_on, ends_on=ends_on, by=by)[0]


def add_many(
    tenant: Tenant,
    wanted: Sequence[tuple[int, str, str]],
    *,
    starts_on: date | None = None,
    ends_on: date | None = None,
    by: int | None = None,
) -> list[int]:
    """Add memberships ``(user, kind, name)`` in one transaction."""
    if starts_on and ends_on and ends_on < starts_on:
        raise BadMembership("The last day lies before the first one.")
    with tenant.publishing_lock() as connection:
        model = tenant.model_in(connection)
        numbers = [
            _add(tenant, connection, model, user, kind, name, starts_on, ends_on, by) for user, kind, name in wanted
        ]
        for user, kind, name in wanted:
            days: dict[str, Any] = {k: v.isoformat() for k, v in (("starts_on", starts_on), ("ends_on", ends_on)) if v}
            note(tenant, connection, "membership_added", actor=by, about=("user", user), of=kind, name=name, **days)
        _changed(tenant, connection, model, {kind for _, kind, _ in wanted})
        for day in (starts_on, ends_on and ends_on + timedelta(days=1)):
            if day is not None and day > today(tenant.clock, tenant.time_zone):
                _schedule(tenant, connection, day)
    return numbers


def _add(
    tenant: Tenant,
    connection: Connection,
    model: Model,
    user: int,
    kind: str,
    name: str,
    starts_on: date | None,
    ends_on: date | None,
    by: int | None,
) -> int:
    _check(model, kind, name)
    t, c = model.object("user").table, member.c
    if connection.execute(sa.select(t.c.id).where(t.c.id == user)).first() is None:
        raise BadMembership("There is no such user.")
    same = sa.select(c.id).where(c.user == user, c.kind == kind, c.name == name)
    same = same.where(c.starts_on.is_(None) if starts_on is None else c.starts_on == starts_on)
    known = connection.execute(same.where(c.ends_on.is_(None) if ends_on is None else c.ends_on == ends_on)).scalar()
    if known is not None:
        return int(known)
    done = connection.execute(
        member.insert(),
        {
            "user": user,
            "kind": kind,
            "name": name,
            "starts_on": starts_on,
            "ends_on": ends_on,
            "created_by": by,
            "created_at": tenant.clock.now(),
        },
    )
    assert done.inserted_primary_key is not None
    return int(done.inserted_primary_key[0])


def remove(tenant: Tenant, number: int, *, by: int | None = None) -> None:
    """End a membership as if it had never been. Raises :class:`UnknownMembership`."""
    with tenant.publishing_lock() as connection:
        c = member.c
        row = connection.execute(sa.select(c.kind, c.user, c.name).where(c.id == number)).first()
        if row is None:
            raise UnknownMembership("There is no such membership.")
        kind = str(row[0])
        note(tenant, connection, "membership_removed", actor=by, about=("user", row[1]), of=kind, name=row[2])
        connection.execute(member.delete().where(member.c.id == number))
        _changed(tenant, connection, tenant.model_in(connection), {kind})


def _check(model: Model, kind: str, name: str) -> None:
    if kind not in KINDS:
        raise BadMembership(f"'{kind[:40]}' is not one of {', '.join(KINDS)}.{did_you_mean(kind[:40], KINDS)}")
    known = known_names(model, kind)
    if name not in known:
        words = kind.replace("_", " ")
        raise BadMembership(f"There is no {words} '{name[:90]}'.{did_you_mean(name[:90], known)}")


def known_names(model: Model, kind: str) -> list[str]:
    """Return what people can belong to of a kind, or be the head of; units as ``tree.unit``."""
    if kind not in ("unit", "unit_head"):
        return list(model.snapshot.of_kind(kind))
    trees = model.snapshot.of_kind("org_unit_tree")
    return [f"{tree}.{u['name']}" for tree, d in trees.items() for u in d["units"]]


def _changed(tenant: Tenant, connection: Connection, model: Model, kinds: set[str]) -> None:
    if kinds - {"permission_set"}:
        refresh_reach(tenant, connection, model)
    bump_access(connection)


def refresh_reach(tenant: Tenant, connection: Connection, model: Model) -> int:
    """Work out again whom belonging reaches today; return how many rows changed."""
    users = connection.execute(sa.select(model.object("user").table.c.id)).scalars().all()
    return refresh(connection, model.snapshot, users, today(tenant.clock, tenant.time_zone))


def _schedule(tenant: Tenant, connection: Connection, day: date) -> None:
    """Have the memberships looked at when a day begins in the organisation's zone."""
    zone = ZoneInfo(tenant.time_zone)
    due: datetime = datetime.combine(day, time_of_day(), zone).astimezone(ZoneInfo("UTC"))
    key = f"{TOPIC}:{day.isoformat()}"
    outbox.put(connection, tenant.clock.now(), TOPIC, [outbox.Message({}, due, key=key)])

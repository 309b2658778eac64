"""Which calendar counts: the person's own, that of his unit or of one above it, that of the organisation, else none.

People's own calendars are memberships of the kind ``calendar``, and units have theirs in their tree: both are dated like every
membership.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.calendars.compiled import calendars_in, default_calendar
from trellis.calendars.working_time import WorkingTime
from trellis.storage.tables.access import member
from trellis_metadata.snapshot import Snapshot

if TYPE_CHECKING:
    from trellis.tenant import Tenant

OWN, UNIT = "calendar", "unit"


def calendar_for(
    tenant: Tenant, connection: Connection, user: int | None, *, at: datetime | None = None
) -> WorkingTime:
    """Return the calendar by which a person works at a moment (now, unless told); the organisation's for nobody."""
    if user is None:
        return default_calendar(tenant.model_in(connection).snapshot)
    return calendars_for(tenant, connection, [user], at=at)[user]


def calendars_for(
    tenant: Tenant, connection: Connection, users: Iterable[int], *, at: datetime | None = None
) -> Mapping[int, WorkingTime]:
    """Return the calendar of each person, in one statement. Of several units the first by name that has one counts."""
    # Access knows formulas, and formulas know calendars.
    from trellis.access.organisation import is_current

    wanted = sorted(set(users))
    snapshot = tenant.model_in(connection).snapshot
    default, known = default_calendar(snapshot), calendars_in(snapshot)
    if not known or not wanted:
        return dict.fromkeys(wanted, default)
    c = member.c
    # Days of memberships are days of the organisation, whatever the zone of a calendar.
    day = (at or tenant.clock.now()).astimezone(ZoneInfo(tenant.time_zone)).date()
    query = sa.select(c.user, c.kind, c.name).where(c.user.in_(wanted), c.kind.in_((OWN, UNIT)), *is_current(day))
    names: dict[int, str] = {}
    of_units = units_with_calendar(snapshot)
    for user, kind, name in connection.execute(query.order_by(c.kind, c.name, c.id)):
        calendar = name if kind == OWN else of_units.get(name)
        if calendar is not None and calendar in known:
            names.setdefault(user, calendar)
    return {user: known[names[user]] if user in names else default for user in wanted}


def units_with_calendar(snapshot: Snapshot) -> Mapping[str, str]:
    """Return the calendar of each unit (``tree.unit``) that has one itself or from a unit above it."""
    found: dict[str, str] = {}
    for tree, document in snapshot.of_kind("org_unit_tree").items():
        units = {u["name"]: u for u in document["units"]}
        for name in units:
            at, seen = name, {name}
            while "calendar" not in units[at] and units[at].get("parent") in units.keys() - seen:
                at = units[at]["parent"]
                seen.add(at)
            if "calendar" in units[at]:
                found[f"{tree}.{name}"] = units[at]["calendar"]
    return found

"""What a user chose about the interface. Kept on the server, so that it is the same on every machine.

Known are ``language``, ``theme``, ``density``, ``time_zone`` (an IANA name) and ``channels`` (names with commas). Whoever acts for no user has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis import channels
from trellis.access import Principal
from trellis.storage.tables.people import preference
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant

_P = preference.c


class BadPreference(TrellisError):
    """A preference that does not exist, or a value that it cannot have."""

    code = "bad_preference"


def _is_zone(text: str) -> bool:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


KNOWN: Mapping[str, Callable[[str], bool]] = {
    "language": lambda text: text in ("en", "zh"),
    "theme": lambda text: text in ("light", "dark", "auto"),
    "density": lambda text: text in ("comfortable", "compact"),
    "time_zone": _is_zone,
    channels.PREFERENCE: channels.is_choice,
}


def preferences_of(connection: Connection, user: int | None) -> dict[str, str]:
    """Return what a user chose, by name."""
    if user is None:
        return {}
    rows = connection.execute(sa.select(_P.name, _P.value).where(_P.user == user))
    return {name: value for name, value in rows if name in KNOWN and KNOWN[name](value)}


def prefer(tenant: Tenant, principal: Principal, changes: Mapping[str, str | None]) -> None:
    """Store choices of the principal's user; None forgets one. Raises :class:`BadPreference` and then stores nothing."""
    for name, value in changes.items():
        if name not in KNOWN:
            raise BadPreference(f"There is no preference '{name[:40]}'.{did_you_mean(name, KNOWN)}")
        if value is not None and not KNOWN[name](value):
            raise BadPreference(f"'{str(value)[:40]}' is no value of the preference '{name}'.")
    if principal.user is None:
        return
    with tenant.database.writing() as connection:
        names = list(changes)
        connection.execute(preference.delete().where(_P.user == principal.user, _P.name.in_(names)))
        kept = [{"user": principal.user, "name": n, "value": v} for n, v in changes.items() if v is not None]
        if kept:
            connection.execute(preference.insert(), kept)

"""Known browsers: a cookie that says that somebody logged in from here before. It proves nothing else."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.accounts.digests import digest
from trellis.storage.tables.accounts import known_browser

COOKIE = "trellis_browser"
LIFE = timedelta(days=365)
MOST = 20
"""So many browsers of a person are known; the one not seen for the longest time is forgotten."""
_B = known_browser.c


def is_known(connection: Connection, user: int | None, key: str, now: datetime) -> bool:
    """Whether a person logged in from the browser with this cookie within a year."""
    if user is None or not key:
        return False
    query = sa.select(_B.user).where(_B.digest == digest(key), _B.user == user, _B.seen_at > now - LIFE)
    return connection.execute(query).first() is not None


def remember(connection: Connection, user: int, key: str, now: datetime) -> str:
    """Note that a person logged in from a browser; return its cookie, a new one if it had none of this person."""
    held = known_browser.update().where(_B.digest == digest(key), _B.user == user).values(seen_at=now)
    if key and connection.execute(held).rowcount:
        return key
    made = secrets.token_urlsafe(24)
    connection.execute(known_browser.insert(), {"digest": digest(made), "user": user, "seen_at": now})
    old = sa.select(_B.digest).where(_B.user == user).order_by(_B.seen_at.desc()).offset(MOST)
    for found in connection.execute(old).scalars().all():
        connection.execute(known_browser.delete().where(_B.digest == found))
    return made


def forget(connection: Connection, user: int) -> None:
    """Forget all browsers of a person."""
    connection.execute(known_browser.delete().where(_B.user == user))

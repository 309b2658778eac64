"""Makes links by which somebody decides from a mail without logging in; :mod:`trellis.approvals.linked` follows them.

A link holds a random secret of which only the SHA-256 is stored.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from trellis.storage.tables import approvals as t

LIFE = timedelta(days=7)


def give(connection: Connection, now: datetime, seats: Collection[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """Make links for seats and the people who hold them; return the secrets."""
    made = {pair: secrets.token_urlsafe(32) for pair in seats}
    if made:
        connection.execute(
            t.link.insert(),
            [
                {"digest": digest_of(secret), "seat": seat, "user": user, "expires_at": now + LIFE}
                for (seat, user), secret in made.items()
            ],
        )
    return made


def digest_of(secret: str) -> str:
    """Return what is stored of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()

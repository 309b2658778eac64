"""The access version: one number per tenant that changes with every change to users, accounts and tokens."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from trellis.storage import system

_BUMP = system.state.update().values(access_version=system.state.c.access_version + 1)


def bump_access(connection: Connection) -> None:
    """Make every process look at principals again, from this transaction's commit on."""
    connection.execute(_BUMP)

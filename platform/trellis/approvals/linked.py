"""Follows links by which somebody decides from a mail without logging in.

A link holds a random secret of which only the SHA-256 is stored. It serves one person, one seat and one decision, until it runs
out, the seat is decided or passed on. Opening it decides nothing: mail scanners open links; the page asks and sends a form.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access import Cause, Principal
from trellis.accounts.principals import principal_of
from trellis.approvals import deciding
from trellis.approvals import desk as states
from trellis.approvals.links import digest_of
from trellis.storage.tables import approvals as t
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant
    from trellis.transaction.transaction import Transaction

_L, _S = t.link.c, t.seat.c


class BadLink(TrellisError):
    """The link was used, has run out, or was never given; which of these is not said."""

    code = "bad_approval_link"


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link leads to: the request, the seat, and the person with his own rights."""

    request: int
    seat: int
    step: str
    person: Principal


def open_link(tenant: Tenant, connection: Connection, secret: str) -> Opened:
    """Return what a link leads to. Raises :class:`BadLink`."""
    return _open(tenant, connection, secret)


def decide(tenant: Tenant, secret: str, verdict: str, *, comment: str | None = None, language: str = "en") -> str:
    """Vote by a link and use it up; return the state of the request.

    Raises :class:`BadLink`, and what :func:`trellis.approvals.deciding.vote` raises; a refused vote leaves the link good.
    """
    with tenant.database.reading() as connection:
        person = replace(_open(tenant, connection, secret).person, language=language)

    def body(tx: Transaction) -> str:
        opened = _open(tenant, tx.connection, secret)
        used = tx.connection.execute(
            t.link.update().where(_L.digest == digest_of(secret), _L.used_at.is_(None)).values(used_at=tx.now)
        )
        if not used.rowcount:
            raise BadLink("This link cannot be used any more.")
        return deciding.vote(tx, opened.request, verdict, comment=comment, step=opened.step, via="mail")

    return tenant.run(person, Cause("mail"), body)


def _open(tenant: Tenant, connection: Connection, secret: str) -> Opened:
    s = t.step.c
    query = (
        sa.select(_L.user, _S.request, _S.id, s.name)
        .join(t.seat, _S.id == _L.seat)
        .join(t.step, s.id == _S.step)
        .where(
            _L.digest == digest_of(secret),
            _L.used_at.is_(None),
            _L.expires_at > tenant.clock.now(),
            _S.state == states.OPEN,
            _S.holder == _L.user,
        )
    )
    row = connection.execute(query).first()
    person = principal_of(tenant, connection, row.user) if row is not None else None
    if row is None or person is None:
        raise BadLink("This link cannot be used any more.")
    return Opened(row.request, row.id, row.name, person)

"""No change of metadata is stuck half-way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.cli.checks.complaint import Complaint
from trellis.storage import system

if TYPE_CHECKING:
    from trellis.tenant import Tenant


def check(tenant: Tenant, connection: Connection) -> Iterable[Complaint]:
    """Report a publication that is converting records."""
    p = system.publication.c
    row = connection.execute(sa.select(p.phase, p.done, p.total, p.created_at)).first()
    if row is not None:
        yield Complaint(
            "publication",
            f"A change of {row[3]:%Y-%m-%d %H:%M} is converting records: {row[1]:,} of {row[2]:,} done.",
            "If no process is at work on it, run 'trellis metadata resume' or 'trellis metadata abandon'.",
        )

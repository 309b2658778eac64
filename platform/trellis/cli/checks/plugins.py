"""What plug-ins complain of."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.engine import Connection

from trellis import plugins
from trellis.cli.checks.complaint import Complaint
from trellis.tenant import Tenant


def check(tenant: Tenant, connection: Connection) -> Iterator[Complaint]:
    """Yield the complaints of all plug-ins."""
    for found in plugins.manager().hook.trellis_complaints(tenant=tenant, connection=connection):
        yield from found

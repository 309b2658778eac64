"""The chain of the audit is whole: no sealed row was changed, removed or added."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy.engine import Connection

from trellis.audit.sealing import verify
from trellis.cli.checks.complaint import Complaint

if TYPE_CHECKING:
    from trellis.tenant import Tenant


def check(tenant: Tenant, connection: Connection) -> Iterable[Complaint]:
    """Compute the chain again."""
    for found in verify(tenant, connection).broken:
        yield Complaint("t_audit", found, "Compare with a backup: somebody wrote to the database past the product.")

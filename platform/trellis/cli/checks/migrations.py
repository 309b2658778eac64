"""The platform's own tables are at the newest revision."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy.engine import Connection

from trellis.cli.checks.complaint import Complaint
from trellis.storage import migrate

if TYPE_CHECKING:
    from trellis.tenant import Tenant


def check(tenant: Tenant, connection: Connection) -> Iterable[Complaint]:
    """Compare the stored revision with the newest one."""
    stored, newest = migrate.revisions_in(connection, "tenant"), migrate.heads("tenant")
    if stored != newest:
        yield Complaint(
            migrate.VERSION_TABLES["tenant"],
            f"The platform's tables are at revision {_listed(stored)}, expected {_listed(newest)}.",
            "Open the tenant with the newest version of Trellis: migrations run by themselves.",
        )


def _listed(revisions: Iterable[str]) -> str:
    return ", ".join(sorted(revisions)) or "none"

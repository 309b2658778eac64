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
    stored = connection.exec_driver_sql(f"SELECT version_num FROM {migrate.VERSION_TABLES['tenant']}").scalar()
    if stored != migrate.head("tenant"):
        yield Complaint(
            "t_alembic",
            f"The platform's tables are at revision {stored}, expected {migrate.head('tenant')}.",
            "Open the tenant with the newest version of Trellis: migrations run by themselves.",
        )

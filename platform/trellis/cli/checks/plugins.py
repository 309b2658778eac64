"""What plug-ins complain of."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.engine import Connection

from trellis import plugins
from trellis.cli.checks.complaint import Complaint
from trellis.tenant import Tenant


def check(tenant: Tenant, connection: Connection) -> Iterator[Complaint]:
    """Yield the complaints of all plug-ins, and of one that fails while it looks."""
    for left_out in (p for p in plugins.installed() if p.left_out):
        yield Complaint(
            f"plug-in {left_out.name}",
            f"It is left out by {plugins.WITHOUT}.",
            "Uninstall it, or take it out of the variable.",
        )
    try:
        for _, complaint in plugins.given("trellis_complaints", tenant=tenant, connection=connection):
            yield complaint
    except plugins.PluginFailed as problem:
        yield Complaint("plug-ins", problem.message, "Mend or uninstall the plug-in.")

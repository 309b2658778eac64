"""What can be wrong with mail although each setting fits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sqlalchemy.engine import Connection

from trellis.cli.checks import Complaint
from trellis.plugin_settings import secrets_given, values_of
from trellis_metadata.errors import TrellisError
from trellis_plugins.mail import incoming_settings, settings
from trellis_plugins.mail.filing import targets_of

if TYPE_CHECKING:
    from trellis.tenant import Tenant


def complaints(tenant: Tenant, connection: Connection) -> Iterator[Complaint]:
    """Name passwords that are missing and an object for incoming mail that cannot hold one."""
    out, mailbox = values_of(tenant, settings.GROUP), incoming_settings.GROUP
    if settings.is_set_up(tenant) and out["user"] and "password" not in secrets_given(connection, settings.GROUP):
        yield Complaint("mail", "Outgoing mail has a user name and no password.", "Give it under Setup, Outgoing mail.")
    if not incoming_settings.is_set_up(tenant):
        return
    if "password" not in secrets_given(connection, mailbox):
        yield Complaint("mail", "Incoming mail has no password.", "Give it under Setup, Incoming mail.")
    try:
        targets_of(tenant.model_in(connection), str(values_of(tenant, mailbox)["object"]))
    except TrellisError as problem:
        yield Complaint("mail", problem.message, "Name another object under Setup, Incoming mail.")

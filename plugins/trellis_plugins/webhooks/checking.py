"""What can be wrong with a connection beyond its shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection

from trellis.cli.checks import Complaint
from trellis.outbound import AddressRefused, check_url
from trellis.secrets import secret_names
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.kinds.connection import KIND

if TYPE_CHECKING:
    from trellis.tenant import Tenant


def problems_of(document: Any) -> Iterator[Diagnostic]:
    """Yield why an address can never be called. A name is judged when it is called: it may lead elsewhere then."""
    if isinstance(document, dict) and document.get("kind") == "connection" and isinstance(document.get("url"), str):
        try:
            check_url(document["url"])
        except AddressRefused as problem:
            place = f"connection/{document.get('name')}"
            yield Diagnostic("address_refused", "/url", problem.message, "Name a public address.", place)


def complaints(tenant: Tenant, connection: Connection) -> Iterator[Complaint]:
    """Yield one complaint for each secret that is missing."""
    given = set(secret_names(connection))
    for name, document in tenant.model_in(connection).snapshot.of_kind("connection").items():
        for missing in sorted(set(KIND.read(document).secrets) - given):
            yield Complaint(
                f"connection {name}",
                f"It needs the secret '{missing}', which nobody gave.",
                f"Run 'trellis secret set {missing}'.",
            )

"""The plug-in: what webhooks hook into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from trellis.hookspecs import hookimpl

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from trellis.tenant import Tenant


@hookimpl
def trellis_open_tenant(tenant: Tenant) -> None:
    """Put calls down in the transaction of the write that they tell of."""
    from trellis_plugins.webhooks import telling

    tenant.steps.after.append(telling.after)


@hookimpl
def trellis_actions() -> Iterable[Any]:
    """Add the action ``call_webhook``."""
    from trellis_plugins.webhooks.action import CallWebhook

    return [CallWebhook()]


@hookimpl
def trellis_carriers() -> Iterable[Any]:
    """Carry calls of webhooks."""
    from trellis_plugins.webhooks.carrier import WebhookCarrier

    return [WebhookCarrier()]


@hookimpl
def trellis_check_document(tenant: Tenant, document: Any) -> Iterable[Any]:
    """Refuse a connection to an address that is no web address or lies in the operator's network."""
    from trellis_plugins.webhooks.checking import problems_of

    return problems_of(document)


@hookimpl
def trellis_complaints(tenant: Tenant, connection: Connection) -> Iterator[Any]:
    """Name the secrets that connections need and nobody gave."""
    from trellis_plugins.webhooks.checking import complaints

    return complaints(tenant, connection)

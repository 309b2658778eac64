"""One call of a connection: its headers with their secrets, the signature, the request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.engine import Connection

from trellis import outbound
from trellis.outbound import Answer
from trellis.secrets import secret_of
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError
from trellis_metadata.kinds.connection import KIND, ConnectionDef
from trellis_plugins.webhooks.signing import signature

if TYPE_CHECKING:
    from trellis.model import Model
    from trellis.tenant import Tenant


class UnknownConnection(TrellisError):
    """There is no connection of that name."""

    code = "unknown_connection"


def connection_of(model: Model, name: str) -> ConnectionDef:
    """Return a connection. Raises :class:`UnknownConnection`."""
    known = model.snapshot.of_kind("connection")
    if name not in known:
        raise UnknownConnection(f"There is no connection '{name[:60]}'.{did_you_mean(name, known)}")
    return KIND.read(known[name])


def call(
    tenant: Tenant,
    target: ConnectionDef,
    *,
    method: str = "POST",
    path: str = "",
    body: bytes = b"",
    delivery: int,
    event: str,
) -> Answer:
    """Call a connection once. Raises ``MissingSecret``, ``AddressRefused``, ``RequestFailed``."""
    now = int(tenant.clock.now().timestamp())
    headers = {
        "User-Agent": "Trellis",
        "Content-Type": "application/json; charset=utf-8",
        "Trellis-Delivery": str(delivery),
        "Trellis-Event": event,
        "Trellis-Timestamp": str(now),
    }
    # The database's connection is given back before the other side is waited for.
    with tenant.database.reading() as connection:
        headers |= _own_headers(tenant, connection, target)
        key = secret_of(tenant, connection, target.signing_secret) if target.signing_secret else None
    if key is not None:
        headers["Trellis-Signature"] = signature(key, now, delivery, body)
    return outbound.request(method, address(target, path), headers=headers, body=body, timeout_s=target.timeout_s)


def _own_headers(tenant: Tenant, connection: Connection, target: ConnectionDef) -> dict[str, str]:
    found = {}
    for entry in target.headers:
        given = secret_of(tenant, connection, entry["secret"]) if "secret" in entry else entry["value"]
        found[entry["header"]] = _line(entry.get("prefix", "") + given, entry["header"])
    return found


def address(target: ConnectionDef, path: str) -> str:
    """Return a connection's address with what follows it, before a query string if it has one."""
    base, mark, query = target.url.partition("?")
    return f"{base.rstrip('/')}{path}{mark}{query}" if path else target.url


def _line(value: str, header: str) -> str:
    if not value.isascii() or any(ord(c) < 32 for c in value):
        raise outbound.AddressRefused(f"The value of the header '{header}' has characters that a header cannot have.")
    return value

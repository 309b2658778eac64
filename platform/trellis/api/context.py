"""Whose request it is, of which tenant, and under which model."""
from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from flask import g, request
from sqlalchemy.engine import Connection

from trellis.access import AccessDenied, Cause, Principal
from trellis.access.accounts import principal_of_token, session_of
from trellis.api.errors import BadRequest, Unauthenticated
from trellis.model import Model
from trellis.runtime import Runtime
from trellis.tenant import Tenant
from trellis.transaction import StaleModel, Transaction

T = TypeVar("T")
COOKIE = "trellis_session"
SAFE = ("GET", "HEAD", "OPTIONS")


class MissingScope(AccessDenied):
    """The token's scopes do not include what the endpoint needs."""

    code = "missing_scope"


@dataclass(frozen=True, slots=True)
class Reading:
    """A read transaction with everything that a query needs."""

    tenant: Tenant
    connection: Connection
    model: Model
    principal: Principal


class Api:
    """Gives endpoints their tenant, principal and transactions."""

    def __init__(self, runtime: Runtime, default_tenant: str | None) -> None:
        self.runtime, self.default_tenant = runtime, default_tenant

    def tenant(self) -> Tenant:
        """Return the tenant that ``X-Trellis-Tenant`` names, else the default, else the only one."""
        name = request.headers.get("X-Trellis-Tenant") or self.default_tenant
        if name is None:
            names = self.runtime.names()
            if len(names) != 1:
                raise BadRequest("Name the tenant in the header X-Trellis-Tenant.")
            name = names[0]
        return self.runtime.tenant(name)

    def read(self, body: Callable[[Reading], T], *, scope: str = "read") -> T:
        """Run ``body`` in one read transaction; again if the metadata changed under it."""
        tenant = self.tenant()
        for attempt in range(3):
            try:
                with tenant.database.reading() as connection:
                    principal = self.principal(tenant, connection, scope)
                    return body(Reading(tenant, connection, tenant.model_in(connection), principal))
            except StaleModel:
                if attempt == 2:
                    raise
        raise AssertionError("unreachable")

    def write(self, body: Callable[[Transaction], T], *, kind: str = "api") -> T:
        """Run ``body`` in one transaction under the caller's rights."""
        tenant = self.tenant()
        with tenant.database.reading() as connection:
            principal = self.principal(tenant, connection, "write")
        return tenant.run(principal, Cause(kind), body)

    def principal(self, tenant: Tenant, connection: Connection, scope: str) -> Principal:
        """Return who asks. Raises :class:`Unauthenticated` or :class:`MissingScope`."""
        found = g.get("principal")
        if found is None:
            found = g.principal = self._authenticate(tenant, connection)
        if not found.may(scope):
            raise MissingScope(f"This token has no scope '{scope}'.")
        if scope == "setup" and not found.admin:
            raise AccessDenied("Only an administrator may do this.")
        return found  # type: ignore[no-any-return]

    def _authenticate(self, tenant: Tenant, connection: Connection) -> Principal:
        header = request.headers.get("Authorization", "")
        if header.startswith("Bearer "):
            principal = principal_of_token(tenant, connection, header[7:].strip())
            if principal is None:
                raise Unauthenticated("The token is unknown or expired.")
            return principal
        key = request.cookies.get(COOKIE)
        session = session_of(tenant, key) if key else None
        if session is None:
            raise Unauthenticated("Send a token: 'Authorization: Bearer trl_…'.")
        if request.method not in SAFE and not hmac.compare_digest(request.headers.get("X-CSRF-Token", ""), session.csrf):
            raise Unauthenticated("A request with a session cookie needs the header X-CSRF-Token.")
        return session.principal

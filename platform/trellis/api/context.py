"""Whose request it is, of which tenant, and under which model."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from weakref import WeakKeyDictionary

from flask import request
from sqlalchemy.engine import Connection

from trellis.access import AccessDenied, Cause, Principal
from trellis.access.accounts import Session, TokenCache, session_of
from trellis.access.objects import known_object
from trellis.api.errors import BadRequest, Unauthenticated
from trellis.model import Model
from trellis.runtime import Runtime, UnknownTenant
from trellis.tenant import Tenant
from trellis.transaction import StaleAccess, StaleModel, Transaction

T = TypeVar("T")
COOKIE = "trellis_session"
OBJECT_ADDRESS = re.compile(r"/(records|objects)/")
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
        # By the tenant itself: one that takes another's name after a restore starts anew.
        self._caches: WeakKeyDictionary[Tenant, TokenCache] = WeakKeyDictionary()

    def tenant(self) -> Tenant:
        """Return the tenant that ``X-Trellis-Tenant`` names, else the default, else the only one."""
        wanted = request.headers.get("X-Trellis-Tenant")
        name = wanted or self.default_tenant
        if name is None:
            names = self.runtime.recent_names()
            if len(names) != 1:
                raise BadRequest("Name the tenant in the header X-Trellis-Tenant.")
            name = names[0]
        try:
            return self.runtime.tenant(name)
        except UnknownTenant:
            if wanted is not None:
                # Whoever asks is not known yet: a tenant that does not exist is answered like one that does not know him.
                raise _stranger() from None
            raise UnknownTenant("There is no such tenant.") from None

    def read(self, body: Callable[[Reading], T], *, scope: str = "read") -> T:
        """Run ``body`` in one read transaction; again if the metadata changed under it."""
        tenant = self.tenant()
        for attempt in range(3):
            try:
                with tenant.database.reading() as connection:
                    model, version = tenant.state_in(connection)
                    principal = self._principal(tenant, connection, scope, version)
                    _demand_known(principal, model)
                    answer = body(Reading(tenant, connection, model, principal))
                self._afterwards(tenant)
                return answer
            except StaleModel:
                if attempt == 2:
                    raise
        raise AssertionError("unreachable")

    def write(self, body: Callable[[Transaction], T], *, kind: str = "api") -> T:
        """Run ``body`` in one transaction under the caller's rights, which are compared inside it."""
        tenant = self.tenant()
        for attempt in range(3):
            version, principal = self._for_writing(tenant)
            try:
                answer = tenant.run(principal, Cause(kind), lambda tx: _known_first(tx, body), access=version)
                self._afterwards(tenant)
                return answer
            except StaleAccess:
                if attempt == 2:
                    raise
                self._refresh(tenant)
        raise AssertionError("unreachable")

    def _afterwards(self, tenant: Tenant) -> None:
        """Note what must be noted before the answer leaves: views of sensitive fields, the use of a token."""
        tenant.views.write(tenant)
        token = _bearer()
        if token:
            self._tokens(tenant).use(tenant, token)

    def _for_writing(self, tenant: Tenant) -> tuple[int, Principal]:
        token = _bearer()
        known = self._tokens(tenant).get(tenant, token) if token else None
        if known is None:
            with tenant.database.reading() as connection:
                _, version = tenant.state_in(connection)
                known = version, self._principal(tenant, connection, "write", version)
        _demand(known[1], "write")
        return known

    def _refresh(self, tenant: Tenant) -> None:
        token = _bearer()
        if token:
            with tenant.database.reading() as connection:
                self._tokens(tenant).load(tenant, connection, token)

    def _principal(self, tenant: Tenant, connection: Connection, scope: str, version: int) -> Principal:
        """Return who asks. Raises :class:`Unauthenticated` or :class:`MissingScope`."""
        token = _bearer()
        if token:
            known = self._tokens(tenant).get(tenant, token)
            if known is None or known[0] != version:
                known = self._tokens(tenant).load(tenant, connection, token)
            if known is None:
                raise _stranger()
            found = known[1]
        else:
            found = self._by_cookie(tenant)
        _demand(found, scope)
        return found

    def _tokens(self, tenant: Tenant) -> TokenCache:
        return self._caches.setdefault(tenant, TokenCache())

    def session(self) -> Session:
        """Return the caller's session: for what a token must not do. Raises :class:`Unauthenticated`."""
        if _bearer():
            raise Unauthenticated("This takes a session: log in. A token is not enough.")
        return self._session(self.tenant())

    def _by_cookie(self, tenant: Tenant) -> Principal:
        return self._session(tenant).principal

    def _session(self, tenant: Tenant) -> Session:
        key = request.cookies.get(COOKIE)
        session = session_of(tenant, key) if key else None
        if session is None:
            raise _stranger()
        if request.method not in SAFE and not hmac.compare_digest(
            request.headers.get("X-CSRF-Token", ""), session.csrf
        ):
            raise Unauthenticated("A request with a session cookie needs the header X-CSRF-Token.")
        return session


def _stranger() -> Unauthenticated:
    """Return the refusal of whoever proves nothing: the same for every tenant, existing or not."""
    told = "The token is unknown or expired." if _bearer() else "Send a token: 'Authorization: Bearer trl_…'."
    return Unauthenticated(told)


def _known_first(tx: Transaction, body: Callable[[Transaction], T]) -> T:
    _demand_known(tx.principal, tx.model)
    return body(tx)


def _demand_known(principal: Principal, model: Model) -> None:
    """Answer for an object that the caller must not know of as for one that does not exist, at every address that names one."""
    name = (request.view_args or {}).get("name")
    if name is not None and request.endpoint is not None and OBJECT_ADDRESS.search(request.path):
        known_object(principal, model, name)


def _bearer() -> str | None:
    header = request.headers.get("Authorization", "")
    return header[7:].strip() if header.startswith("Bearer ") else None


def _demand(principal: Principal, scope: str) -> None:
    if not principal.may(scope):
        raise MissingScope(f"This token has no scope '{scope}'.")
    if scope == "setup" and not principal.admin:
        raise AccessDenied("Only an administrator may do this.")

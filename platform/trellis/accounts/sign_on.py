"""Logging in through an identity provider: OpenID Connect, authorization code with PKCE, state and nonce.

The state is kept on the server for ten minutes, works once, and must come back to the browser that it was made for. Who comes
back is found by issuer and subject; the first time by a mail address that the provider has verified; else a rule of the
provider's settings may make an account.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import sqlalchemy as sa
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from sqlalchemy.engine import Connection

from trellis.accounts.digests import digest
from trellis.accounts.id_tokens import SignOnFailed, claims_of, describe, redeem
from trellis.accounts.logging_in import begin_session
from trellis.accounts.origin import NOWHERE, Origin
from trellis.accounts.principals import principal_of
from trellis.accounts.providers import Provider, provider_of, providers
from trellis.accounts.sessions import Session
from trellis.audit import note
from trellis.secrets import secret_of
from trellis.storage.tables.accounts import identity, sign_on

if TYPE_CHECKING:
    from trellis.tenant import Tenant

LIFE = timedelta(minutes=10)
COOKIE = "trellis_sign_on"
_S, _I = sign_on.c, identity.c


@dataclass(frozen=True, slots=True)
class Departure:
    """Where to send the browser, and the state that it must keep in a cookie and bring back."""

    url: str
    state: str


def depart(tenant: Tenant, name: str, target: str = "/") -> Departure:
    """Begin a log-in at a provider. Raises ``UnknownProvider``, :class:`SignOnFailed`."""
    provider = provider_of(tenant, name)
    described = describe(provider)
    state, nonce, verifier = (secrets.token_urlsafe(n) for n in (32, 24, 48))
    now = tenant.clock.now()
    entry = {"digest": digest(state), "provider": name, "nonce": nonce, "verifier": verifier, "target": target[:500]}
    with tenant.database.writing() as connection:
        connection.execute(sign_on.delete().where(_S.expires_at <= now))
        connection.execute(sign_on.insert(), {**entry, "expires_at": now + LIFE})
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": provider.redirect,
        "scope": "openid email profile",
        "state": state,
        "nonce": nonce,
        "code_challenge": create_s256_code_challenge(verifier),  # type: ignore[no-untyped-call]
        "code_challenge_method": "S256",
    }
    joint = "&" if "?" in described["authorization_endpoint"] else "?"
    return Departure(f"{described['authorization_endpoint']}{joint}{urlencode(query)}", state)


def arrive(
    tenant: Tenant,
    name: str,
    *,
    state: str,
    kept: str,
    code: str,
    origin: Origin = NOWHERE,
    previous: str = "",
) -> tuple[Session, str]:
    """End a log-in at a provider; return the session and where the person wanted to go.

    ``state`` came with the request, ``kept`` is the cookie of the browser. Raises :class:`SignOnFailed`, which is noted.
    """
    try:
        provider = provider_of(tenant, name)
        row = _taken(tenant, name, state, kept)
        described = describe(provider)
        with tenant.database.reading() as connection:
            secret = secret_of(tenant, connection, provider.secret)
        token = redeem(provider, described, secret, code, row["verifier"])
        claims = claims_of(provider, described, token, row["nonce"], tenant.clock.now())
        user = _user_of(tenant, provider, claims)
    except SignOnFailed as problem:
        with tenant.database.writing() as connection:
            note(
                tenant,
                connection,
                "log_in_failed",
                address=origin.address,
                reason="sso",
                provider=name[:40],
                why=problem.message,
            )
        raise
    with tenant.database.writing() as connection:
        principal = principal_of(tenant, connection, user)
        if principal is not None:
            return begin_session(tenant, connection, principal, origin, "sso", previous=previous), row["target"]
        note(tenant, connection, "log_in_failed", address=origin.address, about=("user", user), reason="inactive")
    raise SignOnFailed("The user is not active.")


def _taken(tenant: Tenant, name: str, state: str, kept: str) -> Any:
    """Return what was kept of a departure and forget it: a second arrival with the same state finds nothing."""
    if not state or not secrets.compare_digest(state.encode(), kept.encode()):
        raise SignOnFailed("The answer does not belong to this browser.")
    where = (_S.digest == digest(state), _S.provider == name, _S.expires_at > tenant.clock.now())
    with tenant.database.writing() as connection:
        row = connection.execute(sa.select(sign_on).where(*where)).mappings().first()
        if row is None or not connection.execute(sign_on.delete().where(*where)).rowcount:
            raise SignOnFailed("The answer comes too late or a second time.")
        return dict(row)


def _user_of(tenant: Tenant, provider: Provider, claims: Any) -> int:
    subject, mail = str(claims["sub"])[:255], str(claims.get("email") or "").strip()
    with tenant.database.reading() as connection:
        query = sa.select(_I.user).where(_I.provider == provider.name, _I.subject == subject)
        known = connection.execute(query).scalar()
        if known is not None:
            return int(known)
        if not mail or claims.get("email_verified") is not True:
            raise SignOnFailed("The provider vouches for no mail address of this person.")
        user = _by_mail(tenant, connection, mail)
    if user is None:
        user = _created(tenant, provider, mail, str(claims.get("name") or mail)[:120])
    with tenant.database.writing() as connection:
        entry = {"provider": provider.name, "subject": subject, "user": user, "created_at": tenant.clock.now()}
        connection.execute(identity.insert(), entry)
    return user


def _by_mail(tenant: Tenant, connection: Connection, mail: str) -> int | None:
    """Return the one active person with a mail address. Raises :class:`SignOnFailed` where it fits several."""
    model = tenant.model_in(connection).object("user")
    t, column = model.table, model.fields["email"].column
    query = sa.select(t.c.id).where(sa.func.lower(column) == mail.lower(), t.c.deleted_at.is_(None)).limit(2)
    found = list(connection.execute(query).scalars())
    if len(found) > 1:
        raise SignOnFailed("Several users have this mail address.")
    if found and principal_of(tenant, connection, found[0]) is None:
        raise SignOnFailed("The user of this mail address has no account or is not active.")
    return found[0] if found else None


def _created(tenant: Tenant, provider: Provider, mail: str, name: str) -> int:
    from trellis.access.accounts import create_user

    if mail.rpartition("@")[2].lower() not in provider.create_for:
        raise SignOnFailed("There is no user of this mail address, and no rule that makes one.")
    return create_user(tenant, login=mail.lower(), name=name, email=mail, permission_sets=provider.permission_sets)


__all__ = ["COOKIE", "Departure", "SignOnFailed", "arrive", "depart", "providers"]

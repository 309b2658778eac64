"""Reading what an identity provider says: its description, its keys, and the ID token (OpenID Connect Core 1.0, 3.1.3.7)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from trellis.accounts.pauses import LoginFailed
from trellis.accounts.providers import Provider
from trellis.outbound import AddressRefused, RequestFailed, request

ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "RS384", "RS512", "EdDSA")
"""Signatures by a key that only the provider has: neither ``none`` nor one made with a shared secret."""
LEEWAY_S = 60


class SignOnFailed(LoginFailed):
    """The log-in at the identity provider came to nothing. The message is for the operator's eyes and tells the reason."""

    code = "sign_on_failed"


def describe(provider: Provider) -> Mapping[str, Any]:
    """Return the provider's description (OpenID Connect Discovery 1.0). Raises :class:`SignOnFailed`."""
    found = _json("GET", f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
    if found.get("issuer") != provider.issuer:
        raise SignOnFailed(
            f"The provider calls itself {str(found.get('issuer'))[:120]!r}, expected {provider.issuer!r}."
        )
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not isinstance(found.get(name), str) or not found[name].startswith(provider.issuer.partition(":")[0]):
            raise SignOnFailed(f"The provider's description has no usable '{name}'.")
    return found


def redeem(provider: Provider, described: Mapping[str, Any], secret: str, code: str, verifier: str) -> str:
    """Exchange the code for the ID token. Raises :class:`SignOnFailed`."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": provider.redirect,
        "client_id": provider.client_id,
        "client_secret": secret,
        "code_verifier": verifier,
    }
    answer = _json("POST", described["token_endpoint"], urlencode(form).encode())
    token = answer.get("id_token")
    if not isinstance(token, str):
        raise SignOnFailed(f"The provider gave no ID token: {str(answer.get('error', ''))[:80]}")
    return token


def claims_of(
    provider: Provider, described: Mapping[str, Any], token: str, nonce: str, now: datetime
) -> Mapping[str, Any]:
    """Return what an ID token says, once its signature, issuer, audience, nonce and times hold. Raises :class:`SignOnFailed`."""
    try:
        keys = KeySet.import_key_set(_json("GET", described["jwks_uri"]))  # type: ignore[arg-type]
        read = jwt.decode(token, keys, algorithms=list(ALGORITHMS))
        options = {
            "iss": {"essential": True, "value": provider.issuer},
            "aud": {"essential": True, "value": provider.client_id},
            "sub": {"essential": True},
            "exp": {"essential": True},
            "iat": {"essential": True},
            "nonce": {"essential": True, "value": nonce},
        }
        claims = CodeIDToken(read.claims, read.header, options, {"nonce": nonce, "client_id": provider.client_id})
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY_S)
    except SignOnFailed:
        raise
    except (JoseError, ValueError, TypeError, KeyError) as problem:
        raise SignOnFailed(f"The ID token does not hold: {problem}") from None
    except Exception as problem:
        # Authlib's own errors have no common base with those of JOSE. Whatever it is, nobody gets in.
        raise SignOnFailed(f"The ID token does not hold: {type(problem).__name__}") from None
    return dict(claims)


def _json(method: str, url: str, body: bytes = b"") -> dict[str, Any]:
    headers = {"Accept": "application/json"}
    if body:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        answer = request(method, url, headers=headers, body=body)
        found = orjson.loads(answer.body)
    except (AddressRefused, RequestFailed) as problem:
        raise SignOnFailed(f"The provider cannot be asked: {problem.message}") from None
    except orjson.JSONDecodeError:
        raise SignOnFailed(f"The provider's answer from {url[:120]} is no JSON.") from None
    if not isinstance(found, dict):
        raise SignOnFailed(f"The provider's answer from {url[:120]} is no JSON object.")
    return found

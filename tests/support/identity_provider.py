"""A small OpenID Connect provider on a real port: discovery, keys, code exchange with PKCE, signed ID tokens.

What it says can be bent by ``claims``, ``sign_with`` and ``described``, so that a test is a hostile or broken provider.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey


@dataclass
class IdentityProvider:
    """``person`` is who logs in next; ``claims`` change what the ID token says of him (None removes a claim)."""

    now: datetime
    url: str = ""
    client_id: str = "trellis"
    client_secret: str = "the client's secret"
    person: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    described: dict[str, Any] = field(default_factory=dict)
    key: Any = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "k1"}))
    sign_with: Any = None
    header: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    redeemed: int = 0

    def agree(self, url: str) -> str:
        """Let the person agree at the authorization address ``url``; return the address that the browser is sent back to."""
        query = {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
        assert query["response_type"] == "code" and query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return f"{query['redirect_uri']}?code={code}&state={query['state']}"

    def exchange(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Redeem a code, once, for the client it was given to (RFC 6749, RFC 7636)."""
        asked = self.codes.pop(form.get("code", ""), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        known = (form.get("client_id"), form.get("client_secret")) == (self.client_id, self.client_secret)
        if (
            asked is None
            or not known
            or asked["redirect_uri"] != form.get("redirect_uri")
            or asked["code_challenge"] != challenge
        ):
            return 400, {"error": "invalid_grant"}
        self.redeemed += 1
        at = int(self.now.timestamp())
        claims = {
            "iss": self.url,
            "aud": self.client_id,
            "iat": at,
            "exp": at + 300,
            "nonce": asked["nonce"],
            **self.person,
        }
        claims = {k: v for k, v in {**claims, **self.claims}.items() if v is not None}
        header = {"alg": "ES256", "kid": "k1", **self.header}
        token = jwt.encode(header, claims, self.sign_with or self.key, algorithms=["ES256", "HS256", "none"])
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": token}

    def answer(self, path: str) -> dict[str, Any] | None:
        if path == "/.well-known/openid-configuration":
            ends = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
            return {"issuer": self.url, **{n: self.url + p for n, p in ends.items()}, **self.described}
        return {"keys": [self.key.as_dict(private=False)]} if path == "/keys" else None


@contextmanager
def identity_provider(now: datetime) -> Iterator[IdentityProvider]:
    """Run a provider on a free port of this machine."""
    provider = IdentityProvider(now)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(200, provider.answer(self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._send(*provider.exchange({k: v[0] for k, v in parse_qs(body).items()}))

        def _send(self, status: int, body: Any) -> None:
            data = json.dumps(body).encode()
            self.send_response(status if body is not None else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield provider
    server.shutdown()
    server.server_close()

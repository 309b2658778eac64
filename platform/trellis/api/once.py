"""Writes that happen once: ``Idempotency-Key``.

The key, bound to the caller and to a digest of the request and of the token's scopes, is stored in the transaction of the
write. A repetition gets the first answer and writes nothing; another request under the same key is refused, and so is the same
request with other scopes: an answer is never told to somebody who might not have got it. Refused requests leave no key behind.

A request that needs several transactions (bulk) keeps one entry for each, so that a repetition after a crash goes on where the
first one broke off.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import orjson
import sqlalchemy as sa
from flask import Response, request

from trellis.api.answers import answer, encode
from trellis.api.context import Api
from trellis.api.errors import BadRequest
from trellis.storage import system
from trellis.transaction import Transaction
from trellis_metadata.errors import TrellisError

Reply = tuple[Any, int, dict[str, str]]
"""Body, status and headers."""
Body = Callable[[Transaction], Reply]


class IdempotencyConflict(TrellisError):
    """The Idempotency-Key was used before for another request."""

    code = "idempotency_conflict"


def once(api: Api, body: Body) -> Response:
    """Run a write in one transaction; with an ``Idempotency-Key`` at most once."""
    key = idempotency_key()
    if key is None:
        return _response(*api.write(body))
    return once_with(api, key, request_digest(), body)


def once_with(api: Api, key: str, digest: str, body: Body) -> Response:
    """Run a write at most once for ``key``; ``digest`` tells the same request from another."""
    return api.write(lambda tx: _remembered(tx, key, digest, body))


def idempotency_key() -> str | None:
    """Return the request's key. Raises :class:`BadRequest` when it is not one."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and (not key.isascii() or not key.isprintable() or not 1 <= len(key) <= 200):
        raise BadRequest("Idempotency-Key is a text of 1 to 200 printable ASCII characters.")
    return key


def request_digest() -> str:
    """Return what makes two requests the same one: method, address, precondition and body."""
    parts = [
        request.method.encode(),
        request.path.encode(),
        request.query_string,
        request.headers.get("If-Match", "").encode("utf-8", "replace"),
        request.get_data(),
    ]
    return hashlib.sha256(b"\n".join(parts)).hexdigest()


def _response(body: Any, status: int, headers: dict[str, str]) -> Response:
    return Response(status=status, headers=headers) if body is None else answer(body, status, headers)


def lines_once(
    tx: Transaction, key: str, digest: str, part: int, produce: Callable[[], list[Any]]
) -> tuple[list[Any], bool]:
    """Return the lines of one part of a request, written at most once, and whether they were written before."""
    own = key if part == 0 else hashlib.sha256(f"{key}\n{part}".encode()).hexdigest()
    bound = _bound(tx, digest)
    stored = _stored(tx, own, bound)
    if stored is not None:
        return orjson.loads(stored["body"]), True
    lines = produce()
    _keep(tx, own, bound, 200, encode(lines).decode())
    return lines, False


def _remembered(tx: Transaction, key: str, digest: str, body: Body) -> Response:
    bound = _bound(tx, digest)
    stored = _stored(tx, key, bound)
    if stored is not None:
        return _replay(stored["body"], stored["status"])
    response = _response(*body(tx))
    _keep(tx, key, bound, response.status_code, response.get_data(as_text=True))
    return response


def _bound(tx: Transaction, digest: str) -> str:
    """Return the digest together with what the caller's token may do."""
    scopes = tx.principal.scopes
    allowed = "all" if scopes is None else ",".join(sorted(scopes))
    return hashlib.sha256(f"{digest}\n{allowed}".encode()).hexdigest()


def _stored(tx: Transaction, key: str, bound: str) -> Any:
    """Return what is kept under the key, or None. Raises :class:`IdempotencyConflict`."""
    c = system.idempotency.c
    query = sa.select(system.idempotency).where(c.key == key, c.actor == (tx.principal.user or 0))
    row = tx.connection.execute(query).mappings().first()
    if row is not None and row["request"] != bound:
        raise IdempotencyConflict("This Idempotency-Key was used for another request. Use a new one.")
    return row


def _keep(tx: Transaction, key: str, bound: str, status: int, body: str) -> None:
    entry = {
        "key": key,
        "actor": tx.principal.user or 0,
        "request": bound,
        "status": status,
        "body": body,
        "at": tx.now,
    }
    tx.connection.execute(system.idempotency.insert(), entry)


def _replay(text: str, status: int) -> Response:
    response = Response(text, status, {"Idempotency-Replayed": "true"})
    if not text:
        return response
    response.mimetype = "application/json"
    stored = orjson.loads(text)
    if isinstance(stored, dict) and "id" in stored:
        if "version" in stored:
            response.headers["ETag"] = f'"{stored["version"]}"'
        if status == 201:
            response.headers["Location"] = f"{request.path.partition('/external/')[0]}/{stored['id']}"
    return response

"""Bulk over HTTP: ``POST /records/<object>/bulk`` with NDJSON or CSV; the answer is NDJSON with one line per row.

The body is taken to the end before the first row is written: a slow client never holds a transaction open.
"""

from __future__ import annotations

import codecs
import hashlib
import logging
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from flask import Blueprint, Response, request

from trellis import files
from trellis.access import AccessDenied, Cause, Principal, rights
from trellis.api import reading
from trellis.api.answers import encode
from trellis.api.context import Api
from trellis.api.errors import TooLarge, UnsupportedMediaType, body_of
from trellis.api.once import Reply, idempotency_key, lines_once, once, once_with
from trellis.bulk import BadFile, Order, Row, read_rows, write_all, write_chunk
from trellis.bulk.background import payload_of
from trellis.bulk.writing import Line, chunks
from trellis.json_text import parse_json
from trellis.tenant import Tenant
from trellis.transaction import Transaction
from trellis_metadata.errors import TrellisError

log = logging.getLogger("trellis.api")
MAX_BULK_BODY = 512 * 1024 * 1024
MEDIA_TYPES = {
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "text/csv": "csv",
}
NDJSON = "application/x-ndjson"
_IN_MEMORY = 4 * 1024 * 1024


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the route of bulk writes."""

    @blueprint.post("/records/<name>/bulk")
    def bulk(name: str) -> Response:
        reading.allow_parameters(("operation", "mode", "key", "async"))
        order = _order(name)
        in_background = reading.flag("async")
        key = idempotency_key()
        tenant = api.tenant()
        principal, columns = api.read(lambda r: (r.principal, order.columns(r.model.object(name))), scope="write")
        stream, digest = _spool()
        try:
            rows = read_rows(stream, order.format, columns, parse_json)
            if in_background:
                _may_create(api, order)
                stream.seek(0)
                return _enqueue(api, tenant, principal, order, stream, key, digest)
            return _write_now(tenant, principal, order, rows, stream, _Once(key, _digest_of(digest)) if key else None)
        except BaseException:
            stream.close()
            raise


def _order(name: str) -> Order:
    kind = MEDIA_TYPES.get(request.mimetype)
    if kind is None:
        raise UnsupportedMediaType(f"Expected application/x-ndjson or text/csv, found '{request.mimetype[:80]}'.")
    return Order(
        name,
        request.args.get("operation", "create"),
        request.args.get("mode", "partial"),
        request.args.get("key"),
        kind,
    )


def _may_create(api: Api, order: Order) -> None:
    """Refuse at once what the worker could only refuse later."""
    if order.operation in ("create", "upsert") and not api.read(
        lambda r: rights(r.principal, r.model.object(order.object).doc).create, scope="write"
    ):
        raise AccessDenied(f"You may not create records of '{order.object}'.")


def _spool() -> tuple[BinaryIO, str]:
    """Return the body in a temporary file, with its SHA-256. Refuses what is not UTF-8 before anything is written."""
    request.max_content_length = MAX_BULK_BODY
    spool = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 -- closed with the response
    decoder, digest, size = codecs.getincrementaldecoder("utf-8")(), hashlib.sha256(), 0
    try:
        while chunk := request.stream.read(256 * 1024):
            size += len(chunk)
            if size > MAX_BULK_BODY:
                raise TooLarge(f"A bulk request has at most {MAX_BULK_BODY // 2**20} MB.")
            decoder.decode(chunk)
            digest.update(chunk)
            spool.write(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        spool.close()
        raise BadFile("The body is not UTF-8.") from None
    except BaseException:
        spool.close()
        raise
    spool.seek(0)
    return cast(BinaryIO, spool), digest.hexdigest()


@dataclass(slots=True)
class _Once:
    """The request's Idempotency-Key; ``replayed`` tells whether its first rows had been written before."""

    key: str
    digest: str
    replayed: bool = False

    def lines(self, tx: Transaction, part: int, produce: Callable[[], list[Line]]) -> list[Line]:
        """Return the lines of one transaction of the request, written now or before."""
        lines, before = lines_once(tx, self.key, self.digest, part, produce)
        if part == 0:
            self.replayed = before
        return lines


def _digest_of(content: str) -> str:
    """Return what makes two bulk requests the same one; ``content`` is the digest of the body."""
    return hashlib.sha256(b"\n".join([request.path.encode(), request.query_string, content.encode()])).hexdigest()


def _write_now(
    tenant: Tenant, principal: Principal, order: Order, rows: Iterator[Row], stream: BinaryIO, once_only: _Once | None
) -> Response:
    cause = Cause("bulk")
    if order.mode == "all_or_none":

        def run(body: Callable[[Transaction], list[Line]]) -> list[Line]:
            def whole(tx: Transaction) -> list[Line]:
                return body(tx) if once_only is None else once_only.lines(tx, 0, lambda: body(tx))

            return tenant.run(principal, cause, whole)

        lines = write_all(run, order, rows)
        stream.close()
        return Response(_encode(lines), 200, _replayed(once_only), mimetype=NDJSON)
    parts = _parts(tenant, principal, order, rows, once_only)
    # The first chunk is written before the status is sent, so that what concerns the whole request is a plain refusal.
    first = next(parts, [])
    response = Response(_stream(first, parts), 200, _replayed(once_only), mimetype=NDJSON)
    response.call_on_close(stream.close)
    return response


def _replayed(once_only: _Once | None) -> dict[str, str]:
    return {"Idempotency-Replayed": "true"} if once_only is not None and once_only.replayed else {}


def _parts(
    tenant: Tenant, principal: Principal, order: Order, rows: Iterator[Row], once_only: _Once | None
) -> Iterator[list[Line]]:
    for part, chunk in enumerate(chunks(rows)):

        def body(tx: Transaction, part: int = part, kept: list[Row] = chunk) -> list[Line]:
            if once_only is None:
                return write_chunk(tx, order, kept)
            return once_only.lines(tx, part, lambda: write_chunk(tx, order, kept))

        yield tenant.run(principal, Cause("bulk"), body)


def _stream(first: list[Line], rest: Iterator[list[Line]]) -> Iterator[bytes]:
    """Yield result lines; a failure in the middle ends them with one line that has ``error``."""
    yield _encode(first)
    try:
        for lines in rest:
            yield _encode(lines)
    except TrellisError as problem:
        yield encode(body_of(problem)) + b"\n"
    except Exception:
        log.exception("a bulk request broke off")
        yield (
            encode(
                {
                    "error": {
                        "code": "internal",
                        "message": "Something went wrong on our side; the rows after this line were not written.",
                    }
                }
            )
            + b"\n"
        )


def _encode(lines: Iterable[Line]) -> bytes:
    return b"".join(encode(line) + b"\n" for line in lines)


def _enqueue(
    api: Api, tenant: Tenant, principal: Principal, order: Order, stream: BinaryIO, key: str | None, digest: str
) -> Response:
    stored = files.store(
        tenant,
        principal,
        stream,
        name=f"{order.object}.{order.format}",
        media_type=request.mimetype,
        limit=MAX_BULK_BODY,
    )
    stream.close()

    def body(tx: Transaction) -> Reply:
        number = tx.trail.enqueue("bulk", payload_of(order, stored.id, tx.principal))
        job = job_body(number)
        return job, 202, {"Location": f"/api/v1/jobs/{job['id']}"}

    try:
        if key is None:
            return once(api, body)
        response = once_with(api, key, _digest_of(digest), body)
    except BaseException:
        files.remove(tenant, stored.id)
        raise
    if "Idempotency-Replayed" in response.headers:
        files.remove(tenant, stored.id)
    return response


def job_body(number: int) -> dict[str, Any]:
    """Return what a client is told of a job that nobody has begun."""
    return {"id": str(number), "topic": "bulk", "state": "ready"}

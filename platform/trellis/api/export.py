"""Export over HTTP: ``GET /records/<object>/export``, streamed from one moment under the caller's rights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, request

from trellis.api import reading
from trellis.api.context import Api, Reading
from trellis.api.errors import BadRequest
from trellis.exchange.exporting import Export, export, writers
from trellis.query import InvalidQuery
from trellis.query.query import problem, read_query
from trellis_metadata.diagnostics import did_you_mean

MAX_LIMIT = 10_000_000


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the route of exports."""

    @blueprint.get("/records/<name>/export")
    def export_records(name: str) -> Response:
        reading.allow_parameters(("format", "fields", "filter", "search", "limit"))
        to = request.args.get("format", "ndjson")
        if to not in writers():
            raise BadRequest(
                f"'format' is one of {', '.join(writers())}, not '{to[:40]}'.{did_you_mean(to[:40], writers())}"
            )
        wanted = _wanted(name)
        tenant, principal = api.read(lambda r: _known(r, name))
        pieces = export(tenant, principal, wanted, to)
        # The first piece is made before the status is sent: what is wrong with the request is a plain refusal.
        first = next(pieces, b"")
        response = Response(_chain(first, pieces), 200, mimetype=writers()[to].MEDIA_TYPE.partition(";")[0])
        response.headers["Content-Disposition"] = f'attachment; filename="{name}.{to}"'
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.call_on_close(pieces.close)  # type: ignore[attr-defined]
        return response


def _known(r: Reading, name: str) -> Any:
    r.model.object(name)
    return r.tenant, r.principal


def _wanted(name: str) -> Export:
    raw: dict[str, Any] = {k: request.args[k] for k in ("fields", "search") if k in request.args}
    if "filter" in request.args:
        raw["filter"] = reading.filter_parameter()
    query = read_query(name, raw)
    return Export(name, query.fields, query.filter, query.search, _limit(request.args.get("limit")))


def _limit(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 8 or not 1 <= int(text) <= MAX_LIMIT:
        raise InvalidQuery([problem("limit", "out_of_range", f"'limit' is a whole number from 1 to {MAX_LIMIT}.")])
    return int(text)


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest

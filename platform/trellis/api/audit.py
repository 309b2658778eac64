"""The audit over HTTP: search, export, and the check of its seals. For administrators."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, request

from trellis import record_id
from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api
from trellis.api.errors import BadRequest
from trellis.audit import reading as audit
from trellis.audit.sealing import verify
from trellis.model import Model

FILTERS = ("kind", "person", "record", "since", "until", "text", "before")


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes of the audit."""

    @blueprint.get("/audit")
    def read_audit() -> Response:
        reading.allow_parameters((*FILTERS, "limit"))
        limit = _limit()
        found = api.read(
            lambda r: audit.rows(r.connection, r.model, r.principal, _search(r.model), limit), scope="setup"
        )
        return answer({"rows": found, "before": found[-1]["id"] if len(found) == limit else None})

    @blueprint.get("/audit/export")
    def export_audit() -> Response:
        reading.allow_parameters((*FILTERS, "format"))
        form = request.args.get("format", "csv")
        r, search = api.read(lambda r: (r, _search(r.model)), scope="setup")
        pieces = audit.export(r.tenant, r.principal, search, form)
        response = Response(pieces, 200, mimetype="text/csv" if form == "csv" else "application/x-ndjson")
        response.headers["Content-Disposition"] = f'attachment; filename="audit.{form}"'
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @blueprint.get("/audit/verify")
    def verify_audit() -> Response:
        reading.allow_parameters(("head",))
        head = request.args.get("head")
        return answer(api.read(lambda r: verify(r.tenant, r.connection, head).to_json(), scope="setup"))


def _search(model: Model) -> audit.Search:
    given = request.args
    return audit.Search(
        given.get("kind"),
        _record(given.get("person"), ["user"], "person"),
        _record(given.get("record"), model.object_names, "record"),
        _moment("since"),
        _moment("until"),
        (given.get("text") or "")[:200] or None,
        _number("before"),
    )


def _record(text: str | None, objects: Sequence[str], name: str) -> int | None:
    if text is None:
        return None
    try:
        return record_id.parse_id(text, objects)[1]
    except record_id.BadRecordId:
        raise BadRequest(f"'{name}' is the id of a record.") from None


def _moment(name: str) -> datetime | None:
    text = request.args.get(name)
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRequest(f"'{name}' is a day or a moment such as 2026-11-22T08:00:00Z.") from None


def _number(name: str) -> int | None:
    text = request.args.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadRequest(f"'{name}' is a number that an answer gave.")
    return int(text)


def _limit() -> int:
    found: Any = _number("limit")
    if found is not None and not 1 <= found <= audit.MAX_PAGE:
        raise BadRequest(f"'limit' is a whole number from 1 to {audit.MAX_PAGE}.")
    return audit.DEFAULT_PAGE if found is None else found

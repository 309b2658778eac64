"""Records in answers, and the parts of requests that name one."""

from __future__ import annotations

from typing import Any

from flask import request

from trellis import record_id
from trellis.access.masking import hidden_fields, visible
from trellis.api.errors import PreconditionFailed
from trellis.api.once import Reply
from trellis.query import Page
from trellis.query.run import formula_values, note_view
from trellis.record_json import record_writer
from trellis.transaction import NotFound, Outcome, Transaction


def page_json(page: Page) -> dict[str, Any]:
    """Return a page in its JSON form."""
    body: dict[str, Any] = {"records": page.rows, "cursor": page.cursor}
    if page.total is not None:
        body["total"] = page.total
        if not page.total_exact:
            body["total_exact"] = False
    return body


def number_of(name: str, record: str) -> int:
    """Return the number of a record from its external id in an address; a malformed one is simply not found."""
    try:
        return record_id.parse_id(record, [name])[1]
    except record_id.BadRecordId as problem:
        raise NotFound(problem.message) from None


def if_match() -> int | None:
    """Return the version that ``If-Match`` demands, or None where any will do."""
    text = request.headers.get("If-Match")
    if text is None or text.strip() == "*":
        return None
    plain = text.strip()
    if (
        len(plain) < 3
        or plain[0] != '"'
        or plain[-1] != '"'
        or not plain[1:-1].isascii()
        or not plain[1:-1].isdigit()
        or len(plain) > 11
    ):
        raise PreconditionFailed(f'If-Match holds a record\'s version such as "3", found {text[:40]}.')
    return int(plain[1:-1])


def written(tx: Transaction, outcome: Outcome, status: int = 200) -> Reply:
    """Return the answer that shows a record after its write."""
    model, record = tx.model.object(outcome.object), outcome.id or 0
    computed = formula_values(tx.tenant, tx.connection, tx.model, tx.principal, model, [record])
    values = visible(tx.principal, model, {**outcome.values, **computed.get(record, {}), "id": record})
    note_view(tx.tenant, tx.principal, model, record, values)
    body = record_writer(model, hidden_fields(tx.principal, model))(values)
    return body, status, {"ETag": f'"{outcome.version}"'}


def created(tx: Transaction, outcome: Outcome) -> Reply:
    """Return the answer that shows a new record and its address."""
    body, status, headers = written(tx, outcome, 201)
    return body, status, {**headers, "Location": f"/api/v1/records/{outcome.object}/{body['id']}"}

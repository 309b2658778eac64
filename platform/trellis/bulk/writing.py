"""Writes chunks of rows through the write path and says what became of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa

from trellis import record_id
from trellis.access import AccessDenied, Principal, rights
from trellis.bulk.order import BadOrder, Order
from trellis.bulk.rows import Row
from trellis.fields.base import InvalidValue
from trellis.model import ObjectModel
from trellis.publishing.filling import fold
from trellis.query.paths import record_predicate
from trellis.transaction import Outcome, Transaction
from trellis.transaction.transaction import PARTIAL
from trellis_metadata.errors import TrellisError

CHUNK = 1000
MAX_ALL_OR_NONE = 20_000
Line = dict[str, Any]


class _Refused(Exception):
    """Ends a transaction of which nothing may stay."""

    def __init__(self, lines: list[Line]) -> None:
        super().__init__()
        self.lines = lines


def chunks(rows: Iterable[Row], size: int = CHUNK) -> Iterable[list[Row]]:
    """Cut a stream of rows into lists."""
    stream = iter(rows)
    while chunk := list(islice(stream, size)):
        yield chunk


def write_all(
    run: Callable[[Callable[[Transaction], list[Line]]], list[Line]], order: Order, rows: Iterable[Row]
) -> list[Line]:
    """Write all rows in one transaction, or none; ``run`` runs a body in a transaction."""
    everything = list(islice(rows, MAX_ALL_OR_NONE + 1))
    if len(everything) > MAX_ALL_OR_NONE:
        raise BadOrder(f"'all_or_none' takes at most {MAX_ALL_OR_NONE} rows; use mode=partial.")

    def body(tx: Transaction) -> list[Line]:
        lines = [line for chunk in chunks(everything) for line in write_chunk(tx, order, chunk)]
        if any("errors" in line for line in lines):
            raise _Refused(lines)
        return lines

    try:
        return run(body)
    except _Refused as refused:
        return [line if "errors" in line else {"row": line["row"], "action": "not_written"} for line in refused.lines]


def write_chunk(tx: Transaction, order: Order, rows: Sequence[Row]) -> list[Line]:
    """Write the good rows of a chunk; return one line per row, in order."""
    model = tx.model.object(order.object)
    demand_right(tx.principal, model, order.operation)
    lines: dict[int, Line] = {}
    good = []
    for row in rows:
        problem = row.errors or _shape(order, row)
        if problem:
            lines[row.number] = _refused(row, problem)
        else:
            good.append(row)
    if order.operation == "create":
        _create(tx, order, model, good, lines)
    elif order.operation == "update":
        _update(tx, order, model, good, lines)
    elif order.operation == "delete":
        _delete(tx, model, good, lines)
    else:
        for part in _without_repeats(model, order, good, lines):
            _upsert(tx, order, model, part, lines)
    return [lines[row.number] for row in rows]


NEEDED = {"create": ("import",), "upsert": ("import",), "update": ("mass_update",), "delete": ("mass_update",)}
"""Rights on the object that writing many records needs, besides those on each record."""


def demand_right(principal: Principal, model: ObjectModel, operation: str) -> None:
    """Raise ``AccessDenied`` if the principal may not write many records of an object by ``operation``."""
    allowed = rights(principal, model.doc)
    for right in NEEDED[operation]:
        if not allowed.may(right):
            raise AccessDenied(f"You may not {right.replace('_', ' ')} records of '{model.name}'.")


def _shape(order: Order, row: Row) -> dict[str, Any] | None:
    if not isinstance(row.raw, dict):
        return Row.bad(row.number, "wrong_type", "Expected an object with the record's fields.").errors
    if order.operation in ("update", "delete") and not isinstance(row.raw.get("id"), str):
        return {"id": [{"code": "required", "message": "Expected the record's id, a text."}]}
    extra = set(row.raw) - {"id"} if order.operation == "delete" else set()
    return {str(n): [{"code": "unknown_field", "message": "A row to delete has only an id."}] for n in extra} or None


def _refused(row: Row, errors: dict[str, Any]) -> Line:
    return {"row": row.number, "action": "refused", "errors": errors}


def _line(model: ObjectModel, row: Row, outcome: Outcome) -> Line:
    if outcome.errors:
        return _refused(row, outcome.errors)
    line: Line = {"row": row.number, "action": outcome.action, "id": model.env.format_id(model.name, outcome.id or 0)}
    return line if outcome.version is None else {**line, "version": outcome.version}


def _note(model: ObjectModel, rows: Sequence[Row], outcomes: Sequence[Outcome], lines: dict[int, Line]) -> None:
    for row, outcome in zip(rows, outcomes, strict=True):
        lines[row.number] = _line(model, row, outcome)


def _create(tx: Transaction, order: Order, model: ObjectModel, rows: Sequence[Row], lines: dict[int, Line]) -> None:
    # An empty cell of a new record is an absent one: its default applies.
    raws = [{k: v for k, v in r.raw.items() if v != ""} if order.from_text else r.raw for r in rows]
    if raws:
        _note(model, rows, tx.create(order.object, raws, mode=PARTIAL, from_text=order.from_text), lines)


def _update(tx: Transaction, order: Order, model: ObjectModel, rows: Sequence[Row], lines: dict[int, Line]) -> None:
    raws = [_with_version(r.raw) if order.from_text else r.raw for r in rows]
    if raws:
        _note(model, rows, tx.update(order.object, raws, mode=PARTIAL, from_text=order.from_text), lines)


def _with_version(raw: dict[str, Any]) -> dict[str, Any]:
    """Return a row of cells with its version as a number, or without one where the cell is empty."""
    text = raw.get("version")
    if text is None:
        return raw
    if text.strip() == "":
        return {k: v for k, v in raw.items() if k != "version"}
    return {**raw, "version": int(text)} if text.isascii() and text.isdigit() and len(text) < 10 else raw


def _delete(tx: Transaction, model: ObjectModel, rows: Sequence[Row], lines: dict[int, Line]) -> None:
    numbers: dict[int, Row] = {}
    for row in rows:
        try:
            number = record_id.parse_id(row.raw["id"], [model.name])[1]
        except record_id.BadRecordId as problem:
            lines[row.number] = _refused(row, {"id": [{"code": problem.code, "message": problem.message}]})
            continue
        if number in numbers:
            lines[row.number] = _refused(
                row, {"id": [{"code": "repeated", "message": "The same record stands in the chunk twice."}]}
            )
        else:
            numbers[number] = row
    if len(numbers) == 1:
        # The write path answers for a single record by an exception.
        ((number, row),) = numbers.items()
        try:
            lines[row.number] = _line(model, row, tx.delete(model.name, [number], mode=PARTIAL)[0])
        except TrellisError as problem:
            if problem.code not in ("not_found", "access_denied"):
                raise
            lines[row.number] = _refused(row, {"id": [{"code": problem.code, "message": problem.message}]})
    elif numbers:
        _note(model, list(numbers.values()), tx.delete(model.name, list(numbers), mode=PARTIAL), lines)


def _key_value(model: ObjectModel, order: Order, raw: dict[str, Any]) -> Any:
    """Return what the key's index compares, or None when it is blank. Raises ``InvalidValue``."""
    field = model.fields[order.key or ""]
    value = raw.get(field.name)
    if value is None or (order.from_text and value == ""):
        return None
    parsed = (field.codec.from_text or field.codec.parse)(value) if order.from_text else field.codec.parse(value)
    if parsed is None:
        return None
    return fold(parsed) if field.name in model.folded else field.encode(parsed)[0]


def _without_repeats(
    model: ObjectModel, order: Order, rows: Sequence[Row], lines: dict[int, Line]
) -> Iterable[dict[Any, Row]]:
    """Yield runs of rows by key in which no key stands twice, so that a later row finds what an earlier one made."""
    part: dict[Any, Row] = {}
    for row in rows:
        try:
            value = _key_value(model, order, row.raw)
        except InvalidValue as problem:
            lines[row.number] = _refused(row, {order.key or "": [{"code": problem.code, "message": problem.message}]})
            continue
        if value is None:
            lines[row.number] = _refused(
                row,
                {order.key or "": [{"code": "required", "message": "An upsert needs the key's value in every row."}]},
            )
            continue
        if value in part:
            yield part
            part = {}
        part[value] = row
    if part:
        yield part


def _upsert(tx: Transaction, order: Order, model: ObjectModel, part: dict[Any, Row], lines: dict[int, Line]) -> None:
    known = _known(tx, order, model, list(part))
    fresh = [row for value, row in part.items() if value not in known]
    _create(tx, order, model, fresh, lines)
    old = [Row(row.number, {**row.raw, "id": known[value]}) for value, row in part.items() if value in known]
    _update(tx, order, model, old, lines)


def _known(tx: Transaction, order: Order, model: ObjectModel, values: list[Any]) -> dict[Any, int]:
    """Return the records that have these keys and that the writer may read; a hidden one makes the row not unique."""
    column, t = model.key_column(order.key or ""), model.table
    mine = record_predicate(tx.principal, model, t)
    found: dict[Any, int] = {}
    for start in range(0, len(values), 500):
        query = sa.select(column, t.c.id).where(column.in_(values[start : start + 500]), t.c.deleted_at.is_(None), mine)
        found.update((row[0], row[1]) for row in tx.connection.execute(query))
    return found

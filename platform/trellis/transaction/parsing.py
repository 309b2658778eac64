"""Step 1, identity: JSON values become Python values; every problem of every row is collected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trellis import record_id
from trellis.fields.base import InvalidValue
from trellis.model import ObjectModel
from trellis.transaction.row import Row
from trellis_metadata.diagnostics import did_you_mean

Parse = Callable[[Any], Any]
MIGRATION_FIELDS = ("created_at", "created_by", "modified_at", "modified_by")


def parse_row(
    model: ObjectModel, index: int, raw: object, *, with_id: bool, from_text: bool = False, migration: bool = False
) -> Row:
    """Read one row as sent. ``with_id`` demands ``id`` and allows ``version``; ``from_text`` reads file cells."""
    row = Row(index)
    if not isinstance(raw, Mapping):
        row.refuse("_record", "wrong_type", f"Expected an object with the record's fields, found {type(raw).__name__}.")
        return row
    parsers = _parsers(model, from_text, migration)
    for name, value in raw.items():
        parse = parsers.get(name)
        if parse is not None:
            try:
                row.given[name] = None if value is None or (from_text and value == "") else parse(value)
            except InvalidValue as problem:
                row.refuse(name, problem.code, problem.message)
        elif with_id and name == "id":
            _read_id(model, row, value)
        elif with_id and name == "version":
            _read_version(row, value)
        else:
            _refuse_key(model, row, name)
    if with_id and row.id is None and "id" not in row.errors:
        row.refuse("id", "required", "Expected the record's id.")
    return row


def _parsers(model: ObjectModel, from_text: bool, migration: bool) -> Mapping[str, Parse]:
    key = f"_parsers_{from_text}_{migration}"
    found = model.__dict__.get(key)
    if found is None:
        fields = [f for f in model.all_fields if f.writable or (migration and f.name in MIGRATION_FIELDS)]
        found = {f.name: (f.codec.from_text or f.codec.parse) if from_text else f.codec.parse for f in fields}
        model.__dict__[key] = found
    return found


def _read_id(model: ObjectModel, row: Row, value: object) -> None:
    if type(value) is int:
        row.id = value
        return
    try:
        row.id = record_id.parse_id(value, [model.name])[1]
    except record_id.BadRecordId as problem:
        row.refuse("id", problem.code, problem.message)


def _read_version(row: Row, value: object) -> None:
    if type(value) is int:
        row.expected_version = value
    elif value is not None:
        row.refuse("version", "wrong_type", f"Expected the version number that was read, found {str(value)[:40]!r}.")


def _refuse_key(model: ObjectModel, row: Row, name: object) -> None:
    text = str(name)[:80]
    known = model.field(text)
    if known is not None and known.is_formula:
        row.refuse(text, "read_only", f"'{text}' is a formula: it is computed from other fields and cannot be written.")
    elif known is not None or text == "id":
        row.refuse(text, "read_only", f"'{text}' is set by Trellis and cannot be written.")
    else:
        hint = did_you_mean(text, model.fields)
        row.refuse(text, "unknown_field", f"'{model.name}' has no field '{text}'.{hint}")

"""JSON: a list of objects, lines of objects (``.ndjson``), or a data tree ``{"records": [{"attributes": …}]}``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from trellis.exchange import limits
from trellis.exchange.errors import BadSource
from trellis.exchange.source import Cells, Source

FORMAT = "json"
SUFFIXES = (".json", ".ndjson", ".jsonl")
REFERENCE = "@reference"
"""The column that holds the ``referenceId`` of each record of a data tree."""


def read(path: Path) -> Source:
    """Open a JSON file. Numbers keep every digit. Raises :class:`BadSource`."""
    records, is_tree = _records(path)
    headers = dict.fromkeys(key for record in records for key in record)
    limits.check_columns(len(headers), path.name)
    names = tuple(headers)

    def rows() -> Iterator[Cells]:
        return ([record.get(name) for name in names] for record in records)

    return Source(path, FORMAT, names, rows, is_text=False, first_row=1, references=REFERENCE if is_tree else None)


def load(path: Path) -> Any:
    """Return the JSON value of a file."""
    limits.check_size(path, limits.MAX_JSON_BYTES)
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal, parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise BadSource(f"'{path.name}' is not UTF-8 text.") from None
    except (ValueError, RecursionError) as problem:
        raise BadSource(f"'{path.name}' is not JSON: {problem}") from None


def _records(path: Path) -> tuple[list[dict[str, Any]], bool]:
    if path.suffix.lower() in (".ndjson", ".jsonl"):
        return [_record(r, i, path) for i, r in enumerate(_lines(path), 1)], False
    value = load(path)
    is_tree = isinstance(value, dict) and isinstance(value.get("records"), list)
    listed = value["records"] if is_tree else value
    if not isinstance(listed, list):
        raise BadSource(f"'{path.name}' is not a list of records: expected [{{…}}, …] or {{\"records\": [{{…}}]}}.")
    records = [_record(r, i, path) for i, r in enumerate(listed, 1)]
    return ([_from_tree(r, i, path) for i, r in enumerate(records, 1)] if is_tree else records), is_tree


def _lines(path: Path) -> Iterator[Any]:
    limits.check_size(path, limits.MAX_JSON_BYTES)
    with path.open(encoding="utf-8-sig") as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                try:
                    yield json.loads(line, parse_float=Decimal, parse_constant=_refuse_constant)
                except (ValueError, RecursionError) as problem:
                    raise BadSource(f"Line {number} of '{path.name}' is not JSON: {problem}") from None


def _record(value: Any, number: int, path: Path) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadSource(f"Record {number} of '{path.name}' is not an object but {type(value).__name__}.")
    return value


def _from_tree(record: dict[str, Any], number: int, path: Path) -> dict[str, Any]:
    nested = next((k for k, v in record.items() if isinstance(v, dict) and "records" in v), None)
    if nested is not None:
        raise BadSource(
            f"Record {number} of '{path.name}' holds child records under '{nested}'. Export with a plan file: "
            "one file per object, linked by references."
        )
    attributes = record.get("attributes")
    reference = attributes.get("referenceId") if isinstance(attributes, dict) else None
    return {REFERENCE: reference, **{k: v for k, v in record.items() if k != "attributes"}}


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")

"""Reads the rows of an NDJSON or CSV stream one by one; a row that cannot be read is a row with an error."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError

MAX_LINE = 16 * 1024 * 1024
csv.field_size_limit(MAX_LINE)


class BadFile(TrellisError):
    """The stream as a whole cannot be read."""

    code = "bad_request"


@dataclass(slots=True)
class Row:
    """``number`` counts from 1; ``raw`` is what stands in the row (None when ``errors`` says why it cannot be read)."""

    number: int
    raw: Any = None
    errors: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def bad(cls, number: int, code: str, message: str) -> Row:
        return cls(number, None, {"_record": [{"code": code, "message": message}]})


def read_rows(stream: BinaryIO, format_name: str, columns: Sequence[str], parse_json: Any) -> Iterator[Row]:
    """Yield the rows. Raises :class:`BadFile` at once for a CSV header with unknown, empty or repeated names."""
    if format_name == "ndjson":
        return _ndjson(stream, parse_json)
    lines = csv.reader(io.TextIOWrapper(stream, encoding="utf-8-sig", errors="strict", newline=""), strict=True)
    return _csv(lines, _header(lines, columns))


def _ndjson(stream: BinaryIO, parse_json: Any) -> Iterator[Row]:
    number = 0
    while line := stream.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            yield Row.bad(
                number + 1, "too_large", f"A line has at most {MAX_LINE // 2**20} MB; nothing after this line was read."
            )
            return
        if not line.strip():
            continue
        number += 1
        try:
            yield Row(number, parse_json(line.strip()))
        except TrellisError as problem:
            yield Row.bad(number, "bad_json", problem.message)


def _header(lines: Any, columns: Sequence[str]) -> list[str]:
    try:
        header = [cell.strip() for cell in next(lines)]
    except StopIteration:
        raise BadFile("The CSV is empty; its first line names the fields.") from None
    except (csv.Error, UnicodeDecodeError) as problem:
        raise BadFile(f"The CSV cannot be read: {str(problem)[:120]}.") from None
    for name in header:
        if name not in columns:
            raise BadFile(
                f"The column '{name[:60]}' is not a field that can be written here.{did_you_mean(name[:60], columns)}"
            )
    if len(set(header)) != len(header):
        raise BadFile("A column stands twice in the CSV.")
    return header


def _csv(lines: Any, header: list[str]) -> Iterator[Row]:
    number = 0
    while True:
        try:
            cells = next(lines)
        except StopIteration:
            return
        except (csv.Error, UnicodeDecodeError) as problem:
            yield Row.bad(number + 1, "bad_csv", f"The CSV cannot be read from here on: {str(problem)[:120]}.")
            return
        if not cells:
            continue
        number += 1
        if len(cells) != len(header):
            yield Row.bad(number, "bad_csv", f"The row has {len(cells)} cells, the header {len(header)}.")
        else:
            yield Row(number, dict(zip(header, cells, strict=True)))

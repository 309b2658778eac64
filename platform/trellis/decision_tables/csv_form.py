"""A decision table as CSV: one line per row, a column ``name``, one per key (two for a range) and one per value.

A blank cell of a key fits anything, a blank cell of a value is blank. A row without a name gets one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from trellis_metadata.errors import TrellisError

NAME = "name"
MAX_BYTES = 5 * 1024 * 1024


class BadTableFile(TrellisError):
    """A CSV file that is no decision table. ``details`` list every problem with its line and column."""

    code = "bad_table_file"


def columns_of(document: Mapping[str, Any]) -> list[str]:
    """Return the columns of a table's CSV form, in order."""
    columns = [NAME]
    for key in document["keys"]:
        name = key["name"]
        columns += [f"{name}.from", f"{name}.to"] if key.get("match") == "range" else [name]
    return [*columns, *(v["name"] for v in document["values"])]


def write_csv(document: Mapping[str, Any]) -> str:
    """Return the rows of a table as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns_of(document))
    for row in document["rows"]:
        writer.writerow([_text(cell) for cell in cells_of(document, row)])
    return out.getvalue()


def cells_of(document: Mapping[str, Any], row: Mapping[str, Any]) -> list[Any]:
    """Return the cells of a row in the order of :func:`columns_of`; None is blank."""
    when, then = row.get("when", {}), row.get("then", {})
    cells: list[Any] = [row["name"]]
    for key in document["keys"]:
        cell = when.get(key["name"])
        if key.get("match") == "range":
            ends = cell if isinstance(cell, Mapping) else {}
            cells += [ends.get("from"), ends.get("to")]
        else:
            cells.append(cell)
    return [*cells, *(then.get(v["name"]) for v in document["values"])]


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).lower() if isinstance(cell, bool) else str(cell)


def read_csv(document: Mapping[str, Any], data: bytes) -> dict[str, Any]:
    """Return the document with the rows of a CSV file. Raises :class:`BadTableFile` with everything that is wrong."""
    if len(data) > MAX_BYTES:
        raise BadTableFile(f"The file is larger than {MAX_BYTES // 2**20} MB.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadTableFile("The file is not UTF-8.") from None
    lines = [line for line in csv.reader(io.StringIO(text)) if any(cell.strip() for cell in line)]
    if not lines:
        raise BadTableFile("The file is empty; expected a line with the columns.")
    head, wanted = [c.strip() for c in lines[0]], columns_of(document)
    problems = [
        f"Line 1: there is no column '{c[:60]}'. Columns: {', '.join(wanted)}." for c in head if c not in wanted
    ]
    problems += [f"Line 1: the column '{c}' is missing." for c in wanted if c not in head and c != NAME]
    problems += [f"Line 1: the column '{c}' stands twice." for c in sorted({c for c in head if head.count(c) > 1})]
    for number, line in enumerate(lines[1:], 2):
        if len(line) > len(head):
            problems.append(f"Line {number}: found {len(line)} cells, expected {len(head)}.")
    if problems:
        raise BadTableFile(" ".join(problems[:10]), problems=problems)
    found = [dict(zip(head, (c.strip() for c in line), strict=False)) for line in lines[1:]]
    return {**document, "rows": rows_of(document, found)}


def rows_of(document: Mapping[str, Any], lines: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Return the rows that lines of cells by column stand for; a row without a name gets one that is free."""
    used = {line.get(NAME, "") for line in lines}
    rows = []
    for index, line in enumerate(lines, 1):
        name = line.get(NAME) or _free(index, used)
        used.add(name)
        rows.append(_row(document, name, line))
    return rows


def _free(index: int, used: set[str]) -> str:
    while f"row_{index}" in used:
        index += 1
    return f"row_{index}"


def _row(document: Mapping[str, Any], name: str, line: Mapping[str, str]) -> dict[str, Any]:
    when: dict[str, Any] = {}
    for key in document["keys"]:
        column = key["name"]
        if key.get("match") == "range":
            ends = {end: line[f"{column}.{end}"] for end in ("from", "to") if line.get(f"{column}.{end}")}
            when.update({column: ends} if ends else {})
        elif line.get(column):
            when[column] = _value(key["type"], line[column])
    then = {v["name"]: _value(v["type"], line[v["name"]]) for v in document["values"] if line.get(v["name"])}
    return {"name": name, **({"when": when} if when else {}), **({"then": then} if then else {})}


def _value(type_: str, text: str) -> Any:
    """Return a cell as documents write it; what is no value of the type stays a text, which the validator explains."""
    if type_ == "boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    return text

"""A decision table compiled for looking up, once per version, and its form in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from trellis.formula.sql.pieces import Piece, Refused, Sql, any_error, checked
from trellis_metadata.decision_tables import ANY, Range, Row, Table, read_table
from trellis_metadata.kinds.decision_table import options_of
from trellis_metadata.snapshot import Snapshot

MAX_SQL_ROWS = 200
"""Rows of a table that is written out as CASE."""


class CompiledTable:
    """A table with an index over the values that rows name for one of their keys."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._by = _index_of(table)
        self._any: list[Row] = list(table.rows)
        self._rows: dict[Any, list[Row]] = {}
        if self._by is not None:
            self._any = [r for r in table.rows if r.cells[self._by] is ANY]
            named = {r.cells[self._by] for r in table.rows} - {ANY}
            self._rows = {v: [r for r in table.rows if r.cells[self._by] in (ANY, v)] for v in named}

    def find(self, values: Sequence[Any]) -> Row | None:
        """Return the row that counts for the values of all keys in order, or None."""
        rows = self._any if self._by is None else self._rows.get(values[self._by], self._any)
        return next((row for row in rows if row.fits(values)), None)


def _index_of(table: Table) -> int | None:
    """Return the key compared as equal for which the rows name the most values."""
    counts = {
        index: len({r.cells[index] for r in table.rows} - {ANY})
        for index, key in enumerate(table.keys)
        if not key.ranged
    }
    return max(counts, key=lambda index: counts[index]) if counts else None


def table_of(snapshot: Snapshot, name: str) -> CompiledTable | None:
    """Return a compiled table, built once per version; None when there is none or its cells are wrong."""
    known: dict[str, CompiledTable | None] = snapshot.__dict__.setdefault("_decision_tables", {})
    if name not in known:
        document = snapshot.get("decision_table", name)
        known[name] = None if document is None else _compile(snapshot, document)
    return known[name]


def _compile(snapshot: Snapshot, document: Mapping[str, Any]) -> CompiledTable:
    return CompiledTable(read_table(document, options_of(document, snapshot), []))


def case_sql(table: Table, value: str, keys: Sequence[Sql]) -> Sql:
    """Return the table as CASE over the keys, for PostgreSQL. Raises ``Refused`` for a large table."""
    if len(table.rows) > MAX_SQL_ROWS:
        raise Refused(f"The decision table '{table.name}' has more than {MAX_SQL_ROWS} rows")
    out: list[Piece] = ["(CASE"]
    for row in table.rows:
        out += [" WHEN ", *_condition(row, keys), " THEN ", *_literal(row.values[value])]
    out += [f" ELSE NULL::{_KINDS[table.types[value]]} END)"] if table.rows else []
    if not table.rows:
        out = [f"NULL::{_KINDS[table.types[value]]}"]
    return Sql(checked(out), any_error(keys))


_KINDS = {"text": "text", "number": "numeric", "boolean": "boolean", "date": "date", "datetime": "timestamptz"}


def _condition(row: Row, keys: Sequence[Sql]) -> list[Piece]:
    parts: list[list[Piece]] = []
    for cell, key in zip(row.cells, keys, strict=True):
        if isinstance(cell, Range):
            ends = ((cell.low, ">="), (cell.high, "<"))
            parts += [["(", *key.value, f") {sign} ", *_literal(end)] for end, sign in ends if end is not None]
        elif cell is not ANY:
            parts.append(["(", *key.value, ") = ", *_literal(cell)])
    if not parts:
        return ["true"]
    return [piece for index, part in enumerate(parts) for piece in ((" AND ", *part) if index else part)]


def _literal(value: Any) -> list[Piece]:
    match value:
        case None:
            return ["NULL"]
        case bool():
            return ["true" if value else "false"]
        case Decimal():
            return [f"{value:f}::numeric"]
        case datetime():
            return [f"timestamptz '{value.isoformat()}'"]
        case date():
            return [f"date '{value.isoformat()}'"]
        case _:
            return [sa.cast(sa.literal(value), sa.Text())]

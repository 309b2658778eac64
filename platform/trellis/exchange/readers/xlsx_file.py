"""XLSX: one sheet of a workbook, its cells as texts that fields read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import python_calamine

from trellis.exchange import limits
from trellis.exchange.errors import BadSource
from trellis.exchange.source import Cells, Source, headers_of
from trellis_metadata.diagnostics import did_you_mean

FORMAT = "xlsx"
SUFFIXES = (".xlsx", ".xlsm")


def read(path: Path, *, sheet: str | None = None) -> Source:
    """Open a sheet (default: the first). Raises :class:`BadSource` or ``SourceTooLarge``."""
    limits.check_size(path, limits.MAX_SHEET_BYTES)
    limits.check_unpacked(path)
    try:
        workbook = python_calamine.CalamineWorkbook.from_path(str(path))
    except Exception as problem:  # calamine raises several unrelated kinds
        raise BadSource(f"'{path.name}' is not a workbook that can be read: {problem}") from None
    if not workbook.sheet_names:
        raise BadSource(f"'{path.name}' has no sheet.")
    name = sheet or workbook.sheet_names[0]
    if name not in workbook.sheet_names:
        raise BadSource(f"'{path.name}' has no sheet '{name}'.{did_you_mean(name, workbook.sheet_names)}")
    found = workbook.get_sheet_by_name(name)

    def lines() -> Iterator[Cells]:
        for cells in found.iter_rows():
            yield [_text(c) for c in cells]

    first = next(lines(), None)
    if first is None:
        raise BadSource(f"Sheet '{name}' of '{path.name}' is empty. The first row names the columns.")

    def data() -> Iterator[Cells]:
        rows = lines()
        next(rows, None)
        return rows

    return Source(path, FORMAT, headers_of(first, path.name), data, note={"sheet": name})


def _text(cell: Any) -> str:
    """Return the form in which people would write the cell."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        # A sheet has no type for days: a moment at midnight is one.
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return f"PT{int(cell.total_seconds())}S"
    return "" if cell is None else str(cell)

"""XLSX: every cell is a text or a number, never a formula. A number that a spreadsheet would round stays a text."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

FORMAT, AS_TEXT = "xlsx", True
MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d+)?\Z", re.ASCII)
MAX_DIGITS = 15
MAX_CELL = 32_767
_BLOCK = 1024 * 1024


def write(headers: Sequence[str], pages: Iterator[Sequence[Sequence[Any]]]) -> Iterator[bytes]:
    """Yield the file, once all rows are in it."""
    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet("Records")
    sheet.append([_cell(sheet, h) for h in headers])
    for page in pages:
        for row in page:
            sheet.append([_cell(sheet, c) for c in row])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.xlsx"
        book.save(path)
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                yield block


def _cell(sheet: Any, text: str) -> Any:
    if _NUMBER.match(text) and sum(c.isdigit() for c in text) <= MAX_DIGITS:
        return Decimal(text) if "." in text else int(text)
    if text[:1] != "=" and len(text) <= MAX_CELL and not ILLEGAL_CHARACTERS_RE.search(text):
        return text
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("\ufffd", text)[:MAX_CELL])
    cell.data_type = "s"  # a text that looks like a formula is a text
    return cell

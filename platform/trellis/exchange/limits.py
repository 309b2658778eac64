"""How much an import takes. Beyond it the file is refused with a message, before memory is."""

from __future__ import annotations

import zipfile
from pathlib import Path

from trellis.exchange.errors import BadSource, SourceTooLarge

MAX_FILE_BYTES = 1024**3
MAX_JSON_BYTES = 128 * 1024**2
MAX_SHEET_BYTES = 64 * 1024**2
MAX_SHEET_UNPACKED_BYTES = 512 * 1024**2
MAX_ROWS = 5_000_000
MAX_COLUMNS = 500
MAX_CELL = 1_000_000


def check_size(path: Path, limit: int = MAX_FILE_BYTES) -> None:
    """Raise :class:`SourceTooLarge` for a file of more than ``limit`` bytes, :class:`BadSource` for none."""
    try:
        size = path.stat().st_size
    except OSError as problem:
        raise BadSource(f"'{path.name}' cannot be read: {problem.strerror}.") from None
    if size > limit:
        raise SourceTooLarge(f"'{path.name}' has {size:,} bytes; at most {limit:,} are taken. Split the file.")


def check_unpacked(path: Path, limit: int = MAX_SHEET_UNPACKED_BYTES) -> None:
    """Refuse a zip file that unpacks to more than ``limit`` bytes, by what its directory declares."""
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError):
        raise BadSource(f"'{path.name}' is not a workbook: it is no zip file. Save it as .xlsx.") from None
    if total > limit:
        raise SourceTooLarge(
            f"'{path.name}' unpacks to {total:,} bytes; at most {limit:,} are taken. Save the sheet as CSV."
        )


def check_columns(count: int, name: str) -> None:
    """Refuse a table with too many columns."""
    if count > MAX_COLUMNS:
        raise SourceTooLarge(f"'{name}' has {count:,} columns; at most {MAX_COLUMNS} are taken.")


def check_row(number: int, cells: list[object], name: str) -> None:
    """Refuse too many rows and cells that are too long."""
    if number > MAX_ROWS:
        raise SourceTooLarge(f"'{name}' has more than {MAX_ROWS:,} rows. Split the file.")
    for cell in cells:
        if isinstance(cell, str) and len(cell) > MAX_CELL:
            raise SourceTooLarge(
                f"A cell in row {number} of '{name}' has {len(cell):,} characters; at most {MAX_CELL:,} are taken."
            )

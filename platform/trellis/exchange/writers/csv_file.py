"""CSV in UTF-8 with mark, so that spreadsheet programs read Chinese; cells are guarded against being run as formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from trellis.exchange.cells import guard

FORMAT, MEDIA_TYPE, AS_TEXT = "csv", "text/csv; charset=utf-8", True


def write(headers: Sequence[str], pages: Iterator[Sequence[Sequence[Any]]]) -> Iterator[bytes]:
    """Yield the file: one piece per page."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([guard(h) for h in headers])
    yield b"\xef\xbb\xbf"
    for page in pages:
        writer.writerows([[guard(c) for c in row] for row in page])
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue().encode()

"""NDJSON: one object per line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

FORMAT, MEDIA_TYPE, AS_TEXT = "ndjson", "application/x-ndjson", False


def write(headers: Sequence[str], pages: Iterator[Sequence[Sequence[Any]]]) -> Iterator[bytes]:
    """Yield the file: one piece per page."""
    for page in pages:
        yield b"".join(
            orjson.dumps(dict(zip(headers, row, strict=True)), option=orjson.OPT_APPEND_NEWLINE) for row in page
        )

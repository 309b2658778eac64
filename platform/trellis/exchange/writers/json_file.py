"""JSON: a list of objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

FORMAT, MEDIA_TYPE, AS_TEXT = "json", "application/json", False


def write(headers: Sequence[str], pages: Iterator[Sequence[Sequence[Any]]]) -> Iterator[bytes]:
    """Yield the file: one piece per page."""
    lead = b"[\n"
    for page in pages:
        for row in page:
            yield lead + orjson.dumps(dict(zip(headers, row, strict=True)))
            lead = b",\n"
    yield b"[]\n" if lead == b"[\n" else b"\n]\n"

"""The product's icon as a PNG of any size: what phones ask for that take no SVG. The sign is that of the page's favicon."""

from __future__ import annotations

import struct
import zlib
from functools import cache

_GROUND, _INK = bytes((0x4A, 0x4F, 0xD8)), b"\xff\xff\xff"
_STROKES = ((9.0, 8.4, 23.0, 11.6), (14.4, 10.0, 17.6, 24.0), (9.0, 14.9, 23.0, 18.1))
"""The strokes on a square of 32: left, top, right, bottom."""


@cache
def png(size: int) -> bytes:
    """Return the icon with ``size`` × ``size`` pixels, filled to its edges so that systems can cut it as they like."""
    scale = 32 / size
    rows = bytearray()
    for y in range(size):
        at = (y + 0.5) * scale
        line = bytearray(_GROUND * size)
        for left, top, right, bottom in _STROKES:
            if top <= at < bottom:
                first, last = round(left / scale), round(right / scale)
                line[first * 3 : last * 3] = _INK * (last - first)
        rows += b"\0" + line
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

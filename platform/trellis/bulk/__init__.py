"""Many records at once, from NDJSON or CSV: read as a stream, written in chunks, answered with one line per row."""

from trellis.bulk.order import Order
from trellis.bulk.rows import BadFile, Row, read_rows
from trellis.bulk.writing import CHUNK, MAX_ALL_OR_NONE, write_all, write_chunk

__all__ = ["CHUNK", "MAX_ALL_OR_NONE", "BadFile", "Order", "Row", "read_rows", "write_all", "write_chunk"]

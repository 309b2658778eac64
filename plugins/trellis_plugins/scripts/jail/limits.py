"""How much one run may use, and the signals that end a run. None of the signals can be caught by a script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

SOURCE_BYTES = 64 * 1024
BRACKET_DEPTH = 60
OPERATOR_RUN = 40
TREE_NODES = 20_000
TREE_DEPTH = 150
INTEGER_BITS = 16_384
TEXT_LENGTH = 1_000_000
COLLECTION_ITEMS = 100_000
LOG_LINES = 1_000
LOG_LINE_LENGTH = 2_000
RECURSION = 400
FORMAT_WIDTH = 1_000
DECIMAL_DIGITS = 40
DECIMAL_EXPONENT = 9_999


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one run. Times are in seconds, ``memory_mb`` is what a worker may take above its base.

    ``allocation`` is the sum of the sizes of all texts and collections (characters and items) that guarded operations
    make in one run.
    """

    steps: int = 1_000_000
    cpu_s: float = 1.0
    wall_s: float = 2.0
    memory_mb: int = 64
    queries: int = 100
    rows: int = 10_000
    writes: int = 150
    rows_written: int = 2_000
    http_calls: int = 0
    http_s: float = 0.0
    depth: int = 8
    allocation: int = 50_000_000

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Limits:
        """Return limits from their JSON form."""
        known = {f.name for f in fields(cls)}
        return cls(**{k: v for k, v in raw.items() if k in known})

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    def lowered(self, wanted: Mapping[str, Any]) -> Limits:
        """Return these limits with each of ``wanted`` that is lower."""
        known = asdict(self)
        return Limits(**{**known, **{k: min(known[k], v) for k, v in wanted.items() if k in known}})


SYNCHRONOUS = Limits()
"""Save hooks, validation and endpoints."""
ASYNCHRONOUS = Limits(
    steps=10_000_000,
    cpu_s=10.0,
    wall_s=30.0,
    memory_mb=128,
    queries=200,
    rows=50_000,
    writes=150,
    rows_written=10_000,
    http_calls=20,
    http_s=60.0,
    allocation=500_000_000,
)
"""Scheduled scripts and queued actions."""


class Stop(BaseException):
    """Ends a run. Outside the tree of ``Exception``, so that no handler that a script may write catches it."""


class LimitReached(Stop):
    """A limit is reached: ``name`` of it and the value allowed."""

    def __init__(self, name: str, allowed: Any) -> None:
        self.name, self.allowed = name, allowed
        super().__init__(f"{name} is limited to {allowed}")


class Rejected(Stop):
    """The script refused what it was asked to judge: a message, and the field that it belongs to."""

    def __init__(self, message: str, field: str | None) -> None:
        self.message, self.field = message, field
        super().__init__(message)

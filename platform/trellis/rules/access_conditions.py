"""Conditions of sharing and restriction rules: what they may read.

Which records meet a condition is stored and kept up to date when the record is written. So it may read nothing else: no
related record, no clock, no asker. Otherwise the stored answer would be wrong without any write.
"""

from __future__ import annotations

from collections.abc import Iterator

from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.formula.dependencies import dependencies
from trellis_metadata.formula.typed import Typed


def beyond_the_row(typed: Typed, pointer: str) -> Iterator[Diagnostic]:
    """Yield a problem if a condition reads more than its record."""
    if not dependencies(typed).row_only:
        yield Diagnostic(
            "not_row_only",
            pointer,
            "The condition reads more than the record itself (a related record, the clock, the person, the record before).",
            "Use only fields of the record and constants; keep what else is needed in a field of the record.",
        )

"""A write that is refused for what it would do to derived values."""

from __future__ import annotations

from collections.abc import Iterable

from trellis.transaction.errors import RecordsInvalid
from trellis.transaction.row import Row


class RippleRefused(RecordsInvalid):
    """A derived value that follows from the write breaks a rule of its record, or does not fit its field.

    The errors stand at the rows that caused it.
    """

    @classmethod
    def of(cls, rows: Iterable[Row]) -> RippleRefused:
        return cls([r.errors or None for r in rows])

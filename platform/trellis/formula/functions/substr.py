"""SUBSTR"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from trellis.formula.function import Function
from trellis.formula.numbers import whole
from trellis.formula.sql.pieces import Sql
from trellis_metadata.formula.typed import Node


def substr(text: str, start: Decimal, count: Decimal | None = None) -> str | None:
    """Return characters from ``start``.

    1-based, 0 means 1, negative counts from the end, beyond either end is blank.
    """
    place = whole(start)
    if abs(place) > len(text):
        return None
    first = place + len(text) if place < 0 else max(place, 1) - 1
    if count is None:
        return text[first:]
    return text[first : first + whole(count)] if whole(count) > 0 else None


def _sql(nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
    return args[0].wrap(
        "trellis_fn.substr({0}, {1}, {2})" if len(args) > 2 else "trellis_fn.substr({0}, {1}, 2000000000)", args
    )


FUNCTION = Function(
    "SUBSTR",
    ("text, number, number? -> text",),
    "Characters from a place, which counts from 1, or from the end when negative.",
    "text",
    python=substr,
    postgresql=_sql,
    examples=(('SUBSTR("123456", -4, 2)', '"34"'), ('SUBSTR("123456", 2)', '"23456"')),
)

"""FIND"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from trellis.formula.function import Blanks, Function
from trellis.formula.numbers import whole
from trellis.formula.sql.pieces import Sql
from trellis_metadata.formula.typed import Node

NO_START = Decimal(1)


def find(part: str | None, text: str | None, start: Decimal | None = NO_START) -> Decimal | None:
    """Return the 1-based place of ``part`` at or after ``start``, or 0."""
    if part is None or text is None:
        return Decimal(0)
    if start is None:
        return None
    return Decimal(text.find(part, max(0, min(whole(start) - 1, len(text)))) + 1)


def _sql(nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
    if len(args) == 2:
        return args[0].wrap("coalesce(strpos({1}, {0}), 0)::numeric", args)
    return args[0].wrap("trellis_fn.find({0}, {1}, {2})", args)


FUNCTION = Function(
    "FIND",
    ("text, text, number? -> number",),
    "The place of the first text in the second, from a place on; 0 when it is not there.",
    "text",
    Blanks.OWN,
    python=find,
    postgresql=_sql,
    examples=(('FIND("c", "abc")', "3"), ('FIND("x", "abc")', "0")),
)

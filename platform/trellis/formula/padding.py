"""Filling a text up to a length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from trellis.formula.numbers import whole
from trellis.formula.sql.pieces import Sql
from trellis.formula.values import fail
from trellis_metadata.formula.typed import Node

MAX_FILL = 100_000


def padding(text: str, n: Decimal, fill: str, *, left: bool) -> str | None:
    """Return ``text`` cut to its first ``n`` characters, or filled up with ``fill`` repeated and cut."""
    length = whole(n)
    if length <= 0:
        return None
    if length <= len(text):
        return text[:length]
    if length > MAX_FILL:
        fail("evaluation", f"A text cannot be filled up to more than {MAX_FILL} characters.")
    missing = length - len(text)
    added = (fill * (missing // len(fill) + 1))[:missing]
    return added + text if left else text + added


def padding_sql(function: str) -> Callable[[Sequence[Node], Sequence[Sql]], Sql]:
    """Return the PostgreSQL body."""

    def body(nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
        fill = "{2}" if len(args) > 2 else "' '"
        return args[0].wrap(f"trellis_fn.{function}({{0}}, {{1}}, {fill})", args)

    return body

"""EXCEPT"""

from __future__ import annotations

from collections.abc import Sequence

from trellis.formula.filter_words import same_kind
from trellis.formula.function import Blanks, Function
from trellis.formula.sql.pieces import Sql, any_error, checked, commas
from trellis_metadata.formula.typed import Node


def _sql(_: Sequence[Node], args: Sequence[Sql]) -> Sql:
    others = [("coalesce(", *args[0].value, " <> ", *a.value, ", true)") for a in args[1:]]
    present = ("(", *args[0].value, ") IS NOT NULL")
    return Sql(checked(["(", *commas([present, *others], " AND "), ")"]), any_error(args))


FUNCTION = Function(
    "EXCEPT",
    ("any, any... -> boolean",),
    "Whether there is a value and it is none of the others. `x NOT IN (a, b)` is also true for a blank.",
    "filters",
    Blanks.OWN,
    check=same_kind("EXCEPT"),
    count=(2, 255),
    raw=True,
    python=lambda value, *others: value is not None and value not in others,
    postgresql=_sql,
    examples=(
        ("EXCEPT(3, 1, 2)", "true"),
        ("EXCEPT(null, 1)", "false"),
        ('EXCEPT("a", "b", "a")', "false"),
    ),
)

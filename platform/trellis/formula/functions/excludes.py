"""EXCLUDES"""

from __future__ import annotations

from collections.abc import Sequence

from trellis.formula.filter_words import each_option, has_option, option_list
from trellis.formula.function import Blanks, Function
from trellis.formula.sql.pieces import Sql
from trellis_metadata.formula.typed import Node


def _none(nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
    found = each_option(" OR ")(nodes, args)
    return found.wrap("(NOT {0})", [found])


FUNCTION = Function(
    "EXCLUDES",
    ("multipicklist, text... -> boolean",),
    "Whether none of the options is chosen.",
    "filters",
    Blanks.OWN,
    check=option_list("EXCLUDES"),
    count=(2, 255),
    python=lambda values, *options: not any(has_option(values, o) for o in options),
    postgresql=_none,
    examples=(('EXCLUDES(interests, "chess")', "true"),),
)

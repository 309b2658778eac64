"""BETWEEN"""

from __future__ import annotations

from collections.abc import Sequence

from trellis.formula.function import Function
from trellis_metadata.formula.functions import Complaint
from trellis_metadata.formula.operators import ORDERED
from trellis_metadata.formula.typed import Node
from trellis_metadata.formula.types import WORDS, Type, common


def _check(nodes: Sequence[Node]) -> Type | Complaint:
    joined = nodes[0].type
    for index, node in enumerate(nodes[1:], 1):
        together = common(joined, node.type)
        if together is None or together not in (*ORDERED, Type.BLANK, Type.UNKNOWN):
            return Complaint(f"BETWEEN cannot compare {WORDS[joined]} with {WORDS[node.type]}.", index)
        joined = together
    return Type.BOOLEAN


FUNCTION = Function(
    "BETWEEN",
    ("T, T, T -> boolean",),
    "Whether the first value lies between the others, limits included. Written `x BETWEEN low AND high`.",
    "logic",
    check=_check,
    count=(3, 3),
    python=lambda x, low, high: low <= x <= high,
    postgresql="(CASE WHEN {0} IS NULL OR {1} IS NULL OR {2} IS NULL THEN NULL ELSE {0} BETWEEN {1} AND {2} END)",
    examples=(("5 BETWEEN 1 AND 5", "true"), ("6 NOT BETWEEN 1 AND 5", "true")),
)

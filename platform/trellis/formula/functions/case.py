"""CASE"""

from __future__ import annotations

from collections.abc import Sequence

from trellis.formula.function import Blanks, Function
from trellis.formula.sql.pieces import Sql, case_of
from trellis.formula.values import Closure, Context
from trellis_metadata.formula.functions import Complaint
from trellis_metadata.formula.typed import Node
from trellis_metadata.formula.types import WORDS, Type, common

_TEXTS = (Type.TEXT, Type.REFERENCE, Type.PICKLIST)


def _check(nodes: Sequence[Node]) -> Type | Complaint:
    subject, result = nodes[0].type, Type.BLANK
    if subject in (Type.LOCATION, Type.MULTIPICKLIST):
        return Complaint(f"CASE cannot compare {WORDS[subject]}.", 0)
    for index, node in enumerate(nodes[1:], 1):
        if index % 2 == 1 and index < len(nodes) - 1:
            joined = Type.TEXT if subject in _TEXTS and node.type in _TEXTS else common(subject, node.type)
            if joined is None:
                return Complaint(f"CASE compares {WORDS[subject]} with {WORDS[node.type]} here.", index)
            subject = joined
            continue
        if node.type is Type.BOOLEAN:
            return Complaint("The results of CASE cannot be truth values; use IF or IFS.", index)
        joined = common(result, node.type)
        if joined is None:
            return Complaint(
                f"CASE needs results of one type: {WORDS[result]} and {WORDS[node.type]} do not go together.", index
            )
        result = joined
    return result


def is_text(nodes: Sequence[Node]) -> bool:
    """Say whether the comparison is one of texts, where a blank equals an empty text."""
    return any(n.type in _TEXTS for n in (nodes[0], *nodes[1:-1:2]))


def _build(nodes: Sequence[Node], closures: Sequence[Closure]) -> Closure:
    text = is_text(nodes)

    def case(context: Context) -> object:
        subject, *rest = [closure(context) for closure in closures]
        if subject is not None or text:
            for at in range(0, len(rest) - 1, 2):
                if rest[at] == subject and (text or rest[at] is not None):
                    return rest[at + 1]
        return rest[-1]

    return case


def _sql(nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
    return case_of(args, text=is_text(nodes))


FUNCTION = Function(
    "CASE",
    ("any, any, T, T -> T",),
    "Compares the first value with each second one and gives what follows the first match, else the last "
    "value. All arguments are computed.",
    "logic",
    Blanks.OWN,
    check=_check,
    count=(4, 255),
    parity=0,
    build=_build,
    postgresql=_sql,
    examples=(("CASE(10, 9, 0, 10, 1, 11, 0, 2)", "1"), ('CASE("b", "a", 1, 0)', "0")),
)

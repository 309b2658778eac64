"""IN"""

from __future__ import annotations

from collections.abc import Sequence

from trellis.formula.function import Blanks, Function
from trellis.formula.sql.pieces import Sql, membership
from trellis.formula.values import Closure, Context
from trellis_metadata.formula.functions import Complaint
from trellis_metadata.formula.typed import Node
from trellis_metadata.formula.types import WORDS, Type, common

_TEXTS = (Type.TEXT, Type.REFERENCE, Type.PICKLIST)


def _check(nodes: Sequence[Node]) -> Type | Complaint:
    subject = nodes[0].type
    if subject in (Type.LOCATION, Type.MULTIPICKLIST):
        return Complaint(f"IN cannot compare {WORDS[subject]}.", 0)
    for index, node in enumerate(nodes[1:], 1):
        joined = Type.TEXT if subject in _TEXTS and node.type in _TEXTS else common(subject, node.type)
        if joined is None:
            return Complaint(f"IN compares {WORDS[subject]} with {WORDS[node.type]} here.", index)
        subject = joined
    return Type.BOOLEAN


def _build(nodes: Sequence[Node], closures: Sequence[Closure]) -> Closure:
    def contained(context: Context) -> bool:
        subject, *values = [closure(context) for closure in closures]
        return subject is not None and subject in values

    return contained


def _sql(nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
    return membership(args)


FUNCTION = Function(
    "IN",
    ("any, any... -> boolean",),
    "Whether the first value equals one of the others; a blank does not. Also `x IN (a, b)`.",
    "logic",
    Blanks.OWN,
    check=_check,
    count=(2, 255),
    build=_build,
    postgresql=_sql,
    examples=(("IN(2, 1, 2)", "true"), ('"a" NOT IN ("b", "c")', "true")),
)

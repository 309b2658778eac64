"""SUM"""

from trellis.formula.children import aggregate
from trellis.formula.function import Function, Reads
from trellis_metadata.formula.types import Type

FUNCTION = Function(
    "SUM",
    ("number -> number",),
    "The sum over child records, such as `SUM(lines.amount)`; kept by a roll-up.",
    "children",
    reads=Reads.RECORDS,
    check=aggregate("SUM", frozenset({Type.NUMBER})),
    count=(1, 1),
    children=True,
)

"""AVG"""

from trellis.formula.children import aggregate
from trellis.formula.function import Function, Reads
from trellis_metadata.formula.types import Type

FUNCTION = Function(
    "AVG",
    ("number -> number",),
    "The mean over child records, such as `AVG(lines.amount)`; kept by a roll-up.",
    "children",
    reads=Reads.RECORDS,
    check=aggregate("AVG", frozenset({Type.NUMBER})),
    count=(1, 1),
    children=True,
)

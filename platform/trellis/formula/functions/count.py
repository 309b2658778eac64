"""COUNT"""

from trellis.formula.children import aggregate
from trellis.formula.function import Function, Reads
from trellis_metadata.formula.types import Type

FUNCTION = Function(
    "COUNT",
    ("any -> number",),
    "The number of child records with a value, such as `COUNT(lines.id)`; kept by a roll-up.",
    "children",
    reads=Reads.RECORDS,
    check=aggregate("COUNT", frozenset(), Type.NUMBER),
    count=(1, 1),
    children=True,
)

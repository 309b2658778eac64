"""JOIN"""

from trellis.formula.children import aggregate
from trellis.formula.function import Function, Reads
from trellis_metadata.formula.types import Type

FUNCTION = Function(
    "JOIN",
    ("text, text -> text",),
    'The texts of child records with a separator, such as `JOIN(lines.name, ", ")`; kept by a roll-up.',
    "children",
    reads=Reads.RECORDS,
    check=aggregate("JOIN", frozenset({Type.TEXT, Type.PICKLIST}), Type.TEXT),
    count=(2, 2),
    children=True,
)

"""LOOKUP"""

from trellis.formula.function import Function, Reads
from trellis_metadata.formula.types import Type

FUNCTION = Function(
    "LOOKUP",
    ("text, text, any... -> any",),
    "A value of a decision table, found by its keys.",
    "records",
    reads=Reads.ORGANISATION,
    check=lambda nodes: Type.UNKNOWN,
    count=(3, 255),
    unavailable="LOOKUP needs decision tables, which are not available yet.",
    refused="LOOKUP has no SQL yet",
)

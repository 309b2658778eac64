"""VLOOKUP"""

from trellis.formula.function import Function, Reads

FUNCTION = Function(
    "VLOOKUP",
    ("any, any, any -> any",),
    "A field of the record of another object that has a key.",
    "records",
    reads=Reads.RECORDS,
    check=lambda nodes: nodes[0].type,
    count=(3, 3),
    unavailable="VLOOKUP is not available yet; use a lookup field.",
    refused="VLOOKUP has no SQL; use a lookup field",
)

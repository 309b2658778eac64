"""CONVERT"""

from trellis.formula.function import Function, Reads

FUNCTION = Function(
    "CONVERT",
    ("number, text, text, date? -> number",),
    "An amount in another currency at a date.",
    "records",
    reads=Reads.ORGANISATION,
    unavailable="CONVERT needs the table of rates, which is not available yet.",
    refused="CONVERT has no SQL yet",
)

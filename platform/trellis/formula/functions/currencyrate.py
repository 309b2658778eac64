"""CURRENCYRATE"""

from trellis.formula.function import Function, Reads

FUNCTION = Function(
    "CURRENCYRATE",
    ("text -> number",),
    "The rate of a currency against the organisation's currency.",
    "records",
    reads=Reads.ORGANISATION,
    unavailable="CURRENCYRATE needs the table of rates, which is not available yet.",
    refused="CURRENCYRATE has no SQL yet",
)

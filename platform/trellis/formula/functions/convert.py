"""CONVERT"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from trellis.formula.function import Function, Reads
from trellis.formula.functions.currencyrate import rate_of
from trellis.formula.numbers import EXACT
from trellis.formula.values import Context


def _convert(context: Context, amount: Decimal, source: str, target: str, day: date | None = None) -> Decimal:
    if source.strip().upper() == target.strip().upper():
        return amount
    worth = EXACT.multiply(amount, rate_of(context, source, day))
    return EXACT.divide(worth, rate_of(context, target, day))


FUNCTION = Function(
    "CONVERT",
    ("number, text, text, date? -> number",),
    "An amount in another currency: the amount, its currency, the wanted currency, and the date of the rates (default: "
    "today). Not rounded. An error where there is no rate yet.",
    "records",
    reads=Reads.ORGANISATION | Reads.CLOCK | Reads.ZONE,
    context=True,
    python=_convert,
    outside=True,
    examples=(
        ('CONVERT(100, "USD", "CNY")', "720"),
        ('CONVERT(72, "CNY", "USD")', "10"),
        ('CONVERT(100, "EUR", "USD", DATE(2026, 1, 1))', "114.285714285714285714285714285714285714"),
        ('CONVERT(100, "USD", "XXX")', "error"),
    ),
    refused="CONVERT reads the dated rates, which formulas in SQL cannot",
)

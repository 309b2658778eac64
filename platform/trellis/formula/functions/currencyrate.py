"""CURRENCYRATE"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from trellis.formula.function import Function, Reads
from trellis.formula.values import Context, fail


def rate_of(context: Context, currency: str, day: date | None = None) -> Decimal:
    """Return what one unit of ``currency`` is worth in the organisation's currency on ``day`` (default: today)."""
    if context.outside is None:
        fail("no_rate", "Exchange rates cannot be read here.")
    wanted = day or context.today
    found = context.outside.rate(currency.strip().upper(), wanted)
    if found is None:
        fail("no_rate", f"There is no exchange rate for {currency[:10]} on {wanted.isoformat()}.")
    return found


FUNCTION = Function(
    "CURRENCYRATE",
    ("text, date? -> number",),
    "What one unit of a currency is worth in the organisation's currency, at a date or today. An error where there is "
    "no rate yet.",
    "records",
    reads=Reads.ORGANISATION | Reads.CLOCK | Reads.ZONE,
    context=True,
    python=rate_of,
    outside=True,
    examples=(
        ('CURRENCYRATE("USD")', "7.2"),
        ('CURRENCYRATE("USD", DATE(2026, 6, 30))', "7"),
        ('CURRENCYRATE("CNY")', "1"),
        ('CURRENCYRATE("XXX")', "error"),
    ),
    refused="CURRENCYRATE reads the dated rates, which formulas in SQL cannot",
)

"""Exchange rates for the demo: rounded figures, one per quarter, expressed in the organisation's currency."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trellis_metadata import json_text

if TYPE_CHECKING:
    from trellis.transaction import Transaction

CURRENCIES = ("CNY", "USD")
QUARTER = timedelta(days=91)
QUARTERS = 8
_PLACES = Decimal("0.000001")


def set_rates(tx: Transaction, file: Path, today: date) -> None:
    """Set the rates of the demo's currencies for two years back, where the organisation has none yet.

    Amounts in an organisation whose currency the file does not know keep needing a rate that an administrator sets.
    """
    table, _ = json_text.read(file.read_bytes(), file.name)
    corporate = tx.model.env.default_currency
    if not isinstance(table, dict) or corporate not in table:
        return
    for currency in CURRENCIES:
        if currency == corporate or tx.tenant.rates.rate(tx.connection, currency, today) is not None:
            continue
        for quarter in range(QUARTERS):
            day = today - QUARTER * (QUARTERS - 1 - quarter)
            rate = (_worth(table, currency, quarter) / _worth(table, corporate, quarter)).quantize(
                _PLACES, ROUND_HALF_EVEN
            )
            tx.tenant.rates.set(tx.connection, currency, day, rate)


def _worth(table: dict[str, Any], currency: str, quarter: int) -> Decimal:
    """Return what one unit of ``currency`` was worth in CNY."""
    values = table[currency]
    return Decimal(values[min(quarter, len(values) - 1)])

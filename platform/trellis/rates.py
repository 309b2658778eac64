"""Exchange rates to the organisation's currency, dated: the newest rate that starts on or before the day applies."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.storage import system

_R = system.currency_rate.c


@dataclass(frozen=True, slots=True)
class RateTable:
    """Rates in memory, by currency and then by first day."""

    by_currency: Mapping[str, Sequence[tuple[date, Decimal]]]

    def on(self, currency: str, day: date) -> Decimal | None:
        """Return the rate of ``currency`` on ``day``, or None if there is none yet."""
        rates = self.by_currency.get(currency, ())
        position = bisect_right(rates, day, key=lambda r: r[0])
        return rates[position - 1][1] if position else None


class Rates:
    """Reads and sets dated rates. A rate is how much one unit of the foreign currency is worth in the organisation's."""

    def rate(self, connection: Connection, currency: str, day: date) -> Decimal | None:
        """Return the rate of ``currency`` on ``day``, or None if there is none yet."""
        query = (
            sa.select(_R.rate)
            .where(_R.currency == currency, _R.starts_on <= day)
            .order_by(_R.starts_on.desc())
            .limit(1)
        )
        text = connection.execute(query).scalar()
        return None if text is None else Decimal(text)

    def until(self, connection: Connection, currencies: Collection[str], last: date) -> RateTable:
        """Return all rates of ``currencies`` that start on or before ``last``, in one statement."""
        query = sa.select(_R.currency, _R.starts_on, _R.rate).where(
            _R.currency.in_(sorted(currencies)), _R.starts_on <= last
        )
        found: dict[str, list[tuple[date, Decimal]]] = {}
        for currency, day, rate in connection.execute(query.order_by(_R.currency, _R.starts_on)):
            found.setdefault(currency, []).append((day, Decimal(rate)))
        return RateTable(found)

    def set(self, connection: Connection, currency: str, day: date, rate: Decimal) -> None:
        """Record that one unit of ``currency`` is worth ``rate`` from ``day`` on."""
        connection.execute(system.currency_rate.delete().where(_R.currency == currency, _R.starts_on == day))
        connection.execute(system.currency_rate.insert(), {"currency": currency, "starts_on": day, "rate": str(rate)})

    def all(self, connection: Connection) -> list[tuple[str, date, Decimal]]:
        """Return every rate as (currency, first day, rate), by currency, the newest first."""
        query = sa.select(_R.currency, _R.starts_on, _R.rate).order_by(_R.currency, _R.starts_on.desc())
        return [(row[0], row[1], Decimal(row[2])) for row in connection.execute(query)]

"""Exchange rates to the organisation's currency, dated: the newest rate that starts on or before the day applies."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.storage import system

_R = system.currency_rate.c


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

    def set(self, connection: Connection, currency: str, day: date, rate: Decimal) -> None:
        """Record that one unit of ``currency`` is worth ``rate`` from ``day`` on."""
        connection.execute(system.currency_rate.delete().where(_R.currency == currency, _R.starts_on == day))
        connection.execute(system.currency_rate.insert(), {"currency": currency, "starts_on": day, "rate": str(rate)})

    def all(self, connection: Connection) -> list[tuple[str, date, Decimal]]:
        """Return every rate as (currency, first day, rate), by currency, the newest first."""
        query = sa.select(_R.currency, _R.starts_on, _R.rate).order_by(_R.currency, _R.starts_on.desc())
        return [(row[0], row[1], Decimal(row[2])) for row in connection.execute(query)]

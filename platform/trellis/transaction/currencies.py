"""Amounts in the organisation's currency, computed when money is written.

The rate is that of the day in the field's ``rate_date`` (a moment counts as its day in the organisation's zone); without
one, or while that field is blank, it is that of the day of the write. The amount is computed anew when the money or its
rate date changes; writing the same amount again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from trellis.clock import today
from trellis.fields.currency import Money
from trellis.model import FieldModel, ObjectModel
from trellis.transaction.row import Row

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction


@dataclass(frozen=True, slots=True)
class _Foreign:
    """One amount of a row that needs a rate."""

    row: Row
    field: FieldModel
    money: Money
    day: date


def apply_rates(tx: Transaction, model: ObjectModel, batch: Sequence[Row]) -> None:
    """Compute what is missing or outdated, with one query of rates for the whole batch. No rate refuses the row."""
    fields = _money_fields(model)
    found = [f for row in batch for f in _foreign(tx, fields, row)] if fields else []
    if not found:
        return
    rates = tx.tenant.rates.until(tx.connection, {f.money.currency for f in found}, max(f.day for f in found))
    for one in found:
        rate = rates.on(one.money.currency, one.day)
        if rate is None:
            day, code = one.day.isoformat(), one.money.currency
            one.row.refuse(
                one.field.name,
                "no_rate",
                f"There is no exchange rate for {code} on {day}. Add one: trellis currency set {code} RATE --from {day}.",
            )
            continue
        corporate = (one.money.amount * rate).quantize(Decimal(1).scaleb(-_scale(one.field)), ROUND_HALF_UP)
        if one.field.name in one.row.new or corporate != one.money.corporate:
            one.row.new[one.field.name] = replace(one.money, corporate=corporate)


def _money_fields(model: ObjectModel) -> Sequence[FieldModel]:
    found: Sequence[FieldModel] | None = model.__dict__.get("_money_fields")
    if found is None:
        found = [f for f in model.fields.values() if f.doc["type"] == "currency"]
        model.__dict__["_money_fields"] = found
    return found


def _foreign(tx: Transaction, fields: Sequence[FieldModel], row: Row) -> Iterator[_Foreign]:
    own = tx.model.env.default_currency
    for field in fields:
        dated_by = field.doc.get("rate_date")
        money = row.value(field.name)
        if money is None or money.currency == own or not (field.name in row.new or dated_by in row.new):
            continue
        yield _Foreign(row, field, money, _day(tx, row.value(dated_by) if dated_by else None))


def _day(tx: Transaction, value: date | datetime | None) -> date:
    if value is None:
        return today(tx.tenant.clock, tx.tenant.time_zone)
    return value.astimezone(ZoneInfo(tx.tenant.time_zone)).date() if isinstance(value, datetime) else value


def _scale(field: FieldModel) -> int:
    return next(int(c.type.scale) for c in field.codec.columns if c.suffix == "corporate")  # type: ignore[attr-defined]

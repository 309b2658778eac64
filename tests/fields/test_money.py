"""Money and other decimals are exact on both databases."""

from __future__ import annotations

from decimal import Decimal

import pytest
import sqlalchemy as sa
from fields.environment import Tenant
from fields.samples import codec_of

from trellis.fields import InvalidValue
from trellis.fields.currency import Money


def test_largest_amount_and_tenths_are_stored_exactly(database_url: str) -> None:
    codec = codec_of("currency")
    engine = sa.create_engine(database_url)
    table = sa.Table("t", sa.MetaData(), *(sa.Column(f"c{i}", c.type) for i, c in enumerate(codec.columns)))
    table.create(engine)
    given = [codec.parse(text) for text in ("9999999999999999.99", "-9999999999999999.99", "0.1", "0.2")]
    with engine.begin() as connection:
        assert codec.to_columns is not None and codec.from_columns is not None
        connection.execute(
            table.insert(), [dict(zip(("c0", "c1", "c2"), codec.to_columns(m), strict=True)) for m in given]
        )
        back = [codec.from_columns(tuple(row)) for row in connection.execute(sa.select(table))]
        tenths = connection.execute(
            sa.select(sa.func.sum(table.c.c0)).where(table.c.c0.between(Decimal("0.1"), Decimal("0.2")))
        ).scalar_one()
    engine.dispose()
    assert back == given
    assert back[0].amount == Decimal("9999999999999999.99")
    assert tenths == Decimal("0.30")


def test_float_sum_is_refused_not_rounded() -> None:
    with pytest.raises(InvalidValue) as refusal:
        codec_of("currency").parse(0.1 + 0.2)
    assert refusal.value.code == "too_many_decimals"
    assert refusal.value.message == "Found 0.30000000000000004, expected at most 2 decimals."


def test_own_currency_is_its_own_corporate_amount() -> None:
    codec = codec_of("currency")
    assert codec.parse("5") == Money(Decimal("5.00"), "CNY", Decimal("5.00"))
    assert codec.parse({"amount": "5", "currency": "USD"}) == Money(Decimal("5.00"), "USD", None)


def test_parts_are_amount_currency_and_corporate() -> None:
    codec = codec_of("currency")
    suffixes = {column.suffix for column in codec.columns}
    assert set(codec.parts) == {"amount", "currency", "corporate"}
    assert {part.suffix for part in codec.parts.values()} == suffixes
    read = codec.parts["currency"].parse
    assert read is not None and read("usd") == "USD"


def test_unknown_currency_is_answered_with_the_closest() -> None:
    with pytest.raises(InvalidValue, match="Did you mean 'USD'"):
        codec_of("currency").parse({"amount": 1, "currency": "USX"})
    assert "USX" not in Tenant.currencies

"""Column types that behave the same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect


class ScaledDecimal(sa.types.TypeDecorator[Decimal]):
    """An exact decimal: NUMERIC(p, s) on PostgreSQL, a scaled 64-bit integer on SQLite.

    ``precision`` is at most 18 (what a 64-bit integer holds). Floats, excess decimals and overflow are refused: field
    types round or reject before a value comes here.
    """

    impl = sa.Numeric
    cache_ok = True

    def __init__(self, precision: int = 18, scale: int = 2) -> None:
        if not 1 <= precision <= 18 or not 0 <= scale <= precision:
            raise ValueError(f"precision {precision} and scale {scale}: at most 18 digits fit a 64-bit integer")
        super().__init__(precision, scale)
        self.precision, self.scale = precision, scale
        self._limit = 10**precision

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.BigInteger())
        return dialect.type_descriptor(sa.Numeric(self.precision, self.scale))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        if isinstance(value, float):
            raise TypeError("a float reached an exact decimal column")
        number = Decimal(value)
        scaled = number.scaleb(self.scale)
        whole = int(scaled)
        if whole != scaled:
            raise ValueError(f"more than {self.scale} decimals: {number}")
        if not -self._limit < whole < self._limit:
            raise ValueError(f"more than {self.precision} digits: {number}")
        return whole if dialect.name == "sqlite" else number

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any] | None:
        """Return what turns a stored value into a Decimal; None where the driver does. Called for every cell of every row."""
        if dialect.name != "sqlite":
            return None
        exponent = -self.scale

        def read(value: Any) -> Decimal | None:
            if value is None:
                return None
            return Decimal(value if type(value) is int else repr(value)).scaleb(exponent)

        return read


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A moment in UTC with microseconds: TIMESTAMPTZ on PostgreSQL, integer microseconds since 1970 on SQLite."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.BigInteger())
        return dialect.type_descriptor(sa.DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("a time without zone reached a UTC column")
        return _to_micros(value) if dialect.name == "sqlite" else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], datetime | None]:
        """Return what turns a stored value into a moment. Called for every cell of every row."""
        return _from_micros if dialect.name == "sqlite" else _in_utc


def _from_micros(value: int | None) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(microseconds=value)


def _in_utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _to_micros(value: datetime) -> int:
    delta = value - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def text_column(length: int | None = None) -> sa.types.TypeEngine[Any]:
    """Text compared by code point on both databases (PostgreSQL: collation "C")."""
    if length is None:
        return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def json_column() -> sa.types.TypeEngine[Any]:
    """A JSON document: JSONB on PostgreSQL, JSON text on SQLite. SQL NULL for None."""
    return sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

"""Column types of results."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from trellis.storage.types import ScaledDecimal, UtcDateTime, text_column
from trellis_metadata.formula.types import Type


class DecimalText(sa.types.TypeDecorator[Decimal]):
    """An exact decimal of any size: NUMERIC on PostgreSQL, its plain text on SQLite (which does not sort by size)."""

    impl = sa.Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(sa.Text() if dialect.name == "sqlite" else sa.Numeric())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return format(value, "f") if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(str(value))


def result_type(type_: Type, scale: int | None) -> sa.types.TypeEngine[Any]:
    """Return the column type in which a formula's value arrives."""
    match type_:
        case Type.NUMBER:
            return DecimalText() if scale is None or scale > 18 else ScaledDecimal(18, scale)
        case Type.BOOLEAN:
            return sa.Boolean()
        case Type.DATE:
            return sa.Date()
        case Type.DATETIME:
            return UtcDateTime()
        case Type.TIME:
            return sa.Time()
        case _:
            return text_column()

"""The moment of a query as parameters: a statement that was compiled once serves every later moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.formula.moments import EPOCH, micros

if TYPE_CHECKING:
    from trellis.formula.sql import Settings

NOW, TODAY = "formula_now", "formula_today"


def parameters(settings: Settings, dialect: str) -> dict[str, Any]:
    """Return the values of the parameters for the moment and the zone of ``settings``."""
    if dialect == "sqlite":
        return {NOW: micros(settings.now - EPOCH), TODAY: settings.today.isoformat()}
    return {NOW: settings.now, TODAY: settings.today}


def now_element(settings: Settings, dialect: str) -> sa.ColumnElement[Any]:
    """Return the moment: microseconds since 1970 on SQLite, a timestamp with time zone on PostgreSQL."""
    value = parameters(settings, dialect)[NOW]
    if dialect == "sqlite":
        return _parameter(NOW, value, sa.BigInteger(), settings)
    kind = sa.DateTime(timezone=True)
    return sa.cast(_parameter(NOW, value, kind, settings), kind)


def today_element(settings: Settings, dialect: str) -> sa.ColumnElement[Any]:
    """Return the day of the moment in the organisation's zone."""
    value = parameters(settings, dialect)[TODAY]
    if dialect == "sqlite":
        return _parameter(TODAY, value, sa.String(), settings)
    return sa.cast(_parameter(TODAY, value, sa.Date(), settings), sa.Date())


def _parameter(name: str, value: Any, kind: sa.types.TypeEngine[Any], settings: Settings) -> sa.BindParameter[Any]:
    return sa.bindparam(name, value, type_=kind) if settings.bound else sa.literal(value, kind)

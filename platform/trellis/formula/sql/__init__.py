"""Back end 2: a typed tree becomes a column expression of SQLAlchemy, for SQLite or PostgreSQL.

``compile`` gives two expressions. ``value`` never makes a query fail; where the Python evaluator would give an error
it is NULL, and ``error`` is true. A formula that the database cannot compute exactly is refused by name, before any
query runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from trellis.formula.sql.pieces import Refused
from trellis_metadata.formula.scope import Symbol
from trellis_metadata.formula.typed import Typed

__all__ = ["Refused", "Resolve", "Settings", "SqlFormula", "compile"]

Form = tuple[int | None, int | None]
"""Decimals and digits of a numeric result, where they are fixed."""
Resolve = Callable[[Symbol], sa.ColumnElement[Any]]
"""Gives the column of a stored field or of a path; joins are the caller's. The column's type says how it is stored."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a query fixes: the moment, the zone (IANA name) of TODAY and DATEVALUE, the first month of the fiscal year.

    ``bound``: the moment is a named parameter (see ``clock.parameters``), so that the statement may be kept and run at
    another moment.
    """

    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    zone: str = "UTC"
    fiscal_start: int = 1
    bound: bool = False

    @property
    def today(self) -> date:
        """The day of ``now`` in ``zone``."""
        return self.now.astimezone(ZoneInfo(self.zone)).date()


@dataclass(frozen=True, slots=True)
class SqlFormula:
    """A formula in SQL. ``native`` says that the database computes it alone, so that it may be indexed."""

    value: sa.ColumnElement[Any]
    error: sa.ColumnElement[bool]
    native: bool


def compile(
    typed: Typed,
    dialect: str,
    resolve: Resolve,
    *,
    scale: int | None = None,
    digits: int | None = None,
    settings: Settings | None = None,
) -> SqlFormula:
    """Return the formula as SQL of ``dialect`` (``sqlite`` or ``postgresql``).

    ``scale`` rounds a numeric result half-up and makes it sortable on SQLite; with ``digits`` (at most 18) a rounded
    result that has more digits in all is an error. Raises ``Refused``.
    """
    from trellis.formula.sql import postgresql, sqlite

    back_ends = {"sqlite": sqlite.compile, "postgresql": postgresql.compile}
    return back_ends[dialect](typed, resolve, (scale, digits), settings or Settings())

"""The engines that can run a case: Python, SQLite, PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any, Protocol

import sqlalchemy as sa

from trellis.clock import SystemClock
from trellis.formula import python, sql
from trellis.formula.cases import Case, read_case, write_value
from trellis.formula.sql import postgresql, sqlite
from trellis.formula.sql.pieces import Refused
from trellis.formula.sql.types import DecimalText
from trellis.formula.values import Context, ErrorValue
from trellis.storage.types import ScaledDecimal, UtcDateTime, text_column
from trellis_metadata.formula import FormulaError, Symbol, Type

MAX_DIGITS = 18
UTC_SESSION = {"options": "-c timezone=UTC"}
"""Moments arrive in the zone of the session; in another zone the last day of the year 9999 cannot be read."""


class Engine(Protocol):
    """Something that computes the value of a case, or an ``ErrorValue``; it may raise ``Refused``."""

    def run(self, case: Case) -> Any: ...


class PythonEngine:
    """The row evaluator."""

    def run(self, case: Case) -> Any:
        return python.compile(case.typed, scale=case.scale)(Context(case.row, now=SystemClock().now()))


class _SqlEngine(AbstractContextManager[Any]):
    """A database that computes one row at a time: a select over a subquery whose columns are the fields."""

    dialect = ""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.connection = engine.connect()

    def __exit__(self, *_: object) -> None:
        self.connection.close()
        self.engine.dispose()

    def run(self, case: Case) -> Any:
        columns = {s.path: self._column(f"c{i}", s, case.row[s.path]) for i, s in enumerate(case.symbols)}
        row = sa.select(*columns.values()).subquery() if columns else None
        settings = sql.Settings(SystemClock().now())

        def resolve(symbol: Symbol) -> sa.ColumnElement[Any]:
            if row is None:
                raise Refused(f"'{symbol.path}' has no column")
            return row.c[columns[symbol.path].name]

        formula = sql.compile(case.typed, self.dialect, resolve, scale=case.scale, settings=settings)
        value, error = self.connection.execute(sa.select(formula.value, formula.error)).one()
        return ErrorValue("evaluation", "The row is an error.") if error else value

    def _column(self, name: str, symbol: Symbol, value: Any) -> sa.Label[Any]:
        type_ = column_type(symbol.type, value)
        return sa.cast(sa.literal(value, type_), type_).label(name)


class SqliteEngine(_SqlEngine):
    """SQLite in memory, with the registered functions."""

    dialect = "sqlite"

    def __init__(self) -> None:
        engine = sa.create_engine("sqlite://")
        sqlite.install(engine)
        super().__init__(engine)

    def _column(self, name: str, symbol: Symbol, value: Any) -> sa.Label[Any]:
        # A cast to DATE would turn the text of a date into a number.
        type_ = column_type(symbol.type, value)
        return sa.type_coerce(sa.literal(value, type_), type_).label(name)


class PostgresqlEngine(_SqlEngine):
    """A PostgreSQL database; its functions are installed in the schema ``trellis_fn``."""

    dialect = "postgresql"

    def __init__(self, url: str) -> None:
        address = sa.make_url(url)
        if address.drivername in ("postgres", "postgresql"):
            address = address.set(drivername="postgresql+psycopg")
        super().__init__(sa.create_engine(address, isolation_level="AUTOCOMMIT", connect_args=UTC_SESSION))
        postgresql.install(self.connection)


def column_type(type_: Type, value: Any) -> sa.types.TypeEngine[Any]:
    """Return how a field of this type would be stored; numbers of up to 18 digits as exact decimal columns."""
    match type_:
        case Type.NUMBER:
            return _number_type(value)
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


def _number_type(value: Decimal | None) -> sa.types.TypeEngine[Any]:
    if value is None:
        return ScaledDecimal(MAX_DIGITS, 2)
    _, digits, exponent = value.as_tuple()
    scale = max(0, -int(exponent))
    precision = max(len(digits) + max(0, int(exponent)), scale, 1)
    return ScaledDecimal(precision, scale) if precision <= MAX_DIGITS else DecimalText()


def answer(engine: Engine, line: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to one line: its value, its error, or why the engine refuses the formula."""
    id_ = line.get("id")
    try:
        case = read_case(line)
        value = engine.run(case)
    except FormulaError as error:
        place = error.position
        return {"id": id_, "error": f"compile:{error.code}", "message": error.problems[0].message, "position": place}
    except Refused as refusal:
        return {"id": id_, "refused": True, "reason": refusal.message}
    if isinstance(value, ErrorValue):
        return {"id": id_, "error": value.code, "message": value.message}
    return {"id": id_, "value": write_value(value, case.return_type, case.scale)}

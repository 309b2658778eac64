"""Statements of the hot path, compiled once per dialect and handed to the driver as text and values.

SQLAlchemy spends 50 µs on a statement of which the driver needs 6: cache key, parameter sets, result object. The few statements
that every write runs are sent as driver SQL, which costs half of that and still passes through the engine's events and errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect

Values = Mapping[str, Any]
_Bind = tuple[str, Callable[[Any], Any] | None]


class _Compiled:
    """The text of a statement in one dialect, and how its parameters are written."""

    __slots__ = ("named", "order", "text")

    def __init__(self, statement: Any, dialect: Dialect, names: Sequence[str] | None) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=names)
        self.text = str(compiled)
        self.named = not compiled.positional
        keys = compiled.positiontup or list(compiled.binds)
        self.order: tuple[_Bind, ...] = tuple((key, _writer(compiled.binds[key].type, dialect)) for key in keys)

    def parameters(self, values: Values) -> Any:
        """Return one row's parameters in the driver's form."""
        if self.named:
            return {k: values[k] if write is None else write(values[k]) for k, write in self.order}
        return tuple([values[k] if write is None else write(values[k]) for k, write in self.order])


def _writer(type_: Any, dialect: Dialect) -> Callable[[Any], Any] | None:
    writer: Callable[[Any], Any] | None = type_.dialect_impl(dialect).bind_processor(dialect)
    return writer


class Prepared:
    """A statement with named parameters. Safe to share between threads and databases.

    Every parameter must be given at each run. Not for statements whose text depends on the values (``IN`` lists), and results
    come as the driver gives them: for plain integers and texts.
    """

    def __init__(self, statement: Any, names: Sequence[str] | None = None) -> None:
        self._statement, self._names = statement, names
        self._compiled: dict[str, _Compiled] = {}

    @classmethod
    def insert(cls, table: sa.Table, *names: str) -> Prepared:
        """Return the insert of a table's columns (all, or those named); what it generates is not returned."""
        return cls(table.insert().inline(), list(names) or [c.name for c in table.c])

    def run(self, connection: Connection, values: Values) -> Any:
        """Run the statement once and return SQLAlchemy's result."""
        compiled = self._for(connection)
        return connection.exec_driver_sql(compiled.text, compiled.parameters(values))

    def run_many(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Run the statement for every row; nothing happens without rows."""
        if not rows:
            return
        compiled = self._for(connection)
        parameters = [compiled.parameters(r) for r in rows]
        connection.exec_driver_sql(compiled.text, parameters if len(parameters) > 1 else parameters[0])

    def _for(self, connection: Connection) -> _Compiled:
        dialect = connection.dialect
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = _Compiled(self._statement, dialect, self._names)
        return found

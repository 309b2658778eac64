"""One table of random rows in a database, and a formula computed for all of them at once."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from formula.generate import FIELDS

from trellis.formula import Context, ErrorValue, compile, sql
from trellis.formula.engines import UTC_SESSION
from trellis.formula.sql import postgresql, sqlite
from trellis.formula.sql.sqlite import _zone
from trellis_metadata.formula import Typed

ERROR = "error"


class Table:
    """The rows in a table of a database."""

    def __init__(self, url: str, rows: list[dict[str, Any]]) -> None:
        self.engine = sa.create_engine(url, connect_args={} if url.startswith("sqlite") else UTC_SESSION)
        self.dialect = self.engine.dialect.name
        if self.dialect == "sqlite":
            sqlite.install(self.engine)
        columns = [sa.Column(name, kind) for name, (_, kind) in FIELDS.items()]
        self.table = sa.Table("fuzz_rows", sa.MetaData(), sa.Column("nr", sa.Integer, primary_key=True), *columns)
        self.connection = self.engine.connect()
        if self.dialect == "postgresql":
            postgresql.install(self.connection)
        self.table.drop(self.connection, checkfirst=True)
        self.table.create(self.connection)
        self.connection.execute(self.table.insert(), [{"nr": i, **row} for i, row in enumerate(rows)])
        self.connection.commit()

    def compute(self, typed: Typed, settings: sql.Settings) -> list[Any]:
        """Return value or ``ERROR`` for each row. Raises ``Refused``."""
        formula = sql.compile(typed, self.dialect, lambda s: self.table.c[s.path], settings=settings)
        query = sa.select(formula.value, formula.error).select_from(self.table).order_by(self.table.c.nr)
        return [ERROR if failed else value for value, failed in self.connection.execute(query)]

    def close(self) -> None:
        self.connection.close()
        self.engine.dispose()


def in_python(typed: Typed, rows: list[dict[str, Any]], settings: sql.Settings) -> list[Any]:
    """Return value or ``ERROR`` for each row."""
    evaluate = compile(typed)
    zone = _zone(settings.zone)
    found = [evaluate(Context(row, now=settings.now, zone=zone)) for row in rows]
    return [ERROR if isinstance(value, ErrorValue) else value for value in found]

"""The ways from a changed record to the parents whose roll-ups it touches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from trellis.ripples.ripple import Change, Writer

CHUNK = 2000


@dataclass(frozen=True, slots=True)
class OwnLink:
    """The child itself changed: the parents that it points at, before and after. Needs no statement."""

    link: str
    parent: str

    def __call__(self, tx: Writer, changes: Sequence[Change]) -> Iterator[tuple[Change, int]]:
        for change in changes:
            if change.dead:
                continue
            values = {change.new.get(self.link)} | ({change.old.get(self.link)} if change.old else set())
            for value in values:
                if value is not None and value.object == self.parent:
                    yield change, value.id


@dataclass(frozen=True, slots=True)
class Route:
    """A record that the child's formula or filter reads changed: children lead from it to the parents.

    ``relations`` are the lookups from the child to the changed record.
    """

    child: str
    relations: tuple[str, ...]
    link: str
    parent: str

    def __call__(self, tx: Writer, changes: Sequence[Change]) -> Iterable[tuple[Change, int]]:
        by_id: dict[int, list[Change]] = {}
        for change in changes:
            if change.old is not None:  # nothing points at a new record yet
                by_id.setdefault(change.id, []).append(change)
        ids = sorted(by_id)
        for start in range(0, len(ids), CHUNK):
            for row in tx.connection.execute(self._statement(tx), {"changed": ids[start : start + CHUNK]}):
                for change in by_id[row[0]]:
                    yield change, row[1]

    def _statement(self, tx: Writer) -> Any:
        cache = tx.model.object(self.child).__dict__.setdefault("_routes", {})
        if self not in cache:
            cache[self] = self._build(tx)
        return cache[self]

    def _build(self, tx: Writer) -> sa.Select[Any]:
        owner = child = tx.model.object(self.child)
        table: Any = child.table
        source: Any = child.table
        column: Any = None
        for position, name in enumerate(self.relations):
            field = owner.field(name)
            assert field is not None
            column = table.c[field.column.name]
            if position < len(self.relations) - 1:
                owner = tx.model.object(field.codec.targets[0])
                table = owner.table.alias(f"r{position}")
                source = source.join(table, column == table.c.id)
        link = child.fields[self.link]
        where = [
            column.in_(sa.bindparam("changed", expanding=True, type_=sa.BigInteger())),
            child.table.c.deleted_at.is_(None),
            link.column.isnot(None),
        ]
        if len(link.columns) > 1:
            where.append(link.columns[1] == self.parent)
        return sa.select(column, link.column).select_from(source).where(*where).distinct()

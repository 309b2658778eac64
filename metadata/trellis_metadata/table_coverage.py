"""What a decision table leaves out (gaps), decides twice (overlaps) and never reaches (hidden rows), each with an example.

The values of a key fall into a few *pieces* in which every row behaves alike: each value that a row names and one that none
names, or the stretches between the ends of ranges. One example per piece stands for all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from trellis_metadata.decision_tables import ANY, Key, Range, Row, Table, cell_fits

MAX_STEPS = 200_000
"""Pieces looked at before the search is given up."""
MAX_FOUND = 20
Example = tuple[Any, ...]


class TooLarge(Exception):
    """The table has too many combinations to look at."""


@dataclass(slots=True)
class _Budget:
    left: int = MAX_STEPS

    def take(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise TooLarge


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two rows that both fit ``example``."""

    first: Row
    second: Row
    example: Example


def overlaps(table: Table) -> list[Overlap]:
    """Return pairs of rows that fit the same values, at most :data:`MAX_FOUND`. Raises :class:`TooLarge`."""
    found: list[Overlap] = []
    budget = _Budget(MAX_STEPS * 10)
    for group in _groups(table):
        for index, second in enumerate(group):
            for first in group[:index]:
                budget.take()
                example = _meeting(table.keys, first, second)
                if example is not None and not any(o.first is first and o.second is second for o in found):
                    found.append(Overlap(first, second, example))
                    if len(found) >= MAX_FOUND:
                        return found
    return found


def _groups(table: Table) -> Iterator[list[Row]]:
    """Yield rows that may meet: by the equal key with the most values, rows that take any value in every group."""
    best, values = None, 0
    for index, key in enumerate(table.keys):
        named = {row.cells[index] for row in table.rows if row.cells[index] is not ANY} if not key.ranged else ()
        if len(named) > values:
            best, values = index, len(named)
    if best is None:
        yield list(table.rows)
        return
    by_value: dict[Any, list[Row]] = {row.cells[best]: [] for row in table.rows}
    for row in table.rows:
        for value, group in by_value.items():
            if row.cells[best] is ANY or row.cells[best] == value:
                group.append(row)
    yield from by_value.values()


def _meeting(keys: Sequence[Key], first: Row, second: Row) -> Example | None:
    example = []
    for key, a, b in zip(keys, first.cells, second.cells, strict=True):
        pieces = [p for p in _pieces(key, (a, b)) if cell_fits(a, p) and cell_fits(b, p)]
        if not pieces:
            return None
        example.append(pieces[0])
    return tuple(example)


def gap(table: Table) -> Example | None:
    """Return values of the keys that no row fits, or None. Blanks are no gap. Raises :class:`TooLarge`."""
    return _Search(table.keys).uncovered(table.rows, None)


def hidden_rows(table: Table) -> list[Row]:
    """Return rows whose values, blanks among them, are all decided by earlier rows. Raises :class:`TooLarge`."""
    search = _Search(table.keys)
    return [row for at, row in enumerate(table.rows) if at and search.uncovered(table.rows[:at], row) is None]


@dataclass(slots=True)
class _Search:
    keys: Sequence[Key]
    budget: _Budget = field(default_factory=_Budget)

    def uncovered(self, rows: Sequence[Row], inside: Row | None) -> Example | None:
        """Return values that none of ``rows`` fits; with ``inside`` only values that this row fits, blanks too."""
        pieces = []
        for index, key in enumerate(self.keys):
            cells = [row.cells[index] for row in rows] + ([inside.cells[index]] if inside else [])
            all_ = _pieces(key, cells)
            pieces.append([p for p in (*all_, None) if cell_fits(inside.cells[index], p)] if inside else all_)
        return self._search(tuple(rows), 0, pieces, {})

    def _search(
        self, rows: tuple[Row, ...], at: int, pieces: Sequence[Sequence[Any]], known: dict[Any, Any]
    ) -> Example | None:
        if any(all(c is ANY for c in row.cells[at:]) for row in rows):
            return None
        if not rows:
            return tuple(p[0] for p in pieces[at:]) if all(pieces[at:]) else None
        key = (at, tuple(map(id, rows)))
        if key not in known:
            known[key] = self._open(rows, at, pieces, known)
        return known[key]  # type: ignore[no-any-return]

    def _open(
        self, rows: tuple[Row, ...], at: int, pieces: Sequence[Sequence[Any]], known: dict[Any, Any]
    ) -> Example | None:
        for piece in pieces[at]:
            self.budget.take()
            found = self._search(tuple(r for r in rows if cell_fits(r.cells[at], piece)), at + 1, pieces, known)
            if found is not None:
                return (piece, *found)
        return None


def _pieces(key: Key, cells: Sequence[Any]) -> list[Any]:
    """Return one example value of each piece into which ``cells`` divide the values of a key."""
    if key.type == "boolean":
        return [True, False]
    if key.ranged:
        ends = sorted({e for c in cells if isinstance(c, Range) for e in (c.low, c.high) if e is not None})
        return [_below(ends[0]), *ends] if ends else [_some(key.type)]
    if key.options is not None:
        return list(key.options)
    named = list(dict.fromkeys(c for c in cells if c is not ANY))
    return [*named, _other(key.type, named)]


def _below(value: Any) -> Any:
    if isinstance(value, Decimal):
        return value - 1
    try:
        return value - timedelta(days=1)
    except OverflowError:
        return value  # nothing lies below the first day of the calendar


_SOME: Mapping[str, Any] = {
    "number": Decimal(0),
    "date": date(2026, 1, 1),
    "datetime": datetime.fromisoformat("2026-01-01T00:00:00+00:00"),
    "text": "other",
}


def _some(type_: str) -> Any:
    return _SOME[type_]


def _other(type_: str, named: Sequence[Any]) -> Any:
    """Return a value that is none of ``named``."""
    if type_ == "text":
        return next(t for t in ("other", *(f"other_{n}" for n in range(len(named) + 1))) if t not in named)
    if type_ == "number":
        return max(named, default=Decimal(-1)) + 1
    return max(named) + timedelta(days=1) if named else _some(type_)

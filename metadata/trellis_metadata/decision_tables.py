"""Decision tables as values: cells, the row that a lookup hits, and what a table leaves out or decides twice.

A cell fits one value, a range (its lower end included, its upper end not), or anything. A blank key fits anything only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

from trellis_metadata import pointers
from trellis_metadata.errors import TrellisError
from trellis_metadata.values import brief

_NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?\Z", re.ASCII)
RANGED = frozenset({"number", "date", "datetime"})


class BadCell(TrellisError):
    """A cell that is no value of its column. ``pointer`` is its place in the document."""

    code = "bad_cell"

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.pointer = pointer


class Anything(Enum):
    """The cell that fits anything, a blank too."""

    ANY = "any"


ANY = Anything.ANY


class Hit(StrEnum):
    """Which of the rows that fit counts."""

    FIRST = "first"
    UNIQUE = "unique"


@dataclass(frozen=True, slots=True)
class Range:
    """From ``low``, included, up to ``high``, excluded. None: no end on that side."""

    low: Any
    high: Any

    def holds(self, value: Any) -> bool:
        """Say whether ``value``, which is not blank, lies inside."""
        return (self.low is None or value >= self.low) and (self.high is None or value < self.high)


@dataclass(frozen=True, slots=True)
class Key:
    """A column to look up by. ``options`` are all values of a text key, where they are known."""

    name: str
    type: str
    ranged: bool
    options: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row: one cell per key in order, and its values by name."""

    name: str
    cells: tuple[Any, ...]
    values: Mapping[str, Any]

    def fits(self, values: Sequence[Any]) -> bool:
        """Say whether the row's cells fit the values of all keys (None: blank)."""
        return all(cell_fits(c, v) for c, v in zip(self.cells, values, strict=True))


@dataclass(frozen=True, slots=True)
class Table:
    """A decision table that was read."""

    name: str
    keys: tuple[Key, ...]
    types: Mapping[str, str]
    """The type of each value, by name, in order."""
    hit: Hit
    rows: tuple[Row, ...]

    def find(self, values: Sequence[Any]) -> Row | None:
        """Return the row that counts for the values of all keys in order, or None. The plain definition; no index."""
        return next((row for row in self.rows if row.fits(values)), None)


def cell_fits(cell: Any, value: Any) -> bool:
    """Say whether a cell fits a value."""
    if cell is ANY:
        return True
    if value is None:
        return False
    return cell.holds(value) if isinstance(cell, Range) else bool(cell == value)


def read_value(type_: str, raw: Any) -> Any:
    """Return a value as formulas know it. Raises :class:`BadCell`."""
    try:
        match type_:
            case "number" if not isinstance(raw, bool) and _NUMBER.match(str(raw)):
                return Decimal(str(raw))
            case "boolean" if isinstance(raw, bool):
                return raw
            case "text" if isinstance(raw, str):
                return raw
            case "date" if isinstance(raw, str):
                return date.fromisoformat(raw)
            case "datetime" if isinstance(raw, str):
                moment = datetime.fromisoformat(raw.replace("Z", "+00:00"))
                return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except ValueError:
        pass
    raise BadCell(f"Found {brief(raw)}, expected {EXPECTED[type_]}.")


EXPECTED = {
    "text": "a text",
    "number": "a number such as 12.5",
    "boolean": "true or false",
    "date": "a date such as 2026-11-22",
    "datetime": "a moment such as 2026-11-22T08:00:00Z",
}


def write_value(value: Any) -> Any:
    """Return a value as documents write it."""
    match value:
        case Decimal():
            return f"{value:f}"
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case date():
            return value.isoformat()
        case _:
            return value


def read_cell(key: Key, raw: Any) -> Any:
    """Return the cell of a key. Raises :class:`BadCell`."""
    if raw is None:
        return ANY
    if not isinstance(raw, Mapping):
        if key.ranged:
            raise BadCell(f"Found {brief(raw)}, expected a range with 'from', 'to' or both.")
        value = read_value(key.type, raw)
        if key.options is not None and value not in key.options:
            raise BadCell(f"'{value}' is no option of the key's picklist.")
        return value
    if not key.ranged:
        raise BadCell("Found a range, expected one value: the key is compared as 'equal'.")
    low, high = (read_value(key.type, raw[end]) if end in raw else None for end in ("from", "to"))
    if low is not None and high is not None and low >= high:
        raise BadCell(f"The range from {write_value(low)} to {write_value(high)} is empty: 'to' is not included.")
    return Range(low, high)


def keys_of(document: Mapping[str, Any], options: Mapping[str, Sequence[str]]) -> tuple[Key, ...]:
    """Return the keys of a document; ``options`` are the option names by picklist."""
    return tuple(
        Key(
            k["name"],
            k["type"],
            k.get("match") == "range",
            tuple(options[k["picklist"]]) if k.get("picklist") in options else None,
        )
        for k in document["keys"]
    )


def read_table(
    document: Mapping[str, Any], options: Mapping[str, Sequence[str]], problems: list[BadCell] | None = None
) -> Table:
    """Return the table of a document of the right shape.

    Bad cells are added to ``problems`` with their place, and their rows left out; without it the first one is raised.
    """
    keys = keys_of(document, options)
    types = {v["name"]: v["type"] for v in document["values"]}
    rows = []
    for index, raw in enumerate(document["rows"]):
        found: list[BadCell] = []
        row = _row(raw, keys, types, f"/rows/{index}", found)
        if found and problems is None:
            raise found[0]
        if found and problems is not None:
            problems.extend(found)
        else:
            rows.append(row)
    return Table(document["name"], keys, types, Hit(document.get("hit", "first")), tuple(rows))


def _row(
    raw: Mapping[str, Any], keys: Sequence[Key], types: Mapping[str, str], at: str, problems: list[BadCell]
) -> Row:
    when, then = raw.get("when", {}), raw.get("then", {})
    cells: list[Any] = []
    values: dict[str, Any] = {}
    for name in [n for n in when if n not in {k.name for k in keys}]:
        problems.append(BadCell(f"There is no key '{name}'.", pointers.join("when", name, at=at)))
    for name in [n for n in then if n not in types]:
        problems.append(BadCell(f"There is no value '{name}'.", pointers.join("then", name, at=at)))
    for key in keys:
        try:
            cells.append(read_cell(key, when.get(key.name)))
        except BadCell as problem:
            problems.append(BadCell(problem.message, pointers.join("when", key.name, at=at)))
            cells.append(ANY)
    for name, type_ in types.items():
        try:
            values[name] = read_value(type_, then[name]) if name in then else None
        except BadCell as problem:
            problems.append(BadCell(problem.message, pointers.join("then", name, at=at)))
    return Row(raw["name"], tuple(cells), values)

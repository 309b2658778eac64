"""Cases as lines of JSON: a formula, its fields, one row. Reads them into a scope and a row, and writes values back.

The format is the one of the conformance corpus: numbers are decimal text, percents are in percent units, dates
``2004-12-31``, moments ``2004-12-31T11:32:00Z``, times ``08:34:56.789``, a blank is null.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from trellis.formula.functions import functions
from trellis.formula.moments import write_time
from trellis.formula.numbers import WIDE, plain, round_to
from trellis_metadata.formula import FlatScope, FormulaSource, Symbol, Type, Typed, check, parse

_TYPES = {
    "Number": Type.NUMBER,
    "Currency": Type.NUMBER,
    "Percent": Type.NUMBER,
    "Text": Type.TEXT,
    "Boolean": Type.BOOLEAN,
    "Date": Type.DATE,
    "DateTime": Type.DATETIME,
    "Time": Type.TIME,
    "Picklist": Type.PICKLIST,
    "MultiPicklist": Type.MULTIPICKLIST,
    "Location": Type.LOCATION,
}


@dataclass(frozen=True, slots=True)
class Case:
    """One line, read."""

    id: str
    typed: Typed
    symbols: tuple[Symbol, ...]
    row: Mapping[str, Any]
    return_type: str
    scale: int | None


def read_case(line: Mapping[str, Any]) -> Case:
    """Return the case with its formula checked. Raises ``FormulaError``."""
    blanks = "blank" if line.get("blanks") == "as_blank" else "zero"
    scope = FlatScope((), functions())
    stored = []
    for field in line.get("fields", ()):
        type_, percent = _TYPES[field["type"]], field["type"] == "Percent"
        if field.get("formula"):
            scope.add(Symbol(field["name"], type_, formula=FormulaSource(field["formula"], scope, blanks)))
            continue
        # The options of a picklist are left out: a case may ask for one that does not exist, and the answer is no.
        symbol = Symbol(field["name"], type_, percent)
        stored.append(symbol)
        scope.add(symbol)
    return_type = str(line.get("return_type") or "")
    typed = check(parse(line["formula"]), scope, text=line["formula"], blanks=blanks)
    given = line.get("row", {})
    row = {s.path: read_value(s.type, given.get(s.path)) for s in stored}
    return Case(str(line.get("id", "")), typed, tuple(stored), row, return_type, line.get("scale"))


def read_value(type_: Type, value: Any) -> Any:
    """Return the Python value of a JSON value."""
    if value is None or value == "":
        return None
    match type_:
        case Type.NUMBER:
            return Decimal(str(value))
        case Type.DATE:
            return date.fromisoformat(value)
        case Type.DATETIME:
            return datetime.fromisoformat(value.replace("Z", "+00:00")).astimezone(UTC)
        case Type.TIME:
            return time.fromisoformat(value)
        case Type.MULTIPICKLIST:
            return tuple(value.split(";")) if isinstance(value, str) else tuple(value)
        case Type.LOCATION:
            parts = value.split(",") if isinstance(value, str) else value.values() if isinstance(value, dict) else value
            return tuple(Decimal(str(v).strip()) for v in parts)
        case _:
            return value


def write_value(value: Any, return_type: str, scale: int | None) -> Any:
    """Return the JSON form of a result; ``Percent`` is written in percent units."""
    match value:
        case None | bool() | str():
            return value or None if isinstance(value, str) else value
        case Decimal():
            number = value if scale is None else round_to(value, scale)
            return plain(WIDE.scaleb(number, 2) if return_type == "Percent" else number)
        case datetime():
            shown = value.astimezone(UTC)
            fraction = f".{shown.microsecond:06}".rstrip("0") if shown.microsecond else ""
            return f"{shown.year:04}-{shown.month:02}-{shown.day:02}T{shown:%H:%M:%S}{fraction}Z"
        case date():
            return value.isoformat()
        case time():
            return write_time(value)
        case tuple():
            return [plain(v) if isinstance(v, Decimal) else v for v in value]
        case _:
            return str(value)

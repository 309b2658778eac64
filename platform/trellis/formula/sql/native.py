"""What SQLite computes exactly by itself and without ever failing.

Numbers are scaled 64-bit integers: SQLite turns an overflow into floating point silently, so every result must provably
have at most 18 digits. Everything else (division, functions of text beyond ASCII, shifting of dates) is not native.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.formula.moments import EPOCH, micros
from trellis.formula.numbers import WIDE, plain
from trellis.formula.python import MAX_TEXT
from trellis.formula.sql.clock import now_element, today_element
from trellis.formula.sql.pieces import Piece, Refused, Row, Sql, checked, commas, fill
from trellis.formula.sql.storage_forms import references_as_numbers, require_readable
from trellis.storage.types import ScaledDecimal
from trellis_metadata.formula.typed import Apply, Call, Const, Field, FormulaField, Node, fold
from trellis_metadata.formula.types import Type

if TYPE_CHECKING:
    from trellis.formula.sql import Resolve, Settings

MAX_DIGITS = 18
INT32_DIGITS, INT64_DIGITS = 10, 19
MAX_DEPTH = 60
"""SQLite's own parser has a stack of 100."""
COMPARISONS = {
    "equal": "=",
    "unequal": "<>",
    "less": "<",
    "less_equal": "<=",
    "greater": ">",
    "greater_equal": ">=",
    "text_equal": "IS",
    "text_unequal": "IS NOT",
}


@dataclass(frozen=True, slots=True)
class Native:
    """A native expression.

    A number has ``digits`` in all and ``scale`` of them after the point, and is stored scaled.
    """

    row: Row
    type: Type
    digits: int = 0
    scale: int = 0
    loose: Row | None = None
    """A form in which false may be NULL: it lets conditions use indexes."""

    def condition(self) -> Row:
        return self.loose or self.row

    def at_scale(self, scale: int) -> Native | None:
        """Return the same number with more decimals, or None when it would not fit."""
        more = scale - self.scale
        if more == 0:
            return self
        digits = self.digits + more
        return (
            None
            if digits > MAX_DIGITS
            else replace(self, row=("(", *self.row, f" * {10**more})"), digits=digits, scale=scale)
        )

    def fits(self, scale: int, digits: int) -> bool:
        """Say whether the number, rounded to ``scale`` decimals, has at most ``digits`` digits whatever the row holds."""
        whole = self.digits - self.scale + (1 if scale < self.scale else 0)
        return whole + scale <= digits

    def finish(self, scale: int | None) -> tuple[Row, sa.types.TypeEngine[Any] | None]:
        """Return the row of a whole formula and its column type where that depends on the digits."""
        if self.type is not Type.NUMBER:
            if self.type is Type.TEXT:
                return ("substr(", *self.row, f", 1, {MAX_TEXT})"), None
            return self.condition() if self.type is Type.BOOLEAN else self.row, None
        if scale is None or scale > MAX_DIGITS:
            return self.row, ScaledDecimal(MAX_DIGITS, self.scale)
        if scale < self.scale:
            unit = 10 ** (self.scale - scale)
            half = unit // 2
            row = ("((", *self.row, ") + CASE WHEN (", *self.row, f") < 0 THEN {-half} ELSE {half} END) / {unit}")
            return checked(row), ScaledDecimal(MAX_DIGITS, scale)
        wider = self.at_scale(scale)
        # A number that does not fit its field at this scale is left at its own, which is exact too.
        return (wider or self).row, ScaledDecimal(MAX_DIGITS, (wider or self).scale)


def native_of(root: Node, column: Resolve, settings: Settings) -> Native | None:
    """Return ``root`` as native SQL, or None when a part of it is not native."""
    if root.depth > MAX_DEPTH:
        return None

    numbers = references_as_numbers(root)

    def visit(node: Node, parts: Sequence[Native | None]) -> Native | None:
        present = [p for p in parts if p is not None]
        if len(present) < len(parts):
            return None
        match node:
            case Const():
                return _constant(node)
            case Field():
                return _field(node, column, numbers)
            case FormulaField():
                return _formula_field(node, present[0])
            case Apply():
                return _apply(node, present)
            case Call():
                return _call(node, present, settings)

    try:
        return fold(root, visit)
    except Refused:
        return None


def _constant(node: Const) -> Native | None:
    value = node.value
    match value:
        case None:
            return Native(("NULL",), node.type, 0, 0)
        case bool():
            return Native(("1" if value else "0",), Type.BOOLEAN)
        case int():
            return Native((str(value),), node.type)
        case Decimal():
            _, _digits, exponent = value.as_tuple()
            scale = max(0, -int(exponent))
            whole = int(WIDE.scaleb(value, scale))
            return (
                Native((str(whole),), Type.NUMBER, len(str(abs(whole))), scale)
                if len(str(abs(whole))) <= MAX_DIGITS
                else None
            )
        case datetime():
            return Native((str(micros(value - EPOCH)),), Type.DATETIME)
        case date():
            return Native((sa.literal(value.isoformat()),), Type.DATE)
        case time():
            return Native((sa.literal(value.isoformat(timespec="microseconds")),), Type.TIME)
        case str():
            return Native((sa.literal(value),), Type.TEXT)
        case _:
            return None


def _field(node: Field, column: Resolve, numbers: frozenset[int]) -> Native | None:
    symbol = node.symbol
    element = column(symbol)
    require_readable(node, element, numbers)
    if node.type is Type.NUMBER:
        row: Row = ("coalesce(", element, ", 0)") if node.zero else (element,)
        if isinstance(element.type, sa.Integer):
            digits = INT64_DIGITS if isinstance(element.type, sa.BigInteger) else INT32_DIGITS
            return None if symbol.percent else Native(row, Type.NUMBER, digits, 0)
        if not isinstance(element.type, ScaledDecimal):
            return None
        more = 2 * symbol.percent
        return Native(row, Type.NUMBER, element.type.precision + more, element.type.scale + more)
    if node.type is Type.BOOLEAN:
        return Native(("coalesce(", element, ", 0)"), Type.BOOLEAN, loose=(element,))
    return Native((element,), node.type)


def _formula_field(node: FormulaField, body: Native) -> Native:
    if node.zero or node.type is Type.BOOLEAN:
        return replace(body, row=("coalesce(", *body.row, ", 0)"), type=node.type)
    return body


def _apply(node: Apply, parts: Sequence[Native]) -> Native | None:
    op = node.op
    if op in COMPARISONS:
        return _compare(COMPARISONS[op], parts[0], parts[1])
    if op in ("and", "or"):
        word = f" {op.upper()} "
        strict = checked(["(", *commas([("coalesce(", *p.row, ", 0)") for p in parts], word), ")"])
        return Native(strict, Type.BOOLEAN, loose=("(", *commas([p.condition() for p in parts], word), ")"))
    if op == "not":
        return Native(("(NOT ", *parts[0].row, ")"), Type.BOOLEAN)
    if op == "join":
        return Native(("nullif(", *commas([("coalesce(", *p.row, ", '')") for p in parts], " || "), ", '')"), Type.TEXT)
    if op == "negate":
        return replace(parts[0], row=("(-", *parts[0].row, ")"), type=Type.NUMBER)
    if op == "sum":
        return _sum(node, parts)
    if op == "product":
        return _product(node, parts)
    if op == "date_difference":
        row = ("CAST(julianday(", *parts[0].row, ") - julianday(", *parts[1].row, ") AS INTEGER)")
        return Native(row, Type.NUMBER, 7, 0)
    return None


def _aligned(parts: Sequence[Native]) -> list[Native] | None:
    scale = max(p.scale for p in parts)
    aligned = [p.at_scale(scale) for p in parts]
    found = [p for p in aligned if p is not None]
    return found if len(found) == len(parts) else None


def _compare(operator: str, a: Native, b: Native) -> Native | None:
    pair = _aligned([a, b])
    return None if pair is None else Native(("(", *pair[0].row, f" {operator} ", *pair[1].row, ")"), Type.BOOLEAN)


def _sum(node: Apply, parts: Sequence[Native]) -> Native | None:
    aligned = _aligned(parts)
    if aligned is None:
        return None
    digits = max(p.digits for p in aligned) + len(str(len(parts)))
    if digits > MAX_DIGITS:
        return None
    out: list[Piece] = ["("]
    for sign, part in zip(node.signs, aligned, strict=True):
        out += [f" {sign} " if len(out) > 1 else "", *part.row]
    return Native(checked([*out, ")"]), Type.NUMBER, digits, aligned[0].scale)


def _product(node: Apply, parts: Sequence[Native]) -> Native | None:
    digits = scale = 0
    out: list[Piece] = ["("]
    for sign, part, arg in zip(node.signs, parts, node.args, strict=True):
        if sign == "/":
            power = _power_of_ten(arg)
            if power is None:
                return None
            # Dividing by a power of ten only moves the point.
            scale += power
            digits = max(digits, scale)
            continue
        digits, scale = digits + part.digits, scale + part.scale
        out += [" * " if len(out) > 1 else "", *part.row]
    return Native(checked([*out, ")"]), Type.NUMBER, digits, scale) if digits <= MAX_DIGITS else None


def _power_of_ten(node: Node) -> int | None:
    if isinstance(node, Const) and isinstance(node.value, Decimal) and node.value >= 1:
        text = plain(node.value)
        return len(text) - 1 if text.strip("0") == "1" else None
    return None


def _call(node: Call, parts: Sequence[Native], settings: Settings) -> Native | None:
    special = _SPECIAL.get(node.function.name)
    if special is not None:
        return special(node, parts, settings)
    template = getattr(node.function, "sqlite", None)
    if template is None:
        return None
    if getattr(node.function, "raw", False):
        parts = [
            replace(p, row=p.condition()) if isinstance(a, Field) and p.type is Type.BOOLEAN else p
            for p, a in zip(parts, node.args, strict=True)
        ]
    aligned = _aligned(parts) if node.type is Type.NUMBER else list(parts)
    if aligned is None:
        return None
    row = fill(template, [Sql(p.row) for p in aligned])
    widest = max(aligned, key=lambda p: p.digits)
    return Native(row, node.type, widest.digits, widest.scale) if node.type is Type.NUMBER else Native(row, node.type)


def _if(node: Call, parts: Sequence[Native], _: Settings) -> Native | None:
    conditions, values = parts[0:-1:2], [*parts[1:-1:2], parts[-1]]
    aligned = _aligned(values)
    if aligned is None:
        return None
    out: list[Piece] = ["(CASE"]
    for condition, value in zip(conditions, aligned, strict=False):
        out += [" WHEN ", *condition.row, " THEN ", *value.row]
    row = checked([*out, " ELSE ", *aligned[-1].row, " END)"])
    return Native(row, node.type, max(v.digits for v in aligned), aligned[0].scale)


def _case(node: Call, parts: Sequence[Native], _: Settings) -> Native | None:
    compared = _aligned([parts[0], *parts[1:-1:2]])
    values = _aligned([*parts[2:-1:2], parts[-1]])
    if compared is None or values is None:
        return None
    text = any(p.type in (Type.TEXT, Type.PICKLIST, Type.REFERENCE) for p in compared)
    opening, closing = ("coalesce(", ", '')") if text else ("", "")
    out: list[Piece] = ["(CASE ", opening, *compared[0].row, closing]
    for value, result in zip(compared[1:], values, strict=False):
        out += [" WHEN ", opening, *value.row, closing, " THEN ", *result.row]
    row = checked([*out, " ELSE ", *values[-1].row, " END)"])
    return Native(row, node.type, max(v.digits for v in values), values[0].scale)


def _in(node: Call, parts: Sequence[Native], _: Settings) -> Native | None:
    aligned = _aligned(parts)
    if aligned is None:
        return None
    inside: Row = (*aligned[0].row, " IN (", *commas([p.row for p in aligned[1:]]), ")")
    return Native(checked(["coalesce(", *inside, ", 0)"]), Type.BOOLEAN, loose=("(", *inside, ")"))


def _part(start: int, length: int) -> Callable[[Call, Sequence[Native], Settings], Native]:
    def part(node: Call, parts: Sequence[Native], _: Settings) -> Native:
        row: Row = ("CAST(substr(", *parts[0].row, f", {start}, {length}) AS INTEGER)")
        return Native(row, Type.NUMBER, length, 0)

    return part


def _isnull(node: Call, parts: Sequence[Native], _: Settings) -> Native:
    return Native(("0",) if node.args[0].type is Type.TEXT else ("(", *parts[0].row, " IS NULL)"), Type.BOOLEAN)


def _abs(node: Call, parts: Sequence[Native], _: Settings) -> Native:
    return replace(parts[0], row=("abs(", *parts[0].row, ")"))


def _now(node: Call, parts: Sequence[Native], settings: Settings) -> Native:
    return Native((now_element(settings, "sqlite"),), Type.DATETIME)


def _today(node: Call, parts: Sequence[Native], settings: Settings) -> Native:
    return Native((today_element(settings, "sqlite"),), Type.DATE)


_SPECIAL: dict[str, Callable[[Call, Sequence[Native], Settings], Native | None]] = {
    "IF": _if,
    "IFS": _if,
    "CASE": _case,
    "IN": _in,
    "ISNULL": _isnull,
    "ABS": _abs,
    "NOW": _now,
    "TODAY": _today,
    "YEAR": _part(1, 4),
    "MONTH": _part(6, 2),
    "DAY": _part(9, 2),
}

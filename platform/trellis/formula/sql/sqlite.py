"""SQLite: native SQL where it is provably exact and cannot fail, else one registered function for the whole formula.

The registered function runs the Python back end on the raw values of the columns, so that it cannot differ from it. A
conjunction keeps its native conditions in front of the call, where they can use indexes.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from trellis.formula import python
from trellis.formula.moments import EPOCH, micros
from trellis.formula.numbers import WIDE
from trellis.formula.sql import Form, Resolve, Settings, SqlFormula
from trellis.formula.sql.clock import now_element
from trellis.formula.sql.expression import FormulaExpression
from trellis.formula.sql.native import MAX_DIGITS, Native, native_of
from trellis.formula.sql.pieces import Piece, Refused
from trellis.formula.sql.storage_forms import references_as_numbers, require_readable, with_numbers
from trellis.formula.sql.types import result_type
from trellis.formula.values import Context, ErrorValue
from trellis.storage.types import ScaledDecimal
from trellis_metadata.formula.functions import Reads
from trellis_metadata.formula.scope import Symbol
from trellis_metadata.formula.typed import Apply, Call, Const, Field, FormulaField, Node, Typed, fold, walk
from trellis_metadata.formula.types import Type

MAX_COLUMNS = 120
_KEPT = 5_000


class Program:
    """A compiled formula with the readers of its columns, called from SQLite."""

    __slots__ = ("__weakref__", "evaluate", "fiscal_start", "readers", "write")

    def __init__(
        self,
        evaluate: python.Evaluate,
        readers: Sequence[tuple[str, Callable[[Any], Any]]],
        write: Callable[[Any], Any],
        fiscal_start: int,
    ) -> None:
        self.evaluate, self.readers, self.write, self.fiscal_start = evaluate, readers, write, fiscal_start

    def run(self, now: int, zone: str, values: Sequence[Any]) -> Any:
        """Return the value for raw column values, or an ``ErrorValue``."""
        row = {
            path: None if value is None else read(value)
            for (path, read), value in zip(self.readers, values, strict=True)
        }
        context = Context(
            row, now=EPOCH + timedelta(microseconds=now), zone=_zone(zone), fiscal_start=self.fiscal_start
        )
        found = self.evaluate(context)
        return found if found is None or isinstance(found, ErrorValue) else self.write(found)


@lru_cache(maxsize=64)
def _zone(name: str) -> Any:
    return UTC if name == "UTC" else ZoneInfo(name)


_programs: weakref.WeakValueDictionary[str, Program] = weakref.WeakValueDictionary()
# Recently used programs stay alive although no statement holds them just now.
_recent: OrderedDict[str, Program] = OrderedDict()


def register(connection: Any) -> None:
    """Register the functions on one DBAPI connection."""
    connection.create_function("trellis_value", -1, _value, deterministic=True)
    connection.create_function("trellis_error", -1, _error, deterministic=True)


def install(engine: sa.Engine) -> None:
    """Register the functions on every connection that ``engine`` opens from now on."""
    sa.event.listen(engine, "connect", lambda connection, _: register(connection))


def _value(key: str, now: int, zone: str, *values: Any) -> Any:
    found = _programs[key].run(now, zone, values)
    return None if isinstance(found, ErrorValue) else found


def _error(key: str, now: int, zone: str, *values: Any) -> int:
    return int(isinstance(_programs[key].run(now, zone, values), ErrorValue))


def compile(typed: Typed, resolve: Resolve, form: Form, settings: Settings) -> SqlFormula:
    """Return the formula as SQL of SQLite."""
    memo: dict[str, sa.ColumnElement[Any]] = {}

    def column(symbol: Symbol) -> sa.ColumnElement[Any]:
        if symbol.path not in memo:
            memo[symbol.path] = resolve(symbol)
        return memo[symbol.path]

    root = with_numbers(typed.root)
    scale, digits = form
    native = native_of(root, column, settings)
    if native is not None and (
        typed.type is not Type.NUMBER
        or (native.scale <= MAX_DIGITS and (scale is None or digits is None or native.fits(scale, digits)))
    ):
        return _native(native, typed.type, scale)
    if isinstance(root, Apply) and root.op == "and":
        return _conjunction(typed, root, column, settings)
    value, error, program = _call_of(typed, root, column, form, settings)
    shown = result_type(typed.type, scale)
    return SqlFormula(FormulaExpression(value, shown, program), FormulaExpression(error, sa.Boolean(), program), False)


def _native(native: Native, type_: Type, scale: int | None) -> SqlFormula:
    row, shown = native.finish(scale)
    false = FormulaExpression(("0",), sa.Boolean())
    return SqlFormula(FormulaExpression(row, shown or result_type(type_, scale)), false, True)


def _conjunction(typed: Typed, root: Apply, column: Resolve, settings: Settings) -> SqlFormula:
    """Split ``a AND b AND call`` after its leading native conditions: the rest is one call."""
    leading: list[tuple[Piece, ...]] = []
    for part in root.args:
        native = native_of(part, column, settings)
        if native is None:
            break
        leading.append(native.condition())
    rest_args = root.args[len(leading) :]
    rest: Node = rest_args[0] if len(rest_args) == 1 else Apply(Type.BOOLEAN, "and", rest_args, root.start, root.end, 1)
    value, error, program = _call_of(typed, rest, column, (None, None), settings)
    before: list[Piece] = [piece for row in leading for piece in (*row, " AND ")]
    return SqlFormula(
        FormulaExpression([*before, *value], sa.Boolean(), program),
        FormulaExpression(["coalesce(", *before, *error, ", 0)"], sa.Boolean(), program),
        False,
    )


def _call_of(
    typed: Typed, root: Node, column: Resolve, form: Form, settings: Settings
) -> tuple[list[Piece], list[Piece], Program]:
    fields = [node for node in walk(root) if isinstance(node, Field)]
    symbols = {node.symbol.path: node.symbol for node in fields}
    if len(symbols) > MAX_COLUMNS:
        raise Refused(f"The formula reads more than {MAX_COLUMNS} fields, which SQLite cannot pass to a function")
    for node in walk(root):
        if isinstance(node, Call) and node.function.reads & Reads.CHANGE:
            raise Refused(f"{node.function.name} is known only while a record is saved")
        if isinstance(node, Call) and getattr(node.function, "outside", False):
            raise Refused(getattr(node.function, "refused", node.function.name))
    elements = {path: column(symbol) for path, symbol in symbols.items()}
    numbers = references_as_numbers(root)
    for node in fields:
        require_readable(node, elements[node.symbol.path], numbers)
    readers = [(path, reader(symbols[path], elements[path])) for path in symbols]
    key = sha256(
        f"{_dump(root)}|{typed.type}|{form}|{settings.fiscal_start}|{[(p, repr(e.type)) for p, e in elements.items()]}".encode()
    ).hexdigest()
    program = _programs.get(key)
    if program is None:
        whole = Typed(typed.text, root, typed.type, typed.blanks)
        scale, digits = form
        evaluate = python.compile(whole, scale=scale, digits=digits)
        program = Program(evaluate, readers, writer(typed.type, scale), settings.fiscal_start)
        _programs[key] = program
    _recent[key] = program
    _recent.move_to_end(key)
    while len(_recent) > _KEPT:
        _recent.popitem(last=False)
    now, zone = now_element(settings, "sqlite"), sa.literal(settings.zone)
    arguments: list[Piece] = [sa.literal(key), ", ", now, ", ", zone]
    for path in symbols:
        arguments += [", ", elements[path]]
    return ["trellis_value(", *arguments, ")"], ["trellis_error(", *arguments, ")"], program


def _dump(root: Node) -> str:
    """Return a text that equal trees share: what a program is known by."""

    def visit(node: Node, parts: Sequence[str]) -> str:
        inside = ",".join(sha256(p.encode()).hexdigest() if len(p) > 200 else p for p in parts)
        match node:
            case Const(value=value, type=type_):
                return f"{type_.value}:{value!r}"
            case Field(symbol=symbol, zero=zero) | FormulaField(symbol=symbol, zero=zero):
                return f"{symbol.path}:{symbol.type.value}:{symbol.percent}:{zero}({inside})"
            case Apply(op=op, signs=signs):
                return f"{op}{signs}({inside})"
            case Call(function=function):
                return f"{function.name}{getattr(function, 'content', '')}:{node.type.value}({inside})"

    return fold(root, visit)


def reader(symbol: Symbol, element: sa.ColumnElement[Any]) -> Callable[[Any], Any]:
    """Return how the raw value of a column becomes the value that formulas see."""
    match symbol.type:
        case Type.NUMBER:
            if isinstance(element.type, ScaledDecimal):
                exponent = -element.type.scale
                return lambda value: WIDE.scaleb(Decimal(value), exponent)
            return lambda value: Decimal(str(value))
        case Type.BOOLEAN:
            return bool
        case Type.DATE:
            return date.fromisoformat
        case Type.DATETIME:
            return lambda value: EPOCH + timedelta(microseconds=value)
        case Type.TIME:
            return time.fromisoformat
        case Type.MULTIPICKLIST:
            return lambda value: tuple(value[1:-1].split(";"))
        case _:
            return lambda value: value


def writer(type_: Type, scale: int | None) -> Callable[[Any], Any]:
    """Return how a value becomes what SQLite stores for the type of the result."""
    if type_ is Type.NUMBER:
        return _write_text if scale is None or scale > 18 else lambda value: _write_scaled(value, scale)
    writers: Mapping[Type, Callable[[Any], Any]] = {
        Type.BOOLEAN: int,
        Type.DATE: date.isoformat,
        Type.DATETIME: lambda value: micros(value - EPOCH),
        Type.TIME: lambda value: value.isoformat(timespec="microseconds"),
    }
    return writers.get(type_, lambda value: value)


def _write_text(value: Decimal) -> str:
    return format(value, "f")


def _write_scaled(value: Decimal, scale: int) -> Any:
    scaled = int(WIDE.scaleb(value, scale).to_integral_value(ROUND_HALF_UP))
    if abs(scaled) >= 10**18:
        return ErrorValue("arithmetic", "The number has more digits than the field holds.")
    return scaled

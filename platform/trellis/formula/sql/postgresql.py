"""PostgreSQL: exact ``numeric`` with 39 digits, partial operations that give NULL, and a condition that tells errors.

Where the digits of the operands are known and the result provably fits 39, plain operators are used; else functions of
the schema ``trellis_fn``, which :func:`install` creates. They are immutable, so results may be indexed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from hashlib import sha256
from importlib.resources import files

import sqlalchemy as sa

from trellis.formula.function import Function
from trellis.formula.functions import functions
from trellis.formula.python import MAX_TEXT
from trellis.formula.sql import Form, Resolve, Settings, SqlFormula
from trellis.formula.sql.clock import now_element, today_element
from trellis.formula.sql.expression import FormulaExpression
from trellis.formula.sql.pieces import MARK, Piece, Refused, Row, Sql, any_error, checked, commas, either, fill
from trellis.formula.sql.storage_forms import references_as_numbers, require_readable, with_numbers
from trellis.formula.sql.types import result_type
from trellis.storage.types import ScaledDecimal
from trellis_metadata.formula.functions import Reads
from trellis_metadata.formula.typed import Apply, Call, Const, Field, FormulaField, Node, Typed, fold, walk
from trellis_metadata.formula.types import Type

EXACT_DIGITS = 39
LOCK = 0x7472656C6C6973
"""Advisory lock under which the functions are installed."""
PAIRWISE = 4
"""Longest run of operators that is written as nested calls."""
TYPES = {
    Type.NUMBER: "numeric",
    Type.TEXT: "text",
    Type.BOOLEAN: "boolean",
    Type.DATE: "date",
    Type.DATETIME: "timestamptz",
    Type.TIME: "time",
    Type.PICKLIST: "text",
    Type.REFERENCE: "text",
    Type.MULTIPICKLIST: "text",
}
COMPARISONS = {"equal": "=", "unequal": "<>", "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">="}
_SHIFTS = {"date_shift": "shift_date", "datetime_shift": "shift_moment", "time_shift": "shift_time"}
_CHOICES = frozenset({"IF", "IFS", "CASE", "BLANKVALUE", "NULLVALUE", "IFERROR"})
"""Functions that only pass texts on."""
_STEPS = {"+": "add", "-": "sub", "*": "mul", "/": "div"}


@dataclass(frozen=True, slots=True)
class Part:
    """SQL of a node, with its digits (in all, after the point) where it is a number whose size is known."""

    sql: Sql
    digits: tuple[int, int] | None = None
    loose: Row | None = None
    """A form in which false may be NULL: it lets conditions use indexes."""
    quotient: Quotient | None = None
    """The operands, where the node divides numbers of known size."""

    @property
    def whole(self) -> int | None:
        """Digits before the point at most, where that is known."""
        if self.quotient is not None:
            return self.quotient.whole
        return None if self.digits is None else self.digits[0] - self.digits[1]


@dataclass(frozen=True, slots=True)
class Quotient:
    """``a / b``, both with their digits (in all, after the point)."""

    a: Sql
    b: Sql
    a_digits: tuple[int, int]
    b_digits: tuple[int, int]

    @property
    def fails_by_zero_alone(self) -> bool:
        """Whether nothing but a divisor of 0 makes it an error."""
        return self.a.error is None and self.b.error is None

    @property
    def whole(self) -> int:
        return self.a_digits[0] - self.a_digits[1] + self.b_digits[1]

    def rounded(self, scale: int) -> Row | None:
        """Return the quotient rounded half-up to ``scale`` decimals by plain operators, or None.

        The quotient of two decimals is either exactly between two results or at least 10^-(scale + digits of b + decimals
        of a + 1) away from there, so that rounding it first to more decimals changes nothing, neither here nor to 39 digits.
        """
        decimals = scale + sum(self.b_digits) + self.a_digits[1] + 3
        if self.whole + decimals > EXACT_DIGITS:
            return None
        return ("round(round(", *self.a.value, f", {decimals}) / nullif(", *self.b.value, f", 0), {scale})")


@cache
def helpers() -> str:
    """Return the DDL of everything that formulas may call; running it again changes nothing."""
    shared = files("trellis.formula.sql").joinpath("postgresql.sql").read_text("utf-8")
    return "\n".join([shared, *(f.helpers for f in functions().values() if f.helpers)])


def install(connection: sa.Connection) -> None:
    """Create or renew the functions in the schema ``trellis_fn`` of the database."""
    connection.exec_driver_sql(helpers().replace("%", "%%"))


def compile(typed: Typed, resolve: Resolve, form: Form, settings: Settings) -> SqlFormula:
    """Return the formula as SQL of PostgreSQL."""
    root = with_numbers(typed.root)
    part = fold(root, _Compiler(resolve, references_as_numbers(root)).visit)
    row, error = part.sql.value, part.sql.error
    guard = error
    scale, digits = form
    if typed.type is Type.NUMBER and scale is not None:
        divided = part.quotient.rounded(scale) if part.quotient else None
        row = divided or ("round(", *row, f", {scale})")
        if divided and part.quotient and part.quotient.fails_by_zero_alone:
            guard = None  # which NULLIF turns into NULL already: asking again would cost a tenth of a sorted list
        if digits is not None and not _fits(part, scale, digits):
            too_large: Row = ("coalesce(abs(", *row, f") >= 1e{digits - scale}, false)")
            error, guard = either([error, too_large]), either([guard, too_large])
    elif typed.type in (Type.TEXT, Type.PICKLIST, Type.REFERENCE):
        row = ("nullif(left(", *row, f", {MAX_TEXT}), '')")
    if error is None and part.loose is not None:
        row = part.loose
    if guard is not None:
        row = ("(CASE WHEN ", *guard, " THEN NULL ELSE ", *row, " END)")
    kind = TYPES.get(typed.type, "text")
    # Texts are ordered by code point, whatever the collation of the database is.
    collate = ' COLLATE "C"' if kind == "text" else ""
    whole: Row = ("CAST(", *row, f" AS {kind}){collate}")
    value = FormulaExpression(_marked(whole, settings), result_type(typed.type, scale))
    flag = FormulaExpression(_marked(error or ("false",), settings), sa.Boolean())
    clock = any(isinstance(n, Call) and n.function.reads & (Reads.CLOCK | Reads.ZONE) for n in walk(typed.root))
    return SqlFormula(value, flag, not clock)


def _fits(part: Part, scale: int, digits: int) -> bool:
    """Say whether a number, rounded to ``scale`` decimals, has at most ``digits`` digits whatever the row holds."""
    return part.whole is not None and part.whole + 1 + scale <= digits


def install_once(connection: sa.Connection) -> None:
    """Install the functions unless this very version of them is there; several processes may call it at one moment."""
    wanted = sha256(helpers().encode()).hexdigest()
    found = "SELECT obj_description(to_regnamespace('trellis_fn'), 'pg_namespace')"
    if connection.exec_driver_sql(found).scalar() == wanted:
        return
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
    if connection.exec_driver_sql(found).scalar() != wanted:
        install(connection)
        connection.exec_driver_sql(f"COMMENT ON SCHEMA trellis_fn IS '{wanted}'")


def _marked(row: Row, settings: Settings) -> Row:
    values: dict[str, Piece] = {
        MARK + "zone": sa.literal(settings.zone, sa.Text()),
        MARK + "now": now_element(settings, "postgresql"),
        MARK + "today": today_element(settings, "postgresql"),
    }
    return tuple(values.get(piece, piece) if isinstance(piece, str) else piece for piece in row)


class _Compiler:
    """Compiles node by node, parts before wholes."""

    def __init__(self, resolve: Resolve, numbers: frozenset[int]) -> None:
        self.resolve, self.numbers = resolve, numbers

    def visit(self, node: Node, parts: Sequence[Part]) -> Part:
        match node:
            case Const():
                return _constant(node)
            case Field():
                return self._field(node)
            case FormulaField():
                return _formula_field(node, parts[0])
            case Apply():
                return _apply(node, parts)
            case Call():
                raw = getattr(node.function, "raw", False)
                return _call(
                    node,
                    [
                        _stored(p) if raw and _is_truth_field(a) else p.sql
                        for p, a in zip(parts, node.args, strict=True)
                    ],
                )

    def _field(self, node: Field) -> Part:
        element = self.resolve(node.symbol)
        require_readable(node, element, self.numbers)
        row: Row = (element,)
        digits = None
        if node.type is Type.NUMBER:
            if isinstance(element.type, ScaledDecimal):
                more = 2 if node.symbol.percent else 0
                digits = element.type.precision + more, element.type.scale + more
            if node.symbol.percent:
                row = ("(", *row, " * 0.01)")
            if node.zero:
                row = ("coalesce(", *row, ", 0)")
        elif node.type is Type.BOOLEAN:
            return Part(Sql(("coalesce(", element, ", false)")), None, (element,))
        return Part(Sql(row), digits)


def _is_truth_field(node: Node) -> bool:
    return isinstance(node, Field) and node.type is Type.BOOLEAN


def _stored(part: Part) -> Sql:
    """Return a truth value as it is stored, where a blank one is not false."""
    return Sql(part.loose or part.sql.value, part.sql.error)


def _constant(node: Const) -> Part:
    value = node.value
    kind = TYPES.get(node.type)
    match value:
        case None:
            return Part(Sql(("NULL",) if kind is None else (f"NULL::{kind}",)))
        case bool():
            return Part(Sql(("true" if value else "false",)))
        case int():
            return Part(Sql((str(value),)))
        case Decimal():
            _, digits, exponent = value.as_tuple()
            scale = max(0, -int(exponent))
            return Part(Sql((f"{value:f}::numeric",)), (max(len(digits), scale + 1) + max(0, int(exponent)), scale))
        case datetime() | date() | time():
            return Part(Sql((f"{kind} '{value.isoformat()}'",)))
        case str():
            if "\0" in value:
                raise Refused("PostgreSQL has no text with the character number 0")
            return Part(Sql((sa.cast(sa.literal(value), sa.Text()),)))
        case _:
            raise Refused("A constant of this type has no SQL")


def _formula_field(node: FormulaField, body: Part) -> Part:
    if node.zero or node.type is Type.BOOLEAN:
        blank = "0" if node.zero else "false"
        return replace(body, sql=Sql(("coalesce(", *body.sql.value, f", {blank})"), body.sql.error))
    return body


def _apply(node: Apply, parts: Sequence[Part]) -> Part:
    kind = next((TYPES[a.type] for a in node.args if a.type in TYPES), None) if "_shift" not in node.op else None
    args = [_typed_null(p.sql, a, kind) for p, a in zip(parts, node.args, strict=True)]
    parts = [replace(p, sql=sql) for p, sql in zip(parts, args, strict=True)]
    op = node.op
    if op in ("sum", "product"):
        return _arithmetic(node, parts)
    if op == "power":
        return Part(_failing("trellis_fn.pow({0}, {1})", args))
    if op == "negate":
        return Part(args[0].wrap("(- trellis_fn.rsig({0}, 39))", args), parts[0].digits)
    if op in ("and", "or"):
        loose = ("(", *commas([p.loose or p.sql.value for p in parts], f" {op.upper()} "), ")")
        return Part(_lazy(op, args), None, checked(loose))
    if op in _SHIFTS:
        return Part(_shift(_SHIFTS[op], node.signs, args))
    if op == "text_equal" and any(isinstance(a, Const) and a.value is not None for a in node.args):
        return Part(args[0].wrap(_template(node), args), None, fill("({0} = {1})", args))
    return Part(args[0].wrap(_template(node), args) if op != "join" else _join(args))


def _template(node: Apply) -> str:
    op = node.op
    match op:
        case "not":
            return "(NOT {0})"
        case "date_difference":
            return "({0} - {1})::numeric"
        case "datetime_difference":
            return "trellis_fn.div(trellis_fn.seconds({0}) - trellis_fn.seconds({1}), 86400)"
        case "time_difference":
            return "mod(trellis_fn.ms({0}) - trellis_fn.ms({1}) + 86400000, 86400000)"
        case "text_equal" | "text_unequal":
            return "({0} IS NOT DISTINCT FROM {1})" if op == "text_equal" else "({0} IS DISTINCT FROM {1})"
    text = any(a.type in (Type.TEXT, Type.REFERENCE) for a in node.args)
    collate = ' COLLATE "C"' if text and op not in ("equal", "unequal") else ""
    return f"({{0}} {COMPARISONS[op]} {{1}}{collate})"


def _join(args: Sequence[Sql]) -> Sql:
    return Sql(("nullif(", *commas([("coalesce(", *a.value, ", '')") for a in args], " || "), ", '')"), any_error(args))


def _arithmetic(node: Apply, parts: Sequence[Part]) -> Part:
    total = parts[0]
    for sign, part in zip(node.signs[1:], parts[1:], strict=True):
        if len(parts) > PAIRWISE and _digits(sign, total.digits, part.digits) is None:
            return Part(_long_chain(node.signs, [p.sql for p in parts]))
        total = _step(sign, total, part)
    return total


def _long_chain(signs: str, args: Sequence[Sql]) -> Sql:
    """Return a long run of operators as one call, so that PostgreSQL need not nest."""
    inside: Row = (f"('{signs}', ARRAY[", *commas([a.value for a in args]), "]::numeric[])")
    fails: Row | None = ("trellis_fn.chain_fails", *inside) if "/" in signs else None
    return Sql(checked(["trellis_fn.chain", *inside]), either([any_error(args), fails]))


def _step(sign: str, a: Part, b: Part) -> Part:
    pair = [a.sql, b.sql]
    digits = _digits(sign, a.digits, b.digits)
    if digits is not None:
        return Part(a.sql.wrap(f"({{0}} {sign} {{1}})", pair), digits)
    template = f"trellis_fn.{_STEPS[sign]}({{0}}, {{1}})"
    if sign != "/":
        return Part(a.sql.wrap(template, pair))
    moved = _moved_point(a, b)
    if moved is not None:
        return moved
    known = Quotient(a.sql, b.sql, a.digits, b.digits) if a.digits and b.digits else None
    return Part(_failing(template, pair, "coalesce(({0}) IS NOT NULL AND {1} = 0, false)"), None, None, known)


def _moved_point(a: Part, b: Part) -> Part | None:
    """Return a number divided by a constant power of ten, which only moves its point."""
    if a.digits is None or len(b.sql.value) != 1 or not isinstance(b.sql.value[0], str):
        return None
    power = re.fullmatch(r"10*::numeric", b.sql.value[0])
    if power is None:
        return None
    places = len(power[0].removesuffix("::numeric")) - 1
    scale = a.digits[1] + places
    found = max(a.digits[0], scale + 1), scale
    factor = format(Decimal(1).scaleb(-places), "f")
    return Part(a.sql.wrap(f"({{0}} * {factor})", [a.sql]), found) if found[0] <= EXACT_DIGITS else None


def _digits(sign: str, a: tuple[int, int] | None, b: tuple[int, int] | None) -> tuple[int, int] | None:
    """Return the digits of an exact result, or None when it may need more than 39."""
    if a is None or b is None or sign == "/":
        return None
    if sign == "*":
        found = a[0] + b[0], a[1] + b[1]
    else:
        scale = max(a[1], b[1])
        found = max(a[0] - a[1], b[0] - b[1]) + 1 + scale, scale
    return found if found[0] <= EXACT_DIGITS else None


def _failing(template: str, args: Sequence[Sql], fails: str = "null") -> Sql:
    """Return a call whose NULL from arguments that are not NULL (or another condition) is an error."""
    row = fill(template, args)
    own = _null_error(row, args) if fails == "null" else checked(["(", *fill(fails, args), ")"])
    return Sql(row, either([any_error(args), own]))


def _shift(function: str, signs: str, args: Sequence[Sql]) -> Sql:
    total = args[0]
    for sign, amount in zip(signs[1:], args[1:], strict=True):
        total = _failing(f"trellis_fn.{function}({{0}}, {'-' if sign == '-' else ''}{{1}})", [total, amount])
    return total


def _lazy(op: str, args: Sequence[Sql]) -> Sql:
    """Return a conjunction or disjunction in which a blank counts as false and later errors are not reached."""
    word = f" {op.upper()} "
    value = checked(["(", *commas([("coalesce(", *a.value, ", false)") for a in args], word), ")"])
    if all(a.error is None for a in args):
        return Sql(value)
    stop = "NOT coalesce(" if op == "and" else "coalesce("
    out: list[Piece] = ["(CASE"]
    for arg in args:
        if arg.error is not None:
            out += [" WHEN ", *arg.error, " THEN true"]
        out += [f" WHEN {stop}", *arg.value, ", false) THEN false"]
    return Sql(value, checked([*out, " ELSE false END)"]))


def _call(node: Call, args: Sequence[Sql]) -> Part:
    found = _body(node, args)
    if node.type is Type.TEXT and node.function.name not in _CHOICES:
        # The value of a text is never empty; its error condition was taken before.
        return Part(Sql(("nullif(", *found.value, ", '')"), found.error))
    return Part(found)


def _body(node: Call, args: Sequence[Sql]) -> Sql:
    function = node.function
    assert isinstance(function, Function)
    body = function.postgresql
    if body is None:
        raise Refused(f"{function.refused or function.name + ' has no exact SQL'} on PostgreSQL")
    typed_args = [_typed_null(a, n, _kind(node, i)) for i, (a, n) in enumerate(zip(args, node.args, strict=True))]
    if not callable(body):
        if not args:
            return Sql(fill(body, args))
        return _failing(body, typed_args, function.fails) if function.fails else args[0].wrap(body, typed_args)
    found = body(node.args, typed_args)
    return Sql(found.value, either([found.error, _null_error(found.value, typed_args)])) if function.fails else found


def _null_error(row: Row, args: Sequence[Sql]) -> Row:
    """Return the condition that a row is NULL although no argument is."""
    given = [piece for a in args for piece in (" AND (", *a.value, ") IS NOT NULL")]
    return checked(["((", *row, ") IS NULL", *given, ")"])


def _typed_null(arg: Sql, node: Node, kind: str | None) -> Sql:
    """Give a blank constant the type that its place asks for, so that PostgreSQL can choose a function."""
    if node.type is not Type.BLANK:
        return arg
    return Sql((f"NULL::{kind}",) if kind else ("NULL",), arg.error)


def _kind(call: Call, index: int) -> str | None:
    form = call.function.forms[0]
    if call.function.name == "IFS":
        return "boolean" if index % 2 == 0 and index < len(call.args) - 1 else TYPES.get(call.type)
    if call.function.name == "CASE":
        result = index == len(call.args) - 1 or (index and index % 2 == 0)
        compared = (a.type for a in (call.args[0], *call.args[1:-1:2]))
        return TYPES.get(call.type) if result else next((TYPES[t] for t in compared if t in TYPES), None)
    param = form.param(index)
    if param.variable:
        types = [a.type for a, p in zip(call.args, map(form.param, range(len(call.args))), strict=True) if p.variable]
        return next((TYPES[t] for t in types if t in TYPES), None)
    return next((TYPES[t] for t in Type if t in param.types and t in TYPES), None)

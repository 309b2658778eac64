"""One comparison of the filter builder as a piece of a formula, and back.

Where an operator of the language means the same (numbers, dates: all comparisons; texts: ``=`` and order), it is used;
elsewhere a function of the group *filters* stands for the operator of the builder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from trellis.fields.base import InvalidValue
from trellis.fields.currency import Money
from trellis.model import FieldModel, Model, ObjectModel
from trellis.relative_dates import range_of
from trellis_metadata.errors import TrellisError
from trellis_metadata.formula import tree as t

ME, USER_ID = "$me", "$user.id"
SIGNS = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
OPS = {sign: op for op, sign in SIGNS.items()}
FLIPPED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
TEXTS = ("text", "choice", "reference", "id")
NUMBERS = ("number", "date", "datetime", "time")
PERIODS = {"=": "WITHIN", "!=": "OUTSIDE", "<": "BEFORE", "<=": "UNTIL", ">": "AFTER", ">=": "SINCE"}
FUNCTIONS = {
    "contains": "HAS",
    "not_contains": "LACKS",
    "starts_with": "STARTS",
    "ends_with": "ENDS",
    "includes_any": "INCLUDESANY",
    "includes_all": "INCLUDESALL",
    "excludes": "EXCLUDES",
    "is_blank": "ISBLANK",
    "is_not_blank": "ISPRESENT",
    "in": "IN",
    "not_in": "EXCEPT",
}
_BY_FUNCTION = {function: op for op, function in (*FUNCTIONS.items(), *PERIODS.items())}
_LISTS = ("in", "not_in", "includes_any", "includes_all", "excludes")
_PARTS = ("contains", "not_contains", "starts_with", "ends_with")
Condition = dict[str, Any]


class NoTextForm(TrellisError):
    """A condition that no formula says."""

    code = "no_text_form"


class _NoValue(Exception):
    """A node is not the constant that the place asks for."""


@dataclass(frozen=True, slots=True)
class _Field:
    """The end of a path. ``kind`` is the field type of its values."""

    path: str
    category: str
    kind: str
    parse: Callable[[Any], Any]
    write: Callable[[Any], Any] | None


class Conditions:
    """Writes and reads the conditions of one object."""

    def __init__(self, model: Model, object_name: str) -> None:
        self.model, self.root = model, model.object(object_name)

    # -- tree to text ----------------------------------------------------------------------------------------------

    def written(self, condition: Mapping[str, Any]) -> t.Tree:
        """Return a condition as a piece of a formula. Raises :class:`NoTextForm`."""
        field = self._field(condition["field"])
        if field is None:
            raise NoTextForm(f"'{condition['field']}' cannot stand in a formula.")
        op, value = condition["op"], condition.get("value")
        name = t.Name(field.path, 0, 0)
        if op in ("is_blank", "is_not_blank"):
            return _call(FUNCTIONS[op], name)
        if op in PERIODS and field.category in ("date", "datetime") and range_of(value, date(2000, 1, 1)):
            return _call(PERIODS[op], name, t.Literal(value, 0, 0))
        if op in _LISTS:
            if not value:
                raise NoTextForm(f"'{op}' without values cannot be written as a formula.")
            return _call(FUNCTIONS[op], name, *(self._literal(field, v, op) for v in value))
        if op == "between":
            return _call("BETWEEN", name, *(self._literal(field, v, op) for v in value or ()))
        if op in _PARTS:
            return _call(FUNCTIONS[op], name, t.Literal(value, 0, 0))
        return self._compared(field, name, op, value)

    def _compared(self, field: _Field, name: t.Name, op: str, value: Any) -> t.Tree:
        if field.category == "id" and op not in ("=", "!="):
            raise NoTextForm("Ids are ordered by age, which no formula says.")
        literal = self._literal(field, value, op)
        if field.category == "boolean":
            if op == "=":
                return name if value is True else _call("ISFALSE", name)
            return _call("DIFFERS", name, literal)
        if op == "!=" and field.category in TEXTS:
            return _call("DIFFERS", name, literal)
        return t.Chain(name, ((SIGNS[op], 0, literal),), 0, 0, 1)

    def _literal(self, field: _Field, value: Any, op: str) -> t.Tree:
        if field.category == "reference" and value == ME:
            return t.Name(USER_ID, 0, 0)
        if field.category in ("reference", "id", "choices"):
            return t.Literal(value, 0, 0)
        try:
            parsed = field.parse(value)
        except InvalidValue as problem:
            raise NoTextForm(problem.message) from None
        if parsed is None:
            raise NoTextForm(f"'{op}' of '{field.path}' needs a value.")
        return _constant(parsed, field)

    # -- text to tree ----------------------------------------------------------------------------------------------

    def read(self, node: t.Tree) -> Condition | None:
        """Return the condition that a piece of a formula says, or None where the builder has none that says it."""
        try:
            match node:
                case t.Name():
                    field = self._field(node.text)
                    return _condition(field, "=", True) if field and field.category == "boolean" else None
                case t.Chain(first=first, rest=((sign, _, second),)) if sign in OPS:
                    return self._read_comparison(sign, first, second)
                case t.Call(name=name, arguments=(t.Name() as subject, *arguments)):
                    field = self._field(subject.text)
                    return self._read_call(name, field, arguments) if field else None
        except _NoValue:
            pass
        return None

    def _read_comparison(self, sign: str, first: t.Tree, second: t.Tree) -> Condition | None:
        if not isinstance(first, t.Name) or self._field(first.text) is None:
            sign, first, second = FLIPPED[sign], second, first
        field = self._field(first.text) if isinstance(first, t.Name) else None
        if field is None or (field.category == "id" and sign not in ("=", "<>")):
            return None
        op = OPS[sign]
        if field.category == "boolean":
            truth = self._value(field, second)
            if op not in ("=", "!="):
                return None
            is_true = _condition(field, "=", True)
            return is_true if truth is (op == "=") else {"not": is_true}
        value = self._value(field, second)
        if field.category in TEXTS and op == "!=":
            # For formulas a blank text is another one.
            return {"or": [_condition(field, "is_blank"), _condition(field, "!=", value)]}
        return _condition(field, op, value)

    def _read_call(self, name: str, field: _Field, arguments: Sequence[t.Tree]) -> Condition | None:
        if name == "ISPICKVAL" and len(arguments) == 1 and field.category == "choice":
            return _condition(field, "=", self._value(field, arguments[0]))
        if name == "ISFALSE":
            return _condition(field, "=", False)
        if name == "DIFFERS" and len(arguments) == 1:
            return _condition(field, "!=", self._value(field, arguments[0]))
        if name == "BETWEEN" and len(arguments) == 2 and field.category in (*NUMBERS, "text"):
            return _condition(field, "between", [self._value(field, a) for a in arguments])
        if name == "INCLUDES" and len(arguments) == 1 and field.category == "choices":
            return _condition(field, "includes_any", [_text(arguments[0])])
        op = _BY_FUNCTION.get(name)
        if op is None:
            return None
        if op in ("is_blank", "is_not_blank"):
            return _condition(field, op)
        if name in PERIODS.values() or op in _PARTS:
            return _condition(field, op, _text(arguments[0]))
        if field.category == "boolean":
            return None
        return _condition(field, op, [self._value(field, a) for a in arguments])

    def _value(self, field: _Field, node: t.Tree) -> Any:
        """Return the value of a constant as the builder has it. Raises :class:`_NoValue`."""
        if field.category == "reference" and isinstance(node, t.Name) and node.text.lower() == USER_ID:
            return ME
        if field.category in ("reference", "id", "choices"):
            return _text(node)
        found = _read_constant(field, node)
        try:
            parsed = field.parse(found)
        except InvalidValue:
            raise _NoValue from None
        if parsed is None or not _same(parsed, found):
            raise _NoValue
        return _canonical(parsed, found)

    # -- fields ----------------------------------------------------------------------------------------------------

    def _field(self, path: str) -> _Field | None:
        steps = path.lower().split(".")
        owner = self.root
        for position, step in enumerate(steps):
            rest = steps[position + 1 :]
            if step == "id" and not rest:
                return _Field(".".join(steps), "id", "id", lambda v: v, None)
            field = owner.field(step)
            if field is None:
                return None
            if not rest:
                return _field(".".join(steps), field)
            if len(rest) == 1 and rest[0] in field.codec.parts:
                part = field.codec.parts[rest[0]]
                return _Field(".".join(steps), part.category, "part", part.parse or (lambda v: v), part.to_json)
            target = self._target(field)
            if target is None:
                return None
            owner = target
        return None

    def _target(self, field: FieldModel) -> ObjectModel | None:
        targets = field.codec.targets if field.category == "reference" else ()
        return self.model.object(targets[0]) if len(targets) == 1 else None


def _field(path: str, field: FieldModel) -> _Field | None:
    if field.category == "opaque":
        return None
    kind = str(field.doc.get("result", field.doc["type"]))
    return _Field(path, field.category, kind, field.codec.parse, field.codec.to_json)


def _condition(field: _Field, op: str, value: Any = None) -> Condition:
    found: Condition = {"field": field.path, "op": op}
    return found if op in ("is_blank", "is_not_blank") else {**found, "value": value}


def _call(name: str, *arguments: t.Tree) -> t.Call:
    return t.Call(name, arguments, 0, 0, 1)


def _constant(value: Any, field: _Field) -> t.Tree:
    match value:
        case Money():
            return _number(value.amount)
        case bool() | str():
            return t.Literal(value, 0, 0)
        case int() | Decimal():
            number = Decimal(value)
            # A percent is a share in formulas, and percent units in filters.
            return _number(number.scaleb(-2) if field.kind == "percent" else number)
        case datetime():
            return _call("MOMENT", t.Literal(_moment_json(value), 0, 0))
        case date():
            return _call("DATE", *(_number(Decimal(n)) for n in (value.year, value.month, value.day)))
        case time() if value.microsecond % 1000 == 0:
            return _call("TIMEVALUE", t.Literal(value.isoformat(timespec="milliseconds"), 0, 0))
        case _:
            raise NoTextForm(f"A value of '{field.path}' cannot be written in a formula.")


def _number(value: Decimal) -> t.Tree:
    literal = t.Literal(abs(value).normalize(), 0, 0)
    return t.Unary("-", literal, 0, 0, 1) if value.is_signed() and value else literal


def _text(node: t.Tree) -> str:
    if isinstance(node, t.Literal) and isinstance(node.value, str):
        return node.value
    raise _NoValue


def _read_number(node: t.Tree) -> Decimal:
    if isinstance(node, t.Unary) and node.op == "-":
        return -_read_number(node.operand)
    if isinstance(node, t.Literal) and isinstance(node.value, Decimal):
        return node.value
    raise _NoValue


def _read_constant(field: _Field, node: t.Tree) -> Any:
    """Return the JSON value of a constant of the field's category."""
    try:
        match field.category, node:
            case "number", _:
                return _number_json(field, _read_number(node))
            case "boolean", t.Literal(value=bool() as value):
                return value
            case "date", t.Call(name="DATE", arguments=(y, m, d)):
                return date(*(int(_read_number(n)) for n in (y, m, d))).isoformat()
            case "datetime", t.Call(name="DATETIMEVALUE", arguments=(inner,)):
                return _moment_json(datetime.strptime(_text(inner), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC))
            case "datetime", t.Call(name="MOMENT", arguments=(inner,)):
                return _moment_json(datetime.fromisoformat(_text(inner)).astimezone(UTC))
            case "time", t.Call(name="TIMEVALUE", arguments=(inner,)):
                return time.fromisoformat(_text(inner)).isoformat()
    except (ValueError, OverflowError):
        raise _NoValue from None
    return _text(node) if field.category in ("text", "choice") else _unfit()


def _unfit() -> Any:
    raise _NoValue


def _number_json(field: _Field, number: Decimal) -> Any:
    if field.kind == "percent":
        number = number.scaleb(2)
    if field.kind != "duration":
        return format(number, "f")
    if number != number.to_integral_value() or field.write is None:
        raise _NoValue
    return field.write(int(number))


def _moment_json(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _canonical(parsed: Any, found: Any) -> Any:
    """Return a number with the decimals of its field; every other value as it was found."""
    number = parsed.amount if isinstance(parsed, Money) else parsed
    return format(number, "f") if isinstance(number, Decimal) else found


def _same(parsed: Any, given: Any) -> bool:
    """Whether reading the value as the field does changes nothing: the formula compares with the text as it stands."""
    return not isinstance(parsed, str) or parsed == given

"""Filter trees: the operators of each category, compiled to SQL with the values as parameters.

A tree is ``{"and": […]}``, ``{"or": […]}``, ``{"not": …}`` or ``{"field", "op", "value"}``. Blank semantics: a comparison
with a blank field is false, and so is its place in ``and``/``or``; ``not`` of it is true; ``is_blank`` asks for blanks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from trellis.fields.base import InvalidValue
from trellis.formula.sql import Refused
from trellis.query.paths import Paths, Resolved, UnknownPath
from trellis.query.query import InvalidQuery, problem
from trellis.relative_dates import NAMES, range_of
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.filters import MAX_CONDITIONS, MAX_DEPTH, OPERATORS
from trellis_metadata.formula.errors import FormulaError, Problem

_BLANK = ("is_blank", "is_not_blank")
_TEXT = ("contains", "not_contains", "starts_with", "ends_with")
MAX_LIST = 1000
MAX_FORMULA = 5000


@dataclass(frozen=True, slots=True)
class Binder:
    """A parameter of a compiled filter: where its value stands in the tree, and the way to the database's value."""

    name: str
    path: tuple[str, ...]
    parse: Callable[[Any], Any]

    def value(self, tree: Any) -> Any:
        """Return the parameter for a tree of the same shape. Raises :class:`InvalidValue`."""
        for step in self.path:
            tree = tree[int(step)] if isinstance(tree, list) else tree[step]
        return self.parse(tree)


def shape_of(tree: Any) -> Any:
    """Return what of a filter decides its SQL: everything but the values compared with. Hashable."""
    if not isinstance(tree, Mapping):
        return repr(tree)
    if "field" not in tree:
        return tuple((str(k), tuple(map(shape_of, v)) if isinstance(v, list) else shape_of(v)) for k, v in tree.items())
    value = tree.get("value")
    if isinstance(value, list):
        kind: Any = ("list", len(value), any(v is None for v in value))
    else:
        relative = isinstance(value, str) and (value == "$me" or value.isupper())
        kind = value if relative else type(value).__name__
    return (*(str(k) for k in tree), str(tree["field"]), str(tree.get("op")), kind)


class FilterCompiler:
    """Compiles one filter. ``problems`` collects everything that is wrong; the clause is only valid when it is empty."""

    def __init__(self, paths: Paths, *, today: date, zone: str, user: int | None) -> None:
        self.paths, self.today, self.zone, self.user = paths, today, ZoneInfo(zone), user
        self.problems: list[dict[str, Any]] = []
        self.binders: list[Binder] = []
        """How each parameter of the clause is computed from the tree: with them the clause serves every tree of its shape."""
        self._count = 0

    def compile(self, tree: object, at: str = "filter", depth: int = 0) -> sa.ColumnElement[bool]:
        """Return the condition; on problems something harmless, with the problems noted."""
        if depth > MAX_DEPTH:
            return self._refuse(at, "too_deep", f"The filter is nested deeper than {MAX_DEPTH} levels.")
        if not isinstance(tree, Mapping):
            return self._refuse(
                at,
                "wrong_type",
                'A filter is an object: {"and": […]}, {"or": […]}, {"not": …}, {"formula": "…"} or '
                '{"field", "op", "value"}.',
            )
        if len(tree) == 1:
            ((key, inner),) = tree.items()
            if key in ("and", "or"):
                return self._group(key, inner, at, depth)
            if key == "not":
                return sa.not_(sa.func.coalesce(self.compile(inner, f"{at}.not", depth + 1), sa.false()))
            if key == "formula":
                return self._formula(inner, f"{at}.formula")
        return self._condition(tree, at)

    def _formula(self, text: object, at: str) -> sa.ColumnElement[bool]:
        self._count += 1
        if not isinstance(text, str) or len(text) > MAX_FORMULA:
            return self._refuse(at, "wrong_type", f"A formula is a text of at most {MAX_FORMULA} characters.")
        try:
            return self.paths.condition(self.paths.formula(text))
        except FormulaError as error:
            self.problems.extend(formula_problem(at, text, found) for found in error.problems)
        except Refused as refusal:
            self._refuse(at, "not_in_sql", f"The formula cannot be used in a filter: {refusal.message}.")
        return sa.false()

    def _group(self, key: str, inner: object, at: str, depth: int) -> sa.ColumnElement[bool]:
        if not isinstance(inner, list):
            return self._refuse(f"{at}.{key}", "wrong_type", f"'{key}' holds a list of filters.")
        parts = [self.compile(t, f"{at}.{key}.{i}", depth + 1) for i, t in enumerate(inner[: MAX_CONDITIONS + 1])]
        if not parts:
            return sa.true() if key == "and" else sa.false()
        return sa.and_(*parts) if key == "and" else sa.or_(*parts)

    def _condition(self, tree: Mapping[str, Any], at: str) -> sa.ColumnElement[bool]:
        self._count += 1
        if self._count > MAX_CONDITIONS:
            return self._refuse(at, "too_many", f"A filter has at most {MAX_CONDITIONS} conditions.")
        extra = set(map(str, tree)) - {"field", "op", "value"}
        if extra or not isinstance(tree.get("field"), str) or not isinstance(tree.get("op"), str):
            hint = (
                did_you_mean(sorted(extra)[0], ("field", "op", "value", "and", "or", "not", "formula")) if extra else ""
            )
            return self._refuse(at, "wrong_shape", f'A condition is {{"field", "op", "value"}}.{hint}')
        try:
            resolved = self.paths.resolve(tree["field"])
        except UnknownPath as unknown:
            return self._refuse(f"{at}.field", unknown.problem["code"], unknown.problem["message"])
        if resolved.refused:
            return self._refuse(f"{at}.field", "not_in_sql", resolved.refused)
        known = OPERATORS.get(resolved.category, _BLANK)
        op = tree["op"]
        if op not in known:
            return self._refuse(
                f"{at}.op",
                "unknown_operator",
                f"'{op[:40]}' does not go with '{tree['field']}' ({resolved.category}); "
                f"use one of {', '.join(known)}.{did_you_mean(op, known)}",
            )
        return self._operate(resolved, op, tree.get("value"), at)

    def _operate(self, r: Resolved, op: str, value: Any, at: str) -> sa.ColumnElement[bool]:
        if op in _BLANK:
            return r.column.is_(None) if op == "is_blank" else r.column.isnot(None)
        if op in ("in", "not_in", "includes_any", "includes_all", "excludes"):
            return self._list(r, op, value, at)
        if op == "between":
            if not isinstance(value, list) or len(value) != 2:
                return self._refuse(f"{at}.value", "wrong_type", "'between' takes a list of two values.")
            low, high = (self._bind(r, f"{at}.value.{i}", v, self._parser(r)) for i, v in enumerate(value))
            return sa.false() if low is None or high is None else sa.and_(r.column >= low, r.column <= high)
        if r.category in ("date", "datetime"):
            span = range_of(value, self.today)
            if span:
                return self._relative(r, op, value, f"{at}.value")
        if value is None:
            return self._refuse(
                f"{at}.value", "missing_value", f"'{op}' needs a value; to ask for blanks use 'is_blank'."
            )
        if op in _TEXT:
            return self._text(r, op, value, at)
        parsed = self._bind(r, f"{at}.value", value, self._parser(r))
        return sa.false() if parsed is None else _COMPARE[op](r.column, parsed)

    def _list(self, r: Resolved, op: str, value: Any, at: str) -> sa.ColumnElement[bool]:
        if not isinstance(value, list) or len(value) > MAX_LIST:
            return self._refuse(f"{at}.value", "wrong_type", f"'{op}' takes a list of at most {MAX_LIST} values.")
        if r.category == "choices":
            parts = [r.column.contains(f";{v};", autoescape=True) for v in value if isinstance(v, str) and _storable(v)]
            if len(parts) != len(value):
                return self._refuse(f"{at}.value", "wrong_type", "The values are option names.")
            if op == "includes_all":
                return sa.and_(sa.true(), *parts)
            return (
                sa.or_(sa.false(), *parts)
                if op == "includes_any"
                else sa.not_(sa.func.coalesce(sa.or_(sa.false(), *parts), sa.false()))
            )
        parse = self._parser(r)
        for i, v in enumerate(value):
            self._try(r, f"{at}.value.{i}", v, parse)
        bound = self._bind(
            r,
            f"{at}.value",
            value,
            lambda vs: [p for v in vs if v is not None and (p := parse(v)) is not None],
            expanding=True,
        )
        if bound is None:
            return sa.false()
        # Against an empty list SQL calls a blank different from nothing; here a comparison with a blank is false.
        return r.column.in_(bound) if op == "in" else sa.and_(r.column.isnot(None), r.column.notin_(bound))

    def _text(self, r: Resolved, op: str, value: Any, at: str) -> sa.ColumnElement[bool]:
        pattern = {"starts_with": "{}%", "ends_with": "%{}"}.get(op, "%{}%")
        bound = self._bind(r, f"{at}.value", value, lambda v: pattern.format(_escape(_lower(_searched(v)))), text=True)
        if bound is None:
            return sa.false()
        found = sa.func.lower(r.column).like(bound, escape="/")
        return sa.not_(found) if op == "not_contains" else found

    def _relative(self, r: Resolved, op: str, value: str, at: str) -> sa.ColumnElement[bool]:
        def end(position: int) -> Callable[[Any], Any]:
            def bound(text: Any) -> Any:
                span = range_of(text, self.today)
                assert span is not None
                return span[position] if r.category == "date" else self._midnight(span[position])

            return bound

        c = r.column
        low, high = (self._bind(r, at, value, end(i)) for i in (0, 1))
        if op == "=":
            return sa.and_(c >= low, c < high)
        if op == "!=":
            return sa.or_(c < low, c >= high)
        return {"<": c < low, "<=": c < high, ">": c >= high, ">=": c >= low}[op]

    def _midnight(self, day: date) -> datetime:
        try:
            return datetime.combine(day, time(), self.zone).astimezone(UTC)
        except OverflowError:  # the first or last day of the calendar, moved by the zone
            return (datetime.min if day.year == 1 else datetime.max).replace(tzinfo=UTC)

    def _parser(self, r: Resolved) -> Callable[[Any], Any]:
        """Return the function from a JSON value of the filter to the database's value."""

        def parse(value: Any) -> Any:
            if r.category == "reference" and value == "$me":
                return self.user if self.user is not None else -1
            parsed = None if value is None else r.parse(value)
            if parsed is None or r.field is None or r.part is not None:
                return parsed
            return r.field.encode(parsed)[0]

        return parse

    def _try(self, r: Resolved, at: str, value: Any, parse: Callable[[Any], Any]) -> Any:
        try:
            return parse(value)
        except InvalidValue as bad:
            hint = (
                f" Relative dates: {', '.join(NAMES[:5])} …"
                if r.category in ("date", "datetime") and isinstance(value, str)
                else ""
            )
            self._refuse(at, bad.code, bad.message + hint)
            return None

    def _bind(
        self,
        r: Resolved,
        at: str,
        value: Any,
        parse: Callable[[Any], Any],
        *,
        expanding: bool = False,
        text: bool = False,
    ) -> sa.BindParameter[Any] | None:
        """Return a parameter for ``value``, remembering how to compute it again; None when there is nothing to compare with."""
        parsed = [] if expanding and self.problems else self._try(r, at, value, parse)
        if parsed is None:
            return None
        name = f"v{len(self.binders)}"
        self.binders.append(Binder(name, tuple(at.split(".")[1:]), parse))
        kind = sa.String() if text else r.column.type
        return sa.bindparam(name, parsed, type_=kind, expanding=expanding)

    def _refuse(self, at: str, code: str, message: str) -> sa.ColumnElement[bool]:
        self.problems.append(problem(at, code, message))
        return sa.false()


def checked_shape(tree: object) -> Mapping[str, Any]:
    """Return a filter tree that has the right shape. Raises :class:`InvalidQuery`; fields and values are not looked at."""
    problems: list[dict[str, str]] = []
    waiting: list[tuple[object, str, int]] = [(tree, "filter", 0)]
    while waiting:
        node, at, depth = waiting.pop()
        parts = node.get("and", node.get("or")) if isinstance(node, Mapping) and len(node) == 1 else None
        if depth > MAX_DEPTH:
            problems.append(problem(at, "too_deep", f"The filter is nested deeper than {MAX_DEPTH} levels."))
        elif isinstance(parts, list):
            waiting.extend((part, f"{at}.{i}", depth + 1) for i, part in enumerate(parts))
        elif isinstance(node, Mapping) and set(node) == {"not"}:
            waiting.append((node["not"], f"{at}.not", depth + 1))
        elif not _is_leaf(node):
            problems.append(problem(at, "wrong_shape", 'A condition is {"field", "op", "value"} or {"formula"}.'))
    if problems:
        raise InvalidQuery(problems)
    assert isinstance(tree, Mapping)
    return tree


def _is_leaf(node: object) -> bool:
    if not isinstance(node, Mapping):
        return False
    if set(node) == {"formula"}:
        return isinstance(node["formula"], str)
    if not {"field", "op"} <= set(node) <= {"field", "op", "value"} or not isinstance(node["field"], str):
        return False
    op, value = node["op"], node.get("value")
    if op in _BLANK:
        return "value" not in node
    if op in ("in", "not_in", "includes_any", "includes_all", "excludes"):
        return isinstance(value, list)
    if op in _TEXT:
        return isinstance(value, str)
    if op == "between":
        return isinstance(value, list) and len(value) == 2
    return op in _COMPARE and value is not None and not isinstance(value, list)


def formula_problem(at: str, text: str, found: Problem) -> dict[str, Any]:
    """Return a problem of a formula with its place: characters ``start`` to ``end``, counted from 0."""
    return {**problem(at, found.code, found.show(text)), "start": found.start, "end": found.end}


def _searched(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 1000 or not _storable(value):
        raise InvalidValue("wrong_type", "Expected a text of at most 1000 characters to look for.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidValue("bad_characters", "The text holds half a character (a lone surrogate).") from None
    return value


def _escape(text: str) -> str:
    """Escape the wildcards of LIKE with "/"."""
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")


def _storable(text: str) -> bool:
    """Whether a database can take the text at all: no NUL, no lone surrogates."""
    return not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text)


def _lower(text: str) -> str:
    """Lower-case ASCII only, as ``lower()`` does on both databases (PostgreSQL under collation "C")."""
    return "".join(c.lower() if c.isascii() else c for c in text)


_COMPARE: Mapping[str, Callable[[Any, Any], sa.ColumnElement[bool]]] = {
    "=": lambda c, v: c == v,
    "!=": lambda c, v: c != v,
    "<": lambda c, v: c < v,
    "<=": lambda c, v: c <= v,
    ">": lambda c, v: c > v,
    ">=": lambda c, v: c >= v,
}
Trees = Sequence[Mapping[str, Any]]

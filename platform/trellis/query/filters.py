"""Filter trees: the operators of each category, compiled to SQL with the values as parameters.

A tree is ``{"and": […]}``, ``{"or": […]}``, ``{"not": …}`` or ``{"field", "op", "value"}``. Blank semantics: a comparison
with a blank field is false, and so is its place in ``and``/``or``; ``not`` of it is true; ``is_blank`` asks for blanks.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from trellis.fields.base import InvalidValue
from trellis.query.paths import Paths, Resolved, UnknownPath
from trellis.query.query import problem
from trellis.query.relative_dates import NAMES, range_of
from trellis_metadata.diagnostics import did_you_mean

_BLANK = ("is_blank", "is_not_blank")
_EQUAL = ("=", "!=", "in", "not_in")
_ORDER = ("<", "<=", ">", ">=", "between")
_TEXT = ("contains", "not_contains", "starts_with", "ends_with")
OPERATORS: Mapping[str, tuple[str, ...]] = {
    "text": (*_EQUAL, *_ORDER, *_TEXT, *_BLANK), "number": (*_EQUAL, *_ORDER, *_BLANK), "boolean": ("=", "!=", *_BLANK),
    "date": (*_EQUAL, *_ORDER, *_BLANK), "datetime": (*_EQUAL, *_ORDER, *_BLANK), "time": (*_EQUAL, *_ORDER, *_BLANK),
    "choice": (*_EQUAL, *_BLANK), "choices": ("includes_any", "includes_all", "excludes", *_BLANK),
    "reference": (*_EQUAL, *_BLANK), "id": (*_EQUAL, *_ORDER), "opaque": _BLANK,
}
MAX_CONDITIONS = 200
MAX_DEPTH = 40
MAX_LIST = 1000


class FilterCompiler:
    """Compiles one filter. ``problems`` collects everything that is wrong; the clause is only valid when it is empty."""

    def __init__(self, paths: Paths, *, today: date, zone: str, user: int | None) -> None:
        self.paths, self.today, self.zone, self.user = paths, today, ZoneInfo(zone), user
        self.problems: list[dict[str, str]] = []
        self._count = 0

    def compile(self, tree: object, at: str = "filter", depth: int = 0) -> sa.ColumnElement[bool]:
        """Return the condition; on problems something harmless, with the problems noted."""
        if depth > MAX_DEPTH:
            return self._refuse(at, "too_deep", f"The filter is nested deeper than {MAX_DEPTH} levels.")
        if not isinstance(tree, Mapping):
            return self._refuse(at, "wrong_type", "A filter is an object: {\"and\": […]}, {\"or\": […]}, {\"not\": …} or {\"field\", \"op\", \"value\"}.")
        if len(tree) == 1:
            (key, inner), = tree.items()
            if key in ("and", "or"):
                return self._group(key, inner, at, depth)
            if key == "not":
                return sa.not_(sa.func.coalesce(self.compile(inner, f"{at}.not", depth + 1), sa.false()))
        return self._condition(tree, at)

    def _group(self, key: str, inner: object, at: str, depth: int) -> sa.ColumnElement[bool]:
        if not isinstance(inner, list):
            return self._refuse(f"{at}.{key}", "wrong_type", f"'{key}' holds a list of filters.")
        parts = [self.compile(t, f"{at}.{key}.{i}", depth + 1) for i, t in enumerate(inner[:MAX_CONDITIONS + 1])]
        if not parts:
            return sa.true() if key == "and" else sa.false()
        return sa.and_(*parts) if key == "and" else sa.or_(*parts)

    def _condition(self, tree: Mapping[str, Any], at: str) -> sa.ColumnElement[bool]:
        self._count += 1
        if self._count > MAX_CONDITIONS:
            return self._refuse(at, "too_many", f"A filter has at most {MAX_CONDITIONS} conditions.")
        extra = set(map(str, tree)) - {"field", "op", "value"}
        if extra or not isinstance(tree.get("field"), str) or not isinstance(tree.get("op"), str):
            hint = did_you_mean(sorted(extra)[0], ("field", "op", "value", "and", "or", "not")) if extra else ""
            return self._refuse(at, "wrong_shape", f"A condition is {{\"field\", \"op\", \"value\"}}.{hint}")
        try:
            resolved = self.paths.resolve(tree["field"])
        except UnknownPath as unknown:
            return self._refuse(f"{at}.field", unknown.problem["code"], unknown.problem["message"])
        known = OPERATORS.get(resolved.category, _BLANK)
        op = tree["op"]
        if op not in known:
            return self._refuse(f"{at}.op", "unknown_operator", f"'{op[:40]}' does not go with '{tree['field']}' ({resolved.category}); "
                                f"use one of {', '.join(known)}.{did_you_mean(op, known)}")
        return self._operate(resolved, op, tree.get("value"), at)

    def _operate(self, r: Resolved, op: str, value: Any, at: str) -> sa.ColumnElement[bool]:
        if op in _BLANK:
            return r.column.is_(None) if op == "is_blank" else r.column.isnot(None)
        if op in ("in", "not_in", "includes_any", "includes_all", "excludes"):
            return self._list(r, op, value, at)
        if op == "between":
            if not isinstance(value, list) or len(value) != 2:
                return self._refuse(f"{at}.value", "wrong_type", "'between' takes a list of two values.")
            return sa.and_(self._operate(r, ">=", value[0], at), self._operate(r, "<=", value[1], at))
        if r.category in ("date", "datetime"):
            span = range_of(value, self.today)
            if span:
                return self._relative(r, op, span)
        if value is None:
            return self._refuse(f"{at}.value", "missing_value", f"'{op}' needs a value; to ask for blanks use 'is_blank'.")
        if op in _TEXT:
            return self._text(r, op, value, at)
        parsed = self._parse(r, value, f"{at}.value")
        return sa.false() if parsed is None else _COMPARE[op](r.column, parsed)

    def _list(self, r: Resolved, op: str, value: Any, at: str) -> sa.ColumnElement[bool]:
        if not isinstance(value, list) or len(value) > MAX_LIST:
            return self._refuse(f"{at}.value", "wrong_type", f"'{op}' takes a list of at most {MAX_LIST} values.")
        if r.category == "choices":
            parts = [r.column.contains(f";{v};", autoescape=True) for v in value if isinstance(v, str)]
            if len(parts) != len(value):
                return self._refuse(f"{at}.value", "wrong_type", "The values are option names.")
            if op == "includes_all":
                return sa.and_(sa.true(), *parts)
            return sa.or_(sa.false(), *parts) if op == "includes_any" else sa.not_(sa.func.coalesce(sa.or_(sa.false(), *parts), sa.false()))
        parsed = [self._parse(r, v, f"{at}.value.{i}") for i, v in enumerate(value)]
        live = [p for p in parsed if p is not None]
        return r.column.in_(live) if op == "in" else r.column.notin_(live)

    def _text(self, r: Resolved, op: str, value: Any, at: str) -> sa.ColumnElement[bool]:
        if not isinstance(value, str) or len(value) > 1000 or "\0" in value:
            return self._refuse(f"{at}.value", "wrong_type", f"'{op}' takes a text of at most 1000 characters.")
        low, text = sa.func.lower(r.column), _lower(value)
        if op == "starts_with":
            return low.startswith(text, autoescape=True)
        if op == "ends_with":
            return low.endswith(text, autoescape=True)
        found = low.contains(text, autoescape=True)
        return found if op == "contains" else sa.not_(found)

    def _relative(self, r: Resolved, op: str, span: tuple[date, date]) -> sa.ColumnElement[bool]:
        start, end = span
        low, high = (start, end) if r.category == "date" else (self._midnight(start), self._midnight(end))
        c = r.column
        if op == "=":
            return sa.and_(c >= low, c < high)
        if op == "!=":
            return sa.or_(c < low, c >= high)
        return {"<": c < low, "<=": c < high, ">": c >= high, ">=": c >= low}[op]

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def _parse(self, r: Resolved, value: Any, at: str) -> Any:
        if r.category == "reference" and value == "$me":
            return self.user if self.user is not None else -1
        try:
            parsed = r.parse(value) if value is not None else None
        except InvalidValue as bad:
            hint = f" Relative dates: {', '.join(NAMES[:5])} …" if r.category in ("date", "datetime") and isinstance(value, str) else ""
            self._refuse(at, bad.code, bad.message + hint)
            return None
        if parsed is None:
            return None
        if r.field is None or r.part is not None:
            return parsed
        return r.field.encode(parsed)[0]

    def _refuse(self, at: str, code: str, message: str) -> sa.ColumnElement[bool]:
        self.problems.append(problem(at, code, message))
        return sa.false()


def _lower(text: str) -> str:
    """Lower-case ASCII only, as ``lower()`` does on both databases (PostgreSQL under collation "C")."""
    return "".join(c.lower() if c.isascii() else c for c in text)


_COMPARE: Mapping[str, Callable[[Any, Any], sa.ColumnElement[bool]]] = {
    "=": lambda c, v: c == v, "!=": lambda c, v: c != v, "<": lambda c, v: c < v, "<=": lambda c, v: c <= v,
    ">": lambda c, v: c > v, ">=": lambda c, v: c >= v,
}
Trees = Sequence[Mapping[str, Any]]

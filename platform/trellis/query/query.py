"""The query value, and reading it from JSON. Everything unknown is refused with the likely intent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError

MAX_LIMIT = 1000
DEFAULT_LIMIT = 50
FUNCTIONS = ("count", "sum", "avg", "min", "max")


class InvalidQuery(TrellisError):
    """The query is not one; ``details["problems"]`` lists everything, each with ``at``, ``code`` and ``message``."""

    code = "invalid_query"

    def __init__(self, problems: Sequence[Mapping[str, str]]) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(p["message"] for p in problems), problems=self.problems)


def problem(at: str, code: str, message: str) -> dict[str, str]:
    """Make one entry of :class:`InvalidQuery`."""
    return {"at": at, "code": code, "message": message}


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort key: a field path and its direction. Blanks come last in both."""

    path: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Aggregate:
    """``function`` over ``path`` (count may go without). ``key`` names the result."""

    function: str
    path: str | None = None

    @property
    def key(self) -> str:
        return f"{self.function}({self.path})" if self.path else self.function


@dataclass(frozen=True)
class Query:
    """What to read. ``fields`` are paths (``account.name``); empty means all fields of the object.

    ``filter`` is a tree (see ``filters.py``), in JSON also the text of a formula; ``search`` full-text; ``deleted`` asks the recycle bin instead of live
    records. ``total`` is True, False or ``"estimate"`` (see ``estimates.py``). With ``aggregates`` or ``group_by`` (paths,
    or date buckets as in ``buckets.py``) the answer has one row per group.
    """

    object: str
    fields: tuple[str, ...] = ()
    filter: Mapping[str, Any] | None = None
    sort: tuple[Sort, ...] = ()
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    search: str | None = None
    total: bool | str = False
    deleted: bool = False
    group_by: tuple[str, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    children: Mapping[str, Query] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of answers. ``cursor`` asks for the next page (None: no more); ``total`` only when asked for."""

    rows: list[dict[str, Any]]
    cursor: str | None = None
    total: int | None = None
    total_exact: bool = True


_KEYS = (
    "fields",
    "filter",
    "sort",
    "limit",
    "cursor",
    "search",
    "total",
    "deleted",
    "group_by",
    "aggregates",
    "children",
)


def read_query(object_name: str, raw: object) -> Query:
    """Build a query from its JSON form. Raises :class:`InvalidQuery` with all problems of shape."""
    if not isinstance(raw, Mapping):
        raise InvalidQuery([problem("", "wrong_type", 'A query is an object such as {"fields": ["name"]}.')])
    problems: list[dict[str, str]] = []
    for key in raw:
        if key not in _KEYS:
            problems.append(
                problem(
                    str(key), "unknown_key", f"'{str(key)[:60]}' is not part of a query.{did_you_mean(str(key), _KEYS)}"
                )
            )
    values: dict[str, Any] = {
        "fields": _paths(raw.get("fields", ()), "fields", problems),
        "group_by": _paths(raw.get("group_by", ()), "group_by", problems),
        "sort": _sorts(raw.get("sort", ()), problems),
        "limit": read_limit(raw.get("limit", DEFAULT_LIMIT), problems),
        "aggregates": _aggregates(raw.get("aggregates", ()), problems),
    }
    for key, kind in (("cursor", str), ("search", str), ("total", (bool, str)), ("deleted", bool), ("filter", Mapping)):
        value = raw.get(key)
        if value is not None:
            if key == "filter" and isinstance(value, str):
                values[key] = {"formula": value}
            elif not isinstance(value, kind):
                problems.append(problem(key, "wrong_type", f"'{key}' has the wrong type: {type(value).__name__}."))
            elif key == "total" and isinstance(value, str) and value != "estimate":
                problems.append(problem(key, "wrong_type", "'total' is true, false or \"estimate\"."))
            else:
                values[key] = value
    values["children"] = _children(raw.get("children", {}), problems)
    if problems:
        raise InvalidQuery(problems)
    return Query(object_name, **values)


def _children(raw: object, problems: list[dict[str, str]]) -> dict[str, Query]:
    if not isinstance(raw, Mapping):
        problems.append(problem("children", "wrong_type", "'children' maps relationship names to queries."))
        return {}
    found = {}
    for name, query in raw.items():
        try:
            found[str(name)] = read_query("", query)
        except InvalidQuery as nested:
            problems.extend(problem(f"children.{name}.{p['at']}", p["code"], p["message"]) for p in nested.problems)
    return found


def _paths(raw: object, at: str, problems: list[dict[str, str]]) -> tuple[str, ...]:
    if isinstance(raw, str):
        raw = [p.strip() for p in raw.split(",") if p.strip()]
    if isinstance(raw, (list, tuple)) and all(isinstance(p, str) for p in raw) and len(raw) <= 200:
        return tuple(dict.fromkeys(raw))
    problems.append(problem(at, "wrong_type", f"'{at}' is a list of at most 200 field paths."))
    return ()


def _sorts(raw: object, problems: list[dict[str, str]]) -> tuple[Sort, ...]:
    names = _paths(raw, "sort", problems)
    return tuple(Sort(n[1:], True) if n.startswith("-") else Sort(n) for n in names)[:8]


def read_limit(raw: object, problems: list[dict[str, str]]) -> int:
    """Read a page size; refuse what is not a whole number from 1 to :data:`MAX_LIMIT`."""
    if isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) < 6:
        raw = int(raw)
    if type(raw) is int and 1 <= raw <= MAX_LIMIT:
        return raw
    problems.append(problem("limit", "out_of_range", f"'limit' is a whole number from 1 to {MAX_LIMIT}."))
    return DEFAULT_LIMIT


def _aggregates(raw: object, problems: list[dict[str, str]]) -> tuple[Aggregate, ...]:
    found: list[Aggregate] = []
    if not isinstance(raw, (list, tuple)) or len(raw) > 50:
        problems.append(problem("aggregates", "wrong_type", '\'aggregates\' is a list of {"function", "field"}.'))
        return ()
    for i, entry in enumerate(raw):
        at = f"aggregates.{i}"
        if not isinstance(entry, Mapping) or set(entry) - {"function", "field"}:
            problems.append(problem(at, "wrong_type", 'An aggregate is {"function": "sum", "field": "amount"}.'))
        elif entry.get("function") not in FUNCTIONS:
            name = str(entry.get("function"))[:40]
            problems.append(
                problem(
                    at,
                    "unknown_function",
                    f"'{name}' is not one of {', '.join(FUNCTIONS)}.{did_you_mean(name, FUNCTIONS)}",
                )
            )
        elif entry["function"] != "count" and not isinstance(entry.get("field"), str):
            problems.append(problem(at, "missing_field", f"'{entry['function']}' needs a field."))
        else:
            found.append(Aggregate(entry["function"], entry.get("field")))
    return tuple(found)

"""What a list shows, read from its address: every state of a list is a link that can be sent to somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from werkzeug.datastructures import MultiDict

MAX_COLUMNS = 50
MAX_SORTS = 3
BLANK_OPERATORS = ("is_blank", "is_not_blank")
_LIST_OPERATORS = ("in", "not_in", "includes_any", "includes_all", "excludes")


@dataclass(frozen=True)
class Filter:
    """One condition: ``field:operator:value`` in the address."""

    field: str
    op: str
    value: str = ""

    @classmethod
    def read(cls, text: str) -> Filter | None:
        """Read one condition; None when it is not one."""
        parts = text.split(":", 2)
        return cls(*parts) if len(parts) == 3 and parts[0] and parts[1] else None

    @classmethod
    def of(cls, condition: Mapping[str, Any]) -> Filter | None:
        """Return the condition of a filter tree as one of the address; None when it cannot stand there."""
        if "field" not in condition:
            return None
        value = condition.get("value", "")
        if isinstance(value, list):
            value = ",".join(map(str, value))
        elif isinstance(value, bool):
            value = str(value).lower()
        found = cls(condition["field"], condition["op"], str(value))
        return found if found.to_json() == condition else None

    @property
    def text(self) -> str:
        return f"{self.field}:{self.op}:{self.value}"

    def to_json(self) -> dict[str, Any]:
        """Return the condition of a filter tree."""
        if self.op in BLANK_OPERATORS:
            return {"field": self.field, "op": self.op}
        value: Any = self.value.split(",") if self.op in _LIST_OPERATORS else self.value
        return {
            "field": self.field,
            "op": self.op,
            "value": {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value,
        }


@dataclass(frozen=True)
class ListState:
    """View, search, filters, sort and place of one list. ``where`` is a formula beside the filters, ``columns`` are the
    paths that a person chose instead of the view's. ``shape`` is how the records are shown (``board`` …), ``by`` the field
    that makes groups or columns, ``lanes`` the one that makes swim lanes, ``at`` and ``span`` the part of a calendar.
    ``sort`` holds several paths with commas, ``-`` before a path turns its order round."""

    path: str
    view: str = ""
    search: str = ""
    filters: tuple[Filter, ...] = ()
    where: str = ""
    sort: str = ""
    after: str = ""
    columns: tuple[str, ...] = ()
    shape: str = ""
    by: str = ""
    lanes: str = ""
    at: str = ""
    span: str = ""

    @classmethod
    def read(cls, path: str, arguments: MultiDict[str, str]) -> ListState:
        """Read the state from the query string; what cannot be read is left out."""
        filters = tuple(f for f in map(Filter.read, arguments.getlist("f")) if f)
        return cls(
            path,
            arguments.get("view", ""),
            arguments.get("q", "").strip(),
            filters,
            arguments.get("where", "").strip(),
            arguments.get("sort", ""),
            arguments.get("after", ""),
            tuple(dict.fromkeys(c for c in arguments.getlist("c") if c))[:MAX_COLUMNS],
            arguments.get("as", ""),
            arguments.get("by", ""),
            arguments.get("lanes", ""),
            arguments.get("at", ""),
            arguments.get("span", ""),
        )

    @classmethod
    def of_url(cls, path: str, url: str) -> ListState:
        """Read the state from an address of the list; that of another page gives the list as it begins."""
        parts = urlsplit(url)
        return cls.read(path, MultiDict(parse_qsl(parts.query) if parts.path == path else ()))

    def pairs(self) -> list[tuple[str, str]]:
        """Return name and value of everything that is set."""
        pairs = [
            ("view", self.view),
            ("q", self.search),
            *(("f", f.text) for f in self.filters),
            ("where", self.where),
            ("sort", self.sort),
            ("after", self.after),
            *(("c", c) for c in self.columns),
            ("as", self.shape),
            ("by", self.by),
            ("lanes", self.lanes),
            ("at", self.at),
            ("span", self.span),
        ]
        return [(k, v) for k, v in pairs if v]

    def url(self, **changes: Any) -> str:
        """Return the address of the same list with changes. Any change but ``after`` goes back to the beginning."""
        changed = replace(self, **{"after": "", **changes})
        pairs = changed.pairs()
        return self.path + (f"?{urlencode(pairs)}" if pairs else "")

    def query(self, **more: str) -> str:
        """Return the query string of the same list from its beginning, with more parameters."""
        return urlencode([*((k, v) for k, v in self.pairs() if k != "after"), *more.items()])

    def without(self, gone: Filter) -> str:
        """Return the address without one filter."""
        return self.url(filters=tuple(f for f in self.filters if f != gone))

    @property
    def sorts(self) -> list[tuple[str, bool]]:
        """Return path and whether it is descending of each key of the order, as far as the address says."""
        keys = [key.strip() for key in self.sort.split(",")]
        return [(k.removeprefix("-"), k.startswith("-")) for k in keys if k.removeprefix("-")][:MAX_SORTS]

    def sorted_by(self, field: str, current: str) -> str:
        """Return the address that sorts by a field, or the other way round if it does already."""
        return self.url(sort=f"-{field}" if current == field else field)

    def also_sorted_by(self, field: str, current: Sequence[tuple[str, bool]]) -> str:
        """Return the address that sorts by the present keys and then by a field, or turns its place in them round."""
        known = dict(current)
        keys = [(p, not d if p == field else d) for p, d in current] + ([] if field in known else [(field, False)])
        return self.url(sort=",".join(f"-{p}" if d else p for p, d in keys[-MAX_SORTS:]))

    def filter_tree(self, base: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """Return the filter of the view and the person's own together."""
        own = [f.to_json() for f in self.filters] + ([{"formula": self.where}] if self.where else [])
        parts: Sequence[Mapping[str, Any]] = [*([base] if base else []), *own]
        return {"and": list(parts)} if parts else None

"""Roll-ups that formulas ask for: ``SUM(lines.amount)`` is kept as a hidden field of the record that has the lines.

The field's name follows from what it computes, so that two formulas share one and publishing again changes nothing. It
begins with an underscore, which no name of a document does: it is in no form, list or answer, and cannot be asked for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trellis_metadata.formula import tree as t
from trellis_metadata.formula.errors import FormulaError
from trellis_metadata.formula.parser import parse
from trellis_metadata.snapshot import Snapshot

FUNCTIONS = ("SUM", "COUNT", "MIN", "MAX", "AVG", "JOIN")
MARK = "_"
MAX_NAME = 48
_MENTIONED = re.compile(rf"\b({'|'.join(FUNCTIONS)})\s*\(", re.IGNORECASE)
Field = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChildPath:
    """A path through a child list, ``lines.amount`` or ``order.lines.amount``: the record that has the list, the field."""

    owner: str
    relations: tuple[str, ...]
    child: str
    link: str
    field: str


def child_path(snapshot: Snapshot, object_name: str, steps: list[str]) -> ChildPath | None:
    """Return what a path through a child list means from ``object_name`` on, None when it is none."""
    *relations, relationship, field = steps if len(steps) > 1 else ["", ""]
    owner = object_name
    for step in relations:
        target = _target(snapshot, owner, step)
        if target is None:
            return None
        owner = target
    found = [
        (child, f["name"])
        for child, document in snapshot.of_kind("object").items()
        for f in document.get("fields", ())
        if f.get("relationship") == relationship and owner in _targets(f)
    ]
    return ChildPath(owner, tuple(relations), *found[0], field) if len(found) == 1 else None


def _target(snapshot: Snapshot, owner: str, name: str) -> str | None:
    from trellis.ripples.inputs import field_of, target_of

    return target_of(field_of(snapshot, owner, name))


def _targets(field: Field) -> tuple[str, ...]:
    if field.get("type") == "user":
        return ("user",)
    target = field.get("target", ())
    return (target,) if isinstance(target, str) else tuple(target)


def hidden_field(function: str, path: ChildPath, separator: str | None = None) -> dict[str, Any]:
    """Return the document of the field that keeps an aggregate."""
    operation = function.lower()
    counts_records = operation == "count" and path.field == "id"
    plain = f"{MARK}{operation}_{path.child}_{path.link}_{path.field}"
    digest = hashlib.sha256(f"{plain} {separator}".encode()).hexdigest()[:8]
    name = f"{plain[: MAX_NAME - 9]}_{digest}" if separator is not None or len(plain) > MAX_NAME else plain
    return {
        "name": name,
        "type": "rollup",
        "of": f"{path.child}.{path.link}",
        "operation": operation,
        **({} if counts_records else {"field": path.field}),
        **({} if separator is None else {"separator": separator}),
    }


def hidden_fields(snapshot: Snapshot, object_name: str) -> tuple[dict[str, Any], ...]:
    """Return the hidden roll-ups that the formulas of a snapshot ask of an object, by name."""
    found: dict[str, dict[str, dict[str, Any]]] | None = snapshot.__dict__.get("_hidden_rollups")
    if found is None:
        found = {}
        for document in snapshot:
            owner = document["name"] if document["kind"] == "object" else document.get("object")
            if isinstance(owner, str):
                for text in _texts(document):
                    for path, field in _asked(snapshot, owner, text):
                        found.setdefault(path.owner, {})[field["name"]] = field
        snapshot.__dict__["_hidden_rollups"] = found
    return tuple(field for _, field in sorted(found.get(object_name, {}).items()))


def _texts(value: Any) -> Iterator[str]:
    """Yield every text of a document that may be a formula with an aggregate."""
    if isinstance(value, str):
        if _MENTIONED.search(value):
            yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)


def _asked(snapshot: Snapshot, owner: str, text: str) -> Iterator[tuple[ChildPath, dict[str, Any]]]:
    try:
        waiting: list[t.Tree] = [parse(text)]
    except FormulaError:
        return
    while waiting:
        node = waiting.pop()
        waiting.extend(t.children(node))
        if isinstance(node, t.Call) and node.name.upper() in FUNCTIONS and node.arguments:
            first = node.arguments[0]
            path = child_path(snapshot, owner, first.text.lower().split(".")) if isinstance(first, t.Name) else None
            if path is not None and path.field:
                yield path, hidden_field(node.name.upper(), path, separator_of(node))


def separator_of(call: t.Call) -> str | None:
    """Return the separator that JOIN is given, None for the other functions."""
    second = call.arguments[1] if call.name.upper() == "JOIN" and len(call.arguments) > 1 else None
    return second.value if isinstance(second, t.Literal) and isinstance(second.value, str) else None

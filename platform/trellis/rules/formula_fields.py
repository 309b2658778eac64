"""Formula fields as other formulas see them: by the type that they declare, with their own formula put in place.

A formula that uses itself, directly or over relations, cannot be put in place: such a circle is found in the graph of all
formula fields of a snapshot before any of them is typed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from trellis_metadata.formula import tree as t
from trellis_metadata.formula.dependencies import find_cycle
from trellis_metadata.formula.errors import FormulaError
from trellis_metadata.formula.parser import parse
from trellis_metadata.formula.scope import FormulaSource, Symbol
from trellis_metadata.formula.types import Type
from trellis_metadata.snapshot import Snapshot

if TYPE_CHECKING:
    from trellis.rules.scope import ObjectScope

RETURNS: Mapping[str, Type] = {
    "text": Type.TEXT,
    "number": Type.NUMBER,
    "currency": Type.NUMBER,
    "percent": Type.NUMBER,
    "boolean": Type.BOOLEAN,
    "date": Type.DATE,
    "datetime": Type.DATETIME,
    "time": Type.TIME,
}
"""What formula fields may return, and the type of the expression. A percent is a share inside formulas."""
Graph = Mapping[str, frozenset[str]]
"""For each formula field (``deal.margin``) the formula fields that it uses."""


def symbol_of(
    scope: ObjectScope, path: str, field: Mapping[str, Any], relations: tuple[str, ...], owner: str
) -> Symbol | None:
    """Return what a formula field of ``owner``, reached over ``relations``, stands for."""
    kind = RETURNS.get(str(field.get("returns")))
    if kind is None or not isinstance(field.get("formula"), str):
        return None
    percent = field["returns"] == "percent"
    if cycle_through(scope.snapshot, owner, field["name"]):
        # The field's own check tells; whoever uses it is judged by its declared type.
        return Symbol(path, kind, percent=percent, relations=relations)
    source = FormulaSource(field["formula"], scope.at(owner, relations), field.get("blanks", "zero"))
    return Symbol(path, kind, percent=percent, relations=relations, formula=source)


def cycle_through(snapshot: Snapshot, object_name: str, field: str) -> tuple[str, ...] | None:
    """Return the circle of formula fields that the field is part of or leads to, or None."""
    known: dict[str, tuple[str, ...] | None] = snapshot.__dict__.setdefault("_formula_cycles", {})
    key = f"{object_name}.{field}"
    if key not in known:
        graph = graph_of(snapshot)
        known[key] = find_cycle(_reachable(graph, key))
    return known[key]


def _reachable(graph: Graph, start: str) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = graph.get(name, frozenset())
            waiting.extend(found[name])
    return found


def graph_of(snapshot: Snapshot) -> Graph:
    """Return which formula fields use which, worked out once per snapshot."""
    found: Graph | None = snapshot.__dict__.get("_formula_graph")
    if found is None:
        found = snapshot.__dict__["_formula_graph"] = {
            f"{name}.{field['name']}": frozenset(_uses(snapshot, name, field))
            for name, document in snapshot.of_kind("object").items()
            for field in document.get("fields", ())
            if field.get("type") == "formula"
        }
    return found


def _uses(snapshot: Snapshot, object_name: str, field: Mapping[str, Any]) -> Iterator[str]:
    from trellis.rules.scope import ObjectScope

    scope = ObjectScope(snapshot, object_name)
    for name in names_in(str(field.get("formula", ""))):
        end = scope.end_of(name)
        if end is not None and end[1]["type"] == "formula":
            yield f"{end[0]}.{end[1]['name']}"


def names_in(text: str) -> list[str]:
    """Return every name that stands in a formula; nothing for one that cannot be read."""
    try:
        waiting = [parse(text)]
    except FormulaError:
        return []
    found = []
    while waiting:
        node = waiting.pop()
        if isinstance(node, t.Name):
            found.append(node.text)
        waiting.extend(t.children(node))
    return found

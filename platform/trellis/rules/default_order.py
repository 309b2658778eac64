"""In which order defaults by formula are worked out: a default that reads another field comes after that field's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trellis.rules.formulas import paths_of
from trellis.rules.scope import ObjectScope
from trellis_metadata.field_checks import is_formula
from trellis_metadata.formula.checker import check
from trellis_metadata.formula.dependencies import find_cycle
from trellis_metadata.formula.errors import FormulaError
from trellis_metadata.formula.parser import parse
from trellis_metadata.snapshot import Snapshot

Uses = Mapping[str, frozenset[str]]


def defaults_by_formula(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of an object's default formulas by field."""
    return {f["name"]: f["default"]["formula"] for f in document["fields"] if is_formula(f.get("default"))}


def uses_of(snapshot: Snapshot, document: Mapping[str, Any]) -> Uses:
    """Return, per field with a default formula, the fields with one that it reads. A broken formula reads nothing."""
    formulas = defaults_by_formula(document)
    scope = ObjectScope(snapshot, document["name"])
    found: dict[str, frozenset[str]] = {}
    for name, text in formulas.items():
        try:
            paths = paths_of(check(parse(text), scope, text=text))
        except FormulaError:
            paths = frozenset()
        found[name] = frozenset(p.split(".")[0] for p in paths) & formulas.keys()
    return found


def cycle_through(snapshot: Snapshot, object_name: str, field: str) -> tuple[str, ...] | None:
    """Return the circle of defaults that goes through ``field``, beginning and ending with it, or None."""
    document = snapshot.get("object", object_name)
    uses = uses_of(snapshot, document) if document is not None else {}
    cycle = find_cycle({k: v for k, v in uses.items() if k in _reached(uses, field)})
    if cycle is None or field not in cycle:
        return None
    at = cycle.index(field)
    return (*cycle[at:-1], *cycle[:at], field)


def _reached(uses: Uses, start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(uses.get(name, ()))
    return found


def levels(uses: Uses) -> list[list[str]]:
    """Return the fields in groups: each reads only what earlier groups gave. ``uses`` has no circle."""
    order: list[list[str]] = []
    done: set[str] = set()
    while len(done) < len(uses):
        ready = [name for name in uses if name not in done and uses[name] <= done]
        if not ready:
            raise AssertionError("defaults in a circle were published")
        order.append(ready)
        done.update(ready)
    return order

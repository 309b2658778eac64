"""What a roll-up is computed from: every stored field that its value, filter and order read, over relations too.

From this follow the order in which roll-ups are computed (levels), the circles that are refused, and the answer to "does
this change of the metadata mean other values?".
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from trellis.model.system_fields import SYSTEM_FIELD_DOCS
from trellis.ripples.definition import Column, Rollup, rollups_of
from trellis.ripples.filter_parts import filter_fields, filter_formulas
from trellis.ripples.hidden import MARK, hidden_fields
from trellis.rules.scope import ObjectScope
from trellis.storage.physical import SHADOW
from trellis_metadata.formula.checker import check
from trellis_metadata.formula.dependencies import Dependencies, dependencies, find_cycle
from trellis_metadata.formula.errors import FormulaError
from trellis_metadata.formula.parser import parse
from trellis_metadata.formula.typed import Field, walk
from trellis_metadata.snapshot import Snapshot

Path = tuple[str, ...]
"""Names of fields from a child record on; all but the last are relations."""
_LOOKUP = re.compile(r"\blookup\s*\(", re.IGNORECASE)
_DECISIVE = (
    *("type", "formula", "returns", "blanks", "scale", "precision", "target"),
    *("of", "operation", "field", "filter", "order_by", "separator", "distinct"),
)
"""Keys of a field that have a part in the values of a roll-up over it."""


def field_of(snapshot: Snapshot, object_name: str, name: str) -> Mapping[str, Any] | None:
    """Return the document of a field, system fields included."""
    document = snapshot.get("object", object_name) or {}
    hidden = hidden_fields(snapshot, object_name) if name.startswith(MARK) else ()
    return next((f for f in (*document.get("fields", ()), *SYSTEM_FIELD_DOCS, *hidden) if f["name"] == name), None)


def target_of(field: Mapping[str, Any] | None) -> str | None:
    """Return the one object that a reference leads to, None for other fields and for several."""
    if field is None:
        return None
    if field["type"] == "user":
        return "user"
    target = field.get("target") if field["type"] in ("lookup", "master_detail") else None
    if isinstance(target, list):
        return target[0] if len(target) == 1 else None
    return target


def formula_dependencies(snapshot: Snapshot, object_name: str, text: str, blanks: str = "zero") -> Dependencies | None:
    """Return what a formula over ``object_name`` reads, the hidden roll-ups among the fields; None when it is not right."""
    try:
        typed = check(parse(text), ObjectScope(snapshot, object_name), text=text, blanks=blanks)
    except FormulaError:
        return None
    kept = {n.symbol.path for n in walk(typed.root) if isinstance(n, Field) and n.symbol.rollup}
    found = dependencies(typed)
    return replace(found, fields=found.fields | kept)


def stored_paths(snapshot: Snapshot, object_name: str, path: str) -> set[Path]:
    """Return the stored fields behind a path: itself, or what the formula field at its end reads."""
    steps, owner = path.split("."), object_name
    for position, step in enumerate(steps):
        field = field_of(snapshot, owner, step)
        target = target_of(field)
        if position == len(steps) - 1 or target is None:
            # What follows a field that is no relation is a part of it, such as a currency.
            own = tuple(steps[: position + 1])
            if field is not None and field["type"] == "formula":
                return {own[:-1] + inner for inner in formula_paths(snapshot, owner, field)}
            return {own}
        owner = target
    return set()


def formula_paths(snapshot: Snapshot, object_name: str, field: Mapping[str, Any]) -> set[Path]:
    """Return the stored fields that a formula field reads."""
    return text_paths(snapshot, object_name, field["formula"], field.get("blanks", "zero"))


def text_paths(snapshot: Snapshot, object_name: str, text: str, blanks: str = "zero") -> set[Path]:
    """Return the stored fields that a formula reads."""
    found = formula_dependencies(snapshot, object_name, text, blanks)
    return set() if found is None else {tuple(p.split(".")) for p in found.fields}


def filter_paths(snapshot: Snapshot, object_name: str, filter: object) -> Iterator[Path]:
    """Yield the stored fields that a filter reads."""
    for text, _ in filter_formulas(filter):
        yield from text_paths(snapshot, object_name, text)
    for path, _ in filter_fields(filter):
        yield from stored_paths(snapshot, object_name, path)


def inputs_of(snapshot: Snapshot, rollup: Rollup) -> frozenset[Path]:
    """Return the stored fields, as paths from the child record, that the roll-up's value follows from."""
    known: dict[Column, frozenset[Path]] = snapshot.__dict__.setdefault("_rollup_inputs", {})
    found = known.get(rollup.column)
    if found is None:
        paths: set[Path] = {(rollup.link,), *filter_paths(snapshot, rollup.child, rollup.filter)}
        for path in (rollup.field, rollup.order_by):
            if path:
                paths |= stored_paths(snapshot, rollup.child, path)
        found = known[rollup.column] = frozenset(paths)
    return found


def columns_of(snapshot: Snapshot, object_name: str, path: Path) -> Iterator[Column]:
    """Yield every stored field that a path goes over, as object and name."""
    owner: str | None = object_name
    for step in path:
        if owner is None:
            return
        yield owner, step
        owner = target_of(field_of(snapshot, owner, step))


def sources(snapshot: Snapshot, rollup: Rollup) -> set[Column]:
    """Return every stored field that the roll-up follows from."""
    return {c for path in inputs_of(snapshot, rollup) for c in columns_of(snapshot, rollup.child, path)}


def circle_of(snapshot: Snapshot, column: Column) -> tuple[str, ...] | None:
    """Return the circle of roll-ups that a roll-up is part of, as ``deal.cost`` …, or None."""
    known = rollups_of(snapshot)
    uses = {k: [s for s in sources(snapshot, r) if s in known] for k, r in known.items()}
    reachable, waiting = set(), [column]
    while waiting:
        for used in uses.get(waiting.pop(), ()):
            if used not in reachable:
                reachable.add(used)
                waiting.append(used)
    if column not in reachable:
        return None
    names = {".".join(k): [".".join(u) for u in v if u in reachable] for k, v in uses.items() if k in reachable}
    found = find_cycle(names)
    return found if found and ".".join(column) in found else (".".join(column), "…", ".".join(column))


def levels(snapshot: Snapshot) -> Mapping[Column, int]:
    """Return the level of each roll-up: 1, or one more than the highest roll-up that it is computed from."""
    known, done = rollups_of(snapshot), dict[Column, int]()

    def level(column: Column, depth: int = 0) -> int:
        if column not in done:
            below = [s for s in sources(snapshot, known[column]) if s in known and s != column]
            done[column] = 1 + max((level(s, depth + 1) for s in below), default=0) if depth <= len(known) else 1
        return done[column]

    return {column: level(column) for column in sorted(known)}


def meanings(snapshot: Snapshot) -> Mapping[Column, str]:
    """Return a digest of everything that decides the values of each roll-up: equal digests, equal values."""
    found: dict[Column, str] | None = snapshot.__dict__.get("_rollup_meanings")
    if found is None:
        found, order = {}, levels(snapshot)
        for column, rollup in sorted(rollups_of(snapshot).items(), key=lambda item: order[item[0]]):
            read: Iterable[Column] = sorted(sources(snapshot, rollup) | _formulas(snapshot, rollup))
            below = [found.get(c) for c in read]
            fields = [field_of(snapshot, *c) for c in read]
            parts = [_decisive(rollup.document), *map(_decisive, fields), list(read), below]
            parts += _tables(snapshot, [rollup.document, *fields])
            found[column] = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        snapshot.__dict__["_rollup_meanings"] = found
    return found


def shadow_meanings(snapshot: Snapshot) -> Mapping[Column, str]:
    """Return a digest of everything that decides the stored copy of each indexed formula field."""
    found: dict[Column, str] | None = snapshot.__dict__.get("_shadow_meanings")
    if found is None:
        found = snapshot.__dict__["_shadow_meanings"] = {
            (name, field["name"]): _shadow_meaning(snapshot, name, field)
            for name, document in snapshot.of_kind("object").items()
            for field in document["fields"]
            if field["type"] == "formula" and field.get("indexed")
        }
    return found


def _shadow_meaning(snapshot: Snapshot, object_name: str, field: Mapping[str, Any]) -> str:
    own = {**_decisive(field), "max_length": field.get("max_length")}
    return _digest([own, meaning_of(snapshot, object_name, field["formula"], field.get("blanks", "zero"))])


def meaning_of(snapshot: Snapshot, object_name: str, text: str, blanks: str = "zero") -> str:
    """Return a digest of everything in the documents that decides the value of a formula over its own record."""
    inner = sorted(_formulas_behind(snapshot, [(object_name, text)]))
    read = sorted({(object_name, path[0]) for path in text_paths(snapshot, object_name, text, blanks)})
    rollups = meanings(snapshot)
    parts = [
        text,
        [_decisive(field_of(snapshot, *column)) for column in inner],
        [(*column, _decisive(field_of(snapshot, *column)), rollups.get(column)) for column in read],
        _tables(snapshot, [{"formula": text}, *(field_of(snapshot, *column) for column in inner)]),
    ]
    return _digest(parts)


def _digest(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _tables(snapshot: Snapshot, fields: Iterable[Mapping[str, Any] | None]) -> list[str]:
    """Return the digests of the decision tables that one of the formulas may look up in."""
    if not any(_LOOKUP.search(json.dumps(f)) for f in fields if f is not None):
        return []
    return sorted(digest for (kind, _), digest in snapshot.digests.items() if kind == "decision_table")


def recomputed(old: Snapshot, new: Snapshot) -> dict[str, set[str]]:
    """Return what is stored of ``new``, by object, that is new or means something else than in ``old``.

    Roll-ups by their names, the copies of indexed formulas by those of their shadows.
    """
    found = dict[str, set[str]]()
    for prefix, digests in (("", meanings), (SHADOW, shadow_meanings)):
        before = digests(old)
        for (object_name, name), meaning in digests(new).items():
            if before.get((object_name, name)) != meaning:
                found.setdefault(object_name, set()).add(prefix + name)
    return found


def _formulas(snapshot: Snapshot, rollup: Rollup) -> set[Column]:
    """Return the formula fields on the way: their texts decide the values too."""
    texts = [t for t in (rollup.field, rollup.order_by) if t]
    texts += [text for text, _ in (*filter_formulas(rollup.filter), *filter_fields(rollup.filter))]
    return _formulas_behind(snapshot, [(rollup.child, t) for t in texts])


def _formulas_behind(snapshot: Snapshot, waiting: list[tuple[str, str]]) -> set[Column]:
    """Return the formula fields that the formulas ``waiting``, each with its object, lead to."""
    names: set[tuple[str, str]] = set()
    while waiting:
        owner, text = waiting.pop()
        found = formula_dependencies(snapshot, owner, text)
        for path in found.formulas if found else ():
            column = list(columns_of(snapshot, owner, tuple(path.split("."))))[-1]
            if column not in names:
                names.add(column)
                field = field_of(snapshot, *column)
                waiting.append((column[0], field["formula"] if field else ""))
    return names


def _decisive(field: Mapping[str, Any] | None) -> dict[str, Any]:
    return {} if field is None else {k: field[k] for k in _DECISIVE if k in field}

"""Values to try in records: what the types of fields take and refuse, and what the constants of formulas suggest."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from trellis.model import FieldModel, Model, ObjectModel
from trellis.packs.scratch import START
from trellis.transaction import Transaction
from trellis_metadata.formula.errors import FormulaError
from trellis_metadata.formula.parser import parse
from trellis_metadata.formula.tree import Literal, Name, Tree, children

_SHAPES = ("Example", "EXAMPLE", "example", "A1", "A-1", "AB-12", "ABC-123", "1", "12345", "123456", "2026", "A", "a-b")
"""Texts to try where a field has a pattern."""


def parts(tree: Tree) -> Iterator[Tree]:
    """Yield every node of a formula."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(children(node))


def parents(
    tx: Transaction, model: ObjectModel, depth: int, owner: str | None = None, known: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Create what a record must point at, up to ``depth`` levels, for ``owner`` (an id) if given; return the references.

    ``known`` has ids by object: those records are pointed at instead of new ones.
    """
    found: dict[str, Any] = {}
    for f in model.fields.values():
        if f.writable and f.required and f.category == "reference" and depth:
            found[f.name] = record_for(tx, f, depth, owner, known)
    return found


def record_for(
    tx: Transaction, f: FieldModel, depth: int, owner: str | None = None, known: Mapping[str, str] | None = None
) -> str:
    """Return the id of a record that a reference may point at, made if none is ``known``."""
    target = f.codec.targets[0]
    if known and target in known:
        return known[target]
    model = tx.model.object(target)
    row = parents(tx, model, depth - 1, owner, known)
    row |= {g.name: usual_value(g) for g in model.fields.values() if g.writable and g.required and g.name not in row}
    row |= {"owner": owner}
    number = tx.create(target, [{k: v for k, v in row.items() if v is not None}])[0].id
    return tx.model.env.format_id(target, int(number or 0))


def related_values(
    model: Model, root: ObjectModel, formulas: Sequence[str], limit: int
) -> Iterator[Mapping[str, Mapping[str, Any]]]:
    """Yield values of related records that formulas may ask for, by lookup field, at most ``limit`` of them.

    The first is empty: the related records as they are. Only one step over a lookup is followed.
    """
    pools: dict[tuple[str, str], list[Any]] = {}
    for formula in formulas:
        try:
            tree = parse(formula)
        except FormulaError:
            continue
        literals = [n.value for n in parts(tree) if isinstance(n, Literal)]
        for name in (n.text for n in parts(tree) if isinstance(n, Name) and n.text.count(".") == 1):
            lookup, field = name.split(".")
            f = root.fields.get(lookup)
            if f is not None and f.writable and f.category == "reference":
                asked = model.object(f.codec.targets[0]).fields.get(field)
                if asked is not None and asked.writable:
                    pools.setdefault((lookup, field), []).extend(values_to_try(asked, literals))
    yield {}
    for values in itertools.islice(itertools.product(*pools.values()), limit if pools else 0):
        found: dict[str, dict[str, Any]] = {}
        for (lookup, field), value in zip(pools, values, strict=True):
            found.setdefault(lookup, {})[field] = value
        yield found


def usual_value(f: FieldModel) -> Any:
    """Return a value that the field's type takes, or None."""
    schema = f.codec.json_schema
    if f.category == "reference" or f.doc["type"] in ("file", "image"):
        return None
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    if "options" in f.doc:
        return f.doc["options"][0]["name"]
    if f.doc["type"] == "person_name":
        return {"first": "Ada", "last": "Example"}
    if "pattern" in f.doc:
        return next((t for t in _SHAPES if re.fullmatch(f.doc["pattern"], t)), None)
    simple = {"boolean": True, "number": f.doc.get("min", "12"), "text": "Example"}
    return simple.get(f.category or "", "Example" if schema.get("type") == "string" else None)


def other_values(f: FieldModel) -> list[Any]:
    """Return up to three other values that the field's type takes."""
    usual = usual_value(f)
    if "pattern" in f.doc:
        return [t for t in _SHAPES if t != usual and re.fullmatch(f.doc["pattern"], t)][:3]
    return [v for v in values_to_try(f, []) if v != usual][:3]


def wrong_value(f: FieldModel) -> Any:
    """Return a value that the field's type must refuse, or None if none is known."""
    if "max_length" in f.doc and f.category == "text":
        return "x" * (int(f.doc["max_length"]) + 1)
    return {
        "number": "no number",
        "date": "2026-02-30",
        "datetime": "yesterday",
        "boolean": "perhaps",
        "choice": "no_such_option_here" if f.doc.get("restricted", True) else None,
    }.get(f.category or "")


def values_to_try(f: FieldModel, literals: Sequence[Any]) -> list[Any]:
    """Return values to try in a field: what the constants of a formula suggest, and the edges of its type."""
    found: list[Any] = [None, usual_value(f)]
    numbers = [v for v in literals if isinstance(v, Decimal)]
    texts = [v for v in literals if isinstance(v, str)]
    category = f.category or ""
    if category == "boolean":
        found = [True, False]
    elif category in ("choice", "choices"):
        names = [o["name"] for o in f.codec.json_schema.get("options", f.doc.get("options", ()))]
        names += list(f.codec.json_schema.get("enum", ())) + texts
        found += [n if category == "choice" else [n] for n in dict.fromkeys(names)]
    elif category == "number":
        edges = {Decimal(0), Decimal(1), Decimal(-1), *(n + d for n in numbers for d in (-1, 0, 1))}
        found += [_number(f, n) for n in sorted(edges)]
    elif category in ("date", "datetime"):
        near = [int(n) for n in numbers[:3] if abs(n) < 9000]
        days = [START.date() + timedelta(days=n) for n in (0, -1, 1, -400, 400, *near)]
        found += [_day(d, category) for d in days]
    elif category == "text":
        lengths = {int(n) + d for n in numbers if 0 < n < 200 for d in (-1, 0, 1)}
        found += [*texts, *("x" * n for n in sorted(lengths) if n > 0), "Other"]
    unique: list[Any] = []
    for value in found:
        if value not in unique:
            unique.append(value)
    return unique


def _number(f: FieldModel, value: Decimal) -> Any:
    if f.doc["type"] in ("integer", "rating"):
        return int(value)
    return {"amount": str(value), "currency": "USD"} if f.doc["type"] == "currency" else str(value)


def _day(day: date, category: str) -> str:
    return day.isoformat() if category == "date" else f"{day.isoformat()}T09:00:00Z"


def candidates(model: ObjectModel, formula: str, base: Mapping[str, Any], limit: int) -> Iterator[dict[str, Any]]:
    """Yield values of a record, ``base`` first, that may make a formula true or false; nothing for one that is wrong."""
    try:
        tree = parse(formula)
    except FormulaError:
        return
    literals = [n.value for n in parts(tree) if isinstance(n, Literal)]
    names = dict.fromkeys(n.text.split(".")[0] for n in parts(tree) if isinstance(n, Name))
    fields = [f for n in names if (f := model.fields.get(n)) is not None and f.writable]
    fields = [f for f in fields if f.category != "reference"]
    pools = [values_to_try(f, literals) for f in fields]
    yield dict(base)
    for values in itertools.islice(itertools.product(*pools), limit):
        yield {**base, **dict(zip([f.name for f in fields], values, strict=True))}

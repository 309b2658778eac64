"""Tests that metadata give by themselves: valid and invalid records for every object, both sides of every rule.

For a validation rule records are searched for with the rule's own formula: values are tried that its constants suggest.
What is found is then written for real; what is not found is said, not passed over.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.model import FieldModel, ObjectModel
from trellis.packs.scratch import START, Scratch
from trellis.tenant import Tenant
from trellis.transaction import Transaction
from trellis_metadata.errors import TrellisError
from trellis_metadata.formula.errors import FormulaError
from trellis_metadata.formula.parser import parse
from trellis_metadata.formula.tree import Literal, Name, Tree, children

MAX_TRIES = 600
MAX_DEPTH = 4
_CAUSE = Cause("test")
_SHAPES = ("Example", "EXAMPLE", "example", "A1", "A-1", "AB-12", "ABC-123", "1", "12345", "123456", "2026", "A", "a-b")
"""Texts to try where a field has a pattern."""


@dataclass(frozen=True)
class Check:
    """One generated test: what was tried, and how it ended: ``passed``, ``failed`` or ``not_found``."""

    object: str
    what: str
    result: str
    detail: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the check as a JSON value."""
        return {"object": self.object, "what": self.what, "result": self.result, "detail": self.detail}


def run_generated(scratch: Scratch, objects: Sequence[str] | None = None) -> list[Check]:
    """Test every object (or those named) of the metadata in a scratch tenant; return one entry per test."""
    with scratch.tenant(START) as tenant:
        names = [n for n in tenant.model().object_names if n in objects] if objects is not None else _own(tenant)
        return [check for name in names for check in _Tester(tenant, name).checks()]


def _own(tenant: Tenant) -> list[str]:
    core = tenant.core_snapshot().of_kind("object")
    return [n for n in tenant.model().object_names if n not in core]


class _Tester:
    """Tests one object."""

    def __init__(self, tenant: Tenant, name: str) -> None:
        self.tenant, self.name = tenant, name
        self.model = tenant.model().object(name)

    def checks(self) -> Iterator[Check]:
        """Yield all checks of the object."""
        valid, errors = self._valid()
        if valid is None:
            yield Check(self.name, "valid record", "not_found", _told(errors))
        else:
            yield Check(self.name, "valid record", "passed")
            yield from self._required(valid)
            yield from self._types(valid)
        for rule in self.model.doc.get("validation", ()):
            yield from self._rule(rule, valid)

    # -- records ---------------------------------------------------------------------------------------------------

    def _valid(self) -> tuple[dict[str, Any] | None, Any]:
        """Return values that the object accepts, found by trying what its fields suggest."""
        minimal = {f.name: _value(f) for f in self._writable() if f.required and _value(f) is not None}
        errors = self._try(minimal)
        if not errors:
            return minimal, None
        wanted = [f for f in self._writable() if f.name in errors or f.required]
        pools = [[v for v in (_value(f), *_others(f))] for f in wanted[:6]]
        for values in itertools.islice(itertools.product(*pools), 60):
            candidate = {**minimal, **dict(zip([f.name for f in wanted], values, strict=False))}
            if not self._try(candidate):
                return candidate, None
        return None, errors

    def _writable(self) -> list[FieldModel]:
        return [f for f in self.model.fields.values() if f.writable]

    def _try(self, values: Mapping[str, Any]) -> Any:
        """Write a record, with records that it must point at, and take it back; return its errors."""
        found: list[Any] = []

        def body(tx: Transaction) -> None:
            row = {**_parents(tx, self.model, MAX_DEPTH), **values}
            found.extend(o.errors for o in tx.create(self.name, [row], mode="partial"))

        try:
            self.tenant.run(SYSTEM, _CAUSE, body, preview=True)
        except TrellisError as problem:
            return {"_record": [{"code": problem.code, "message": problem.message}]}
        return found[0] if found else None

    # -- what must be refused --------------------------------------------------------------------------------------

    def _required(self, valid: Mapping[str, Any]) -> Iterator[Check]:
        for f in self._writable():
            if f.required and f.doc.get("default") is None and f.category != "auto" and "visible_when" not in f.doc:
                errors = self._try({**valid, f.name: None})
                yield self._expect(f"'{f.name}' is required", errors, f.name)

    def _types(self, valid: Mapping[str, Any]) -> Iterator[Check]:
        for f in self._writable():
            wrong = _wrong(f)
            if wrong is not None:
                errors = self._try({**valid, f.name: wrong})
                yield self._expect(f"'{f.name}' refuses {str(wrong)[:30]!r}", errors, f.name)

    def _expect(self, what: str, errors: Any, name: str) -> Check:
        refused = bool(errors) and (name in errors or "_record" in errors)
        return Check(self.name, what, "passed" if refused else "failed", "" if refused else "It was accepted.")

    # -- rules -----------------------------------------------------------------------------------------------------

    def _rule(self, rule: Mapping[str, Any], valid: Mapping[str, Any] | None) -> Iterator[Check]:
        name = rule["name"]
        broken, kept = None, None
        for values in self._candidates(rule["when"], valid or {}):
            errors = self._try(values)
            codes = {e["code"] for found in (errors or {}).values() for e in found if isinstance(e, Mapping)}
            if name in codes:
                broken = broken or values
            elif not errors:
                kept = kept or values
            if broken is not None and kept is not None:
                break
        for what, found in (("is broken by", broken), ("is satisfied by", kept)):
            tried = f"No such record among {MAX_TRIES} tried."
            shown = {k: v for k, v in (found or {}).items() if v is not None}
            yield Check(
                self.name,
                f"rule '{name}' {what} a record",
                "passed" if found is not None else "not_found",
                str(shown)[:300] if found is not None else tried,
            )

    def _candidates(self, formula: str, valid: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        try:
            tree = parse(formula)
        except FormulaError:
            return
        literals = [n.value for n in _walk(tree) if isinstance(n, Literal)]
        names = dict.fromkeys(n.text.split(".")[0] for n in _walk(tree) if isinstance(n, Name))
        fields = [f for n in names if (f := self.model.fields.get(n)) is not None and f.writable]
        pools = [_pool(f, literals) for f in fields]
        yield dict(valid)
        for values in itertools.islice(itertools.product(*pools), MAX_TRIES):
            yield {**valid, **dict(zip([f.name for f in fields], values, strict=True))}


def _told(errors: Any) -> str:
    found = [f"{n}: {e['message']}" for n, told in (errors or {}).items() for e in told if isinstance(e, Mapping)]
    return "; ".join(found)[:300]


def _walk(tree: Tree) -> Iterator[Tree]:
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(children(node))


def _parents(tx: Transaction, model: ObjectModel, depth: int) -> dict[str, Any]:
    """Create what a record must point at and return the references."""
    found: dict[str, Any] = {}
    for f in model.fields.values():
        if not (f.writable and f.required and f.category == "reference") or not depth:
            continue
        target = f.codec.targets[0]
        parent = tx.model.object(target)
        row = {**_parents(tx, parent, depth - 1)}
        row |= {g.name: _value(g) for g in parent.fields.values() if g.writable and g.required and g.name not in row}
        number = tx.create(target, [{k: v for k, v in row.items() if v is not None}])[0].id
        found[f.name] = tx.model.env.format_id(target, int(number or 0))
    return found


def _value(f: FieldModel) -> Any:
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


def _others(f: FieldModel) -> list[Any]:
    return [v for v in _pool(f, []) if v != _value(f)][:3]


def _wrong(f: FieldModel) -> Any:
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


def _pool(f: FieldModel, literals: Sequence[Any]) -> list[Any]:
    """Return values to try in a field: what the constants of a formula suggest, and the edges of its type."""
    found: list[Any] = [None, _value(f)]
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

"""Judges roll-ups before they are published: names, types, filters, what only the moment knows, and circles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from trellis.fields import field_types
from trellis.fields.rollup import child_field, held_by_rollup
from trellis.relative_dates import range_of
from trellis.ripples.definition import ORDERED, Rollup
from trellis.ripples.filter_parts import filter_fields, filter_formulas
from trellis.ripples.inputs import circle_of, field_of, formula_dependencies, target_of
from trellis.ripples.sql_check import refusal
from trellis.rules.checking import check_formula
from trellis.rules.scope import ObjectScope
from trellis_metadata import filters
from trellis_metadata.context import Check
from trellis_metadata.diagnostics import Diagnostic, did_you_mean
from trellis_metadata.formula.checker import check
from trellis_metadata.formula.dependencies import Dependencies
from trellis_metadata.formula.errors import FormulaError
from trellis_metadata.formula.functions import Reads
from trellis_metadata.formula.parser import parse
from trellis_metadata.formula.types import Type
from trellis_metadata.relations import Relations
from trellis_metadata.snapshot import Snapshot

NUMBERS = ("number", "integer", "currency", "percent", "rating", "duration")
COMPARABLE = (*NUMBERS, "date", "datetime", "time", "text", "email", "auto_number")
JOINABLE = ("text", "long_text", "email", "phone", "url", "auto_number", "picklist", "stage")
KEEPABLE = (*COMPARABLE, *JOINABLE, "boolean", "lookup", "master_detail", "user")
_TYPES: Mapping[str, tuple[str, ...]] = {
    "sum": NUMBERS,
    "avg": NUMBERS,
    "min": COMPARABLE,
    "max": COMPARABLE,
    "first": KEEPABLE,
    "last": KEEPABLE,
    "join": JOINABLE,
    "count": KEEPABLE,
}
_ANY_DAY = date(2000, 1, 1)
_OPTIONS: Mapping[str, frozenset[str]] = {
    "order_by": ORDERED,
    "separator": frozenset({"join"}),
    "distinct": frozenset({"join", "count"}),
    "scale": frozenset({"avg"}),
}


def check_options(field: Mapping[str, Any], pointer: str) -> Iterator[Diagnostic]:
    """Yield which options do not go with the operation."""
    operation = field["operation"]
    if operation != "count" and "field" not in field:
        yield Diagnostic(
            "missing_key",
            pointer,
            f"A roll-up with operation '{operation}' needs a 'field'.",
            "Name a field of the child.",
        )
    for key, allowed in _OPTIONS.items():
        if key in field and operation not in allowed:
            yield Diagnostic(
                "unused_option",
                f"{pointer}/{key}",
                f"'{key}' has no effect with operation '{operation}': it goes with {', '.join(sorted(allowed))}.",
                f"Remove '{key}'.",
            )
    if operation == "count" and field.get("distinct") and "field" not in field:
        yield Diagnostic(
            "unused_option",
            f"{pointer}/distinct",
            "'distinct' counts the different values of a field, but no field is named.",
            "Add 'field' or remove 'distinct'.",
        )


def check_rollup(field: Mapping[str, Any], pointer: str, object_name: str, snapshot: Snapshot) -> Iterator[Diagnostic]:
    """Yield what is wrong with a roll-up of ``object_name``."""
    rollup = Rollup.read(object_name, field)
    problem = _link_problem(snapshot, rollup)
    if problem is not None:
        code, message = problem
        yield Diagnostic(code, f"{pointer}/of", message, "Write 'object.lookup', such as 'expense.deal'.")
        return
    circle = circle_of(snapshot, rollup.column)
    if circle is not None:
        yield Diagnostic(
            "rollup_cycle",
            pointer,
            f"Roll-ups are computed from each other in a circle: {' → '.join(circle)}.",
            "Compute one of them from something else.",
        )
        return
    yield from _check_field(snapshot, rollup, pointer)
    yield from _check_filter(snapshot, rollup, pointer)
    yield from _check_order(snapshot, rollup, pointer)


def _link_problem(snapshot: Snapshot, rollup: Rollup) -> tuple[str, str] | None:
    child = snapshot.get("object", rollup.child)
    if child is None:
        hint = did_you_mean(rollup.child, snapshot.of_kind("object"))
        return "unknown_reference", f"There is no object '{rollup.child}'.{hint}"
    link = next((f for f in child["fields"] if f["name"] == rollup.link), None)
    here = [f["name"] for f in child["fields"] if rollup.object in _targets(f)]
    if link is None:
        hint = did_you_mean(rollup.link, here) + _known(here)
        return "unknown_field", f"Object '{rollup.child}' has no field '{rollup.link}'.{hint}"
    if rollup.object not in _targets(link):
        hint = _known(here)
        return "not_a_child", f"Field '{rollup.link}' of '{rollup.child}' does not point at '{rollup.object}'.{hint}"
    return None


def _known(names: list[str]) -> str:
    return f" Fields that do: {', '.join(names)}." if names else " No field of it does."


def _targets(field: Mapping[str, Any]) -> tuple[str, ...]:
    if field["type"] == "user":
        return ("user",)
    target = field.get("target", ()) if field["type"] in ("lookup", "master_detail") else ()
    return (target,) if isinstance(target, str) else tuple(target)


def _check_field(snapshot: Snapshot, rollup: Rollup, pointer: str) -> Iterator[Diagnostic]:
    if rollup.field is None:
        return
    at = f"{pointer}/field"
    found = child_field(rollup.document, snapshot.get)
    if found is None:
        known = [f["name"] for f in (snapshot.get("object", rollup.child) or {"fields": ()})["fields"]]
        message = f"Object '{rollup.child}' has no field '{rollup.field}'.{did_you_mean(rollup.field, known)}"
        yield Diagnostic("unknown_field", at, message, "Name a field of the child records.")
        return
    kept = {**rollup.document, "operation": "first", "order_by": None}
    kind, allowed = held_by_rollup(kept, snapshot.get)["type"], _TYPES[rollup.operation]
    if kind not in allowed:
        yield Diagnostic(
            "wrong_field_type",
            at,
            f"Operation '{rollup.operation}' does not work on '{rollup.field}', which is a {kind}.",
            f"Use a field of type {', '.join(allowed)}.",
        )
        return
    if found["type"] == "formula":
        yield from _check_reads(snapshot, rollup.child, found["formula"], at, f"The formula field '{rollup.field}'")
        yield from _check_sql(snapshot, rollup.child, found["formula"], at, field=found)


def _check_filter(snapshot: Snapshot, rollup: Rollup, pointer: str) -> Iterator[Diagnostic]:
    at = f"{pointer}/filter"
    if isinstance(rollup.filter, str):
        yield from _check_text(snapshot, rollup.child, rollup.filter, at)
    elif rollup.filter is not None:
        types = field_types()
        yield from filters.check(
            rollup.filter, rollup.child, at, Check(snapshot, types, Relations(snapshot, types, {}), check_formula)
        )
        yield from _moments(rollup.filter, at)
        for path, place in filter_fields(rollup.filter, at):
            yield from _check_path(snapshot, rollup.child, path, place)
        for text, place in filter_formulas(rollup.filter, at):
            yield from _check_reads(snapshot, rollup.child, text, place, "The filter")
            yield from _check_sql(snapshot, rollup.child, text, place)


def _check_text(snapshot: Snapshot, child: str, text: str, at: str) -> Iterator[Diagnostic]:
    try:
        check(parse(text), ObjectScope(snapshot, child), text=text, returns=Type.BOOLEAN)
    except FormulaError as error:
        for problem in error.problems:
            yield Diagnostic(problem.code, at, problem.show(text), "Correct the formula at the marked place.")
        return
    yield from _check_reads(snapshot, child, text, at, "The filter")
    yield from _check_sql(snapshot, child, text, at)


def _check_order(snapshot: Snapshot, rollup: Rollup, pointer: str) -> Iterator[Diagnostic]:
    if rollup.order_by is None:
        return
    at, steps, owner = f"{pointer}/order_by", rollup.order_by.split("."), rollup.child
    for position, step in enumerate(steps):
        field = field_of(snapshot, owner, step)
        if field is None:
            known = [f["name"] for f in (snapshot.get("object", owner) or {"fields": ()})["fields"]]
            message = f"Object '{owner}' has no field '{step}'.{did_you_mean(step, known)}"
            yield Diagnostic("unknown_field", at, message, "Name a field of the child records.")
            return
        if position < len(steps) - 1:
            target = target_of(field)
            if target is None:
                message = f"Field '{step}' of '{owner}' leads to no other object."
                yield Diagnostic("unknown_field", at, message, "Name a field of the child records.")
                return
            owner = target
    yield from _check_path(snapshot, rollup.child, rollup.order_by, at)


def _check_path(snapshot: Snapshot, child: str, path: str, at: str) -> Iterator[Diagnostic]:
    """A formula field at the end of a path must not know the moment or the asker either."""
    steps, owner = path.split("."), child
    for step in steps[:-1]:
        owner = target_of(field_of(snapshot, owner, step)) or owner
    field = field_of(snapshot, owner, steps[-1])
    if field is not None and field["type"] == "formula":
        yield from _check_reads(snapshot, owner, field["formula"], at, f"The formula field '{path}'")
        yield from _check_sql(snapshot, owner, field["formula"], at, field=field)


def _check_reads(snapshot: Snapshot, child: str, text: str, at: str, subject: str) -> Iterator[Diagnostic]:
    found = formula_dependencies(snapshot, child, text)
    if found is None:
        yield Diagnostic("bad_formula", at, f"{subject} is not right itself.", "Correct the formula first.")
        return
    for flag, words in (
        (Reads.CLOCK, "reads the clock"),
        (Reads.USER, "depends on who asks"),
        (Reads.CHANGE, "reads the record as it was before the change"),
        (Reads.ORGANISATION, "reads settings, rates, tables or records that are found by a key"),
    ):
        if flag in found.reads:
            yield Diagnostic(
                "unstable_rollup",
                at,
                f"{subject} {words} ({_culprits(found, flag)}): it changes without any record that it leads to being "
                "changed, so that no stored roll-up of it stays right.",
                "Compare stored fields with each other or with constants.",
            )


def _culprits(found: Dependencies, flag: Reads) -> str:
    from trellis.formula import functions

    known = functions()
    guilty = [f for f in sorted(found.functions) if f in known and flag in known[f].reads]
    return ", ".join(guilty or sorted(found.globals)) or "by a function"


def _check_sql(
    snapshot: Snapshot, child: str, text: str, at: str, *, field: Mapping[str, Any] | None = None
) -> Iterator[Diagnostic]:
    reason = refusal(snapshot, child, text, field)
    if reason is not None:
        yield Diagnostic("no_exact_sql", at, reason, "Write it with other functions.")


def _moments(tree: object, at: str) -> Iterator[Diagnostic]:
    """Yield which values of a filter tree only the moment or the asker knows."""
    if not isinstance(tree, Mapping):
        return
    for key in ("and", "or"):
        for index, part in enumerate(tree.get(key, ()) if isinstance(tree.get(key), list) else ()):
            yield from _moments(part, f"{at}/{key}/{index}")
    yield from _moments(tree.get("not"), f"{at}/not")
    values = tree.get("value")
    for value in values if isinstance(values, list) else [values]:
        if value == "$me" or (isinstance(value, str) and range_of(value, _ANY_DAY) is not None and "field" in tree):
            yield Diagnostic(
                "unstable_rollup",
                f"{at}/value",
                f"'{value}' means something else every day or for everybody, so that no stored roll-up stays right.",
                "Compare with a fixed value.",
            )

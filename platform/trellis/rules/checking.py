"""Judges formulas in documents before they are published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trellis.fields import field_types
from trellis.rules import field_values
from trellis.rules.access_conditions import beyond_the_row
from trellis.rules.default_order import cycle_through
from trellis.rules.filter_formulas import typed_filter
from trellis.rules.scope import ObjectScope
from trellis_metadata.diagnostics import Diagnostic, did_you_mean
from trellis_metadata.formula.checker import check
from trellis_metadata.formula.dependencies import dependencies
from trellis_metadata.formula.errors import FormulaError
from trellis_metadata.formula.functions import Reads
from trellis_metadata.formula.parser import parse
from trellis_metadata.formula.template import Part, parse_template
from trellis_metadata.formula.typed import Const, Typed
from trellis_metadata.formula.types import WORDS, Type
from trellis_metadata.snapshot import Snapshot

DEFAULT_BLANKS = "blank"
"""In a default a blank number stays blank: nothing is worked out from what is not known."""


def check_formula(
    text: str,
    object_name: str,
    *,
    snapshot: Snapshot,
    pointer: str,
    field: Mapping[str, Any] | None = None,
    row_only: bool = False,
    template: bool = False,
) -> Iterator[Diagnostic]:
    """Yield every problem of a condition on records of ``object_name``, of the default of ``field``, or of a ``template``.

    A formula inside a filter looks at stored records: what is only known while a record is saved is refused there.
    """
    if template:
        yield from _template(text, object_name, snapshot, pointer)
        return
    if field is None and pointer.endswith(("/formula", "/filter")):
        yield from _filter(text, object_name, snapshot, pointer)
        return
    blanks, returns = ("zero", Type.BOOLEAN) if field is None else (DEFAULT_BLANKS, None)
    try:
        typed = check(parse(text), ObjectScope(snapshot, object_name), text=text, returns=returns, blanks=blanks)
    except FormulaError as error:
        for problem in error.problems:
            yield Diagnostic(problem.code, pointer, problem.show(text), "Correct the formula at the marked place.")
        return
    if row_only:
        yield from beyond_the_row(typed, pointer)
    if field is not None:
        yield from _default(typed, field, object_name, snapshot, pointer)


def _filter(text: str, object_name: str, snapshot: Snapshot, pointer: str) -> Iterator[Diagnostic]:
    try:
        typed = typed_filter(text, object_name, snapshot)
    except FormulaError as error:
        for problem in error.problems:
            yield Diagnostic(problem.code, pointer, problem.show(text), "Correct the formula at the marked place.")
        return
    if pointer.startswith("/fields/"):
        yield from _lookup(typed, object_name, snapshot, pointer)


def _lookup(typed: Typed, object_name: str, snapshot: Snapshot, pointer: str) -> Iterator[Diagnostic]:
    """Judge the filter of a lookup, which the database answers at each write: without SQL it would allow nothing."""
    from trellis.ripples.sql_check import refusal_of  # which stands above the rules

    why = refusal_of(typed, object_name, snapshot)
    if why:
        yield Diagnostic("no_exact_sql", pointer, why, "Write the condition with other functions.")


def _template(text: str, object_name: str, snapshot: Snapshot, pointer: str) -> Iterator[Diagnostic]:
    try:
        parts = [p for p in parse_template(text) if isinstance(p, Part)]
    except FormulaError as error:
        for problem in error.problems:
            yield Diagnostic(problem.code, pointer, problem.show(text), "Correct the formula at the marked place.")
        return
    for part in parts:
        try:
            typed = check(part.tree, ObjectScope(snapshot, object_name), text=part.text, blanks=DEFAULT_BLANKS)
        except FormulaError as error:
            for problem in error.problems:
                yield Diagnostic(
                    problem.code, pointer, problem.show(part.text), "Correct the formula at the marked place."
                )
            continue
        if typed.type is Type.REFERENCE:
            yield Diagnostic(
                "template_reference",
                pointer,
                f"'{part.text.strip()}' is a reference, which says nothing to people.",
                "Name a field of the record behind it, such as its name.",
            )


def _default(
    typed: Typed, field: Mapping[str, Any], object_name: str, snapshot: Snapshot, pointer: str
) -> Iterator[Diagnostic]:
    if dependencies(typed).reads & Reads.CHANGE:
        yield Diagnostic(
            "default_of_change",
            pointer,
            "A default is worked out for a new record, which has no earlier values.",
            "Leave out ISNEW, ISCHANGED, PRIORVALUE and $old.",
        )
    wanted = field_values.wanted_types(field)
    if not wanted:
        yield Diagnostic(
            "default_type", pointer, f"A field of type {field['type']} cannot have a formula as its default."
        )
    elif not field_values.accepts(field, typed.type):
        words = " or ".join(WORDS[t] for t in wanted)
        yield Diagnostic(
            "default_type",
            pointer,
            f"The formula gives {WORDS[typed.type]}, but the field '{field['name']}' ({field['type']}) takes {words}.",
        )
    else:
        yield from _option(typed, field, snapshot, pointer)
    cycle = cycle_through(snapshot, object_name, field["name"])
    if cycle:
        yield Diagnostic(
            "default_cycle",
            pointer,
            f"The defaults read each other in a circle: {' → '.join(cycle)}.",
            "Let one of them read none of the others.",
        )


def _option(typed: Typed, field: Mapping[str, Any], snapshot: Snapshot, pointer: str) -> Iterator[Diagnostic]:
    """Judge the option that a formula names outright."""
    root = typed.root
    if field_types()[field["type"]].category != "choice" or not isinstance(root, Const):
        return
    source = snapshot.get("picklist", field["picklist"]) if "picklist" in field else field
    known = [o["name"] for o in (source or {}).get("options", ())]
    if known and root.value is not None and root.value not in known:
        yield Diagnostic(
            "bad_default", pointer, f"'{root.value}' is no option of the field.{did_you_mean(str(root.value), known)}"
        )

"""Judges formula fields before they are published: the type, circles, and what a stored record cannot answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trellis.fields.formula import ERROR
from trellis.rules.formula_fields import RETURNS, cycle_through
from trellis.rules.scope import OLD, ORG, USER, ObjectScope
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.formula.checker import check
from trellis_metadata.formula.errors import FormulaError, Problem
from trellis_metadata.formula.functions import Reads
from trellis_metadata.formula.parser import parse
from trellis_metadata.formula.typed import Call, Field, Node, Typed, walk
from trellis_metadata.formula.types import Type
from trellis_metadata.snapshot import Snapshot

_CHANGING = {
    Reads.CLOCK: "reads the clock",
    Reads.ZONE: "depends on the time zone",
    Reads.USER: "depends on who asks",
    Reads.ORGANISATION: "reads settings of the organisation",
    Reads.RECORDS: "reads other records",
    Reads.CHANGE: "reads the change",
}
"""Why the result of a function may change without its record, in the order in which it is told."""
MAX_RELATIONS = 20
"""Records that one formula may walk to: each is a join (SQLite takes 64 tables in one query)."""


def check_formula_field(
    field: Mapping[str, Any], pointer: str, object_name: str, snapshot: Snapshot
) -> Iterator[Diagnostic]:
    """Yield every problem of the formula field ``field`` of an object, with its place in the text."""
    text, at = field.get("formula"), f"{pointer}/formula"
    if not isinstance(text, str) or field.get("returns") not in RETURNS:
        return
    circle = cycle_through(snapshot, object_name, field["name"])
    if circle and f"{object_name}.{field['name']}" in circle:
        yield Diagnostic(
            "formula_cycle",
            at,
            f"Formula fields use each other in a circle: {' → '.join(circle)}.",
            "Let one of them use stored fields only.",
        )
    if circle:
        return
    try:
        typed = typed_field(field, object_name, snapshot)
        problems = (*only_while_saving(typed.root), *_too_many_relations(typed.root))
        unfit = list(unfit_for_index(typed)) if field.get("indexed") else []
    except FormulaError as error:
        problems, unfit = error.problems, []
    for problem in problems:
        yield Diagnostic(problem.code, at, problem.show(text), "Correct the formula at the marked place.")
    for problem in unfit:
        remedy = "Remove 'indexed', or what is marked."
        yield Diagnostic(problem.code, f"{pointer}/indexed", problem.show(text), remedy)


def typed_field(field: Mapping[str, Any], object_name: str, snapshot: Snapshot) -> Typed:
    """Return the typed formula of a formula field. Raises ``FormulaError``."""
    text, wanted = field["formula"], RETURNS[field["returns"]]
    scope, blanks = ObjectScope(snapshot, object_name), field.get("blanks", "zero")
    tree = parse(text)
    if wanted is Type.TEXT:
        typed = check(tree, scope, text=text, blanks=blanks, name=field["name"])
        if typed.type is Type.PICKLIST:
            # A picklist as text is the name of the option.
            return Typed(text, typed.root, Type.TEXT, blanks)
    return check(tree, scope, text=text, returns=wanted, blanks=blanks, name=field["name"])


def only_while_saving(root: Node) -> Iterator[Problem]:
    """Yield the parts of a formula that can be answered only while a record is saved."""
    for node in walk(root):
        if isinstance(node, Call) and node.function.reads & Reads.CHANGE:
            yield _problem(node, f"{node.function.name} is known only while a record is saved.")
        elif isinstance(node, Call) and getattr(node.function, "outside", False):
            yield _problem(
                node, f"{node.function.name} reads besides its record: use it in defaults, conditions and rules."
            )
        elif isinstance(node, Field) and node.symbol.path.startswith(f"{OLD}."):
            yield _problem(node, "The record before the change is known only while a record is saved.")


def unfit_for_index(typed: Typed) -> Iterator[Problem]:
    """Yield the parts of a formula whose value may change without the record: it cannot be indexed with them."""
    for node in walk(typed.root):
        match node:
            case Field(symbol=symbol) if symbol.path.startswith(ORG):
                yield _not_indexable(node, f"'{symbol.path}' is read from the organisation")
            case Field(symbol=symbol) if symbol.path.startswith(USER):
                yield _not_indexable(node, f"'{symbol.path}' depends on who asks")
            case Field(symbol=symbol) if symbol.relations:
                yield _not_indexable(node, f"'{symbol.path}' is read from another record")
            case Field(symbol=symbol) if symbol.path.endswith(f".{ERROR}"):
                yield _not_indexable(node, f"'{symbol.path}' is no stored value")
            case Call(function=function):
                found = [words for reads, words in _CHANGING.items() if function.reads & reads]
                if found:
                    yield _not_indexable(node, f"{function.name} {found[0]}")


def _not_indexable(node: Node, why: str) -> Problem:
    message = f"A formula is indexed over its own record alone, but {why}."
    return Problem("not_indexable", message, node.start, node.end)


def _too_many_relations(root: Node) -> Iterator[Problem]:
    found = {".".join(n.symbol.relations) for n in walk(root) if isinstance(n, Field)} - {""}
    if len(found) > MAX_RELATIONS:
        message = f"The formula walks to {len(found)} related records, at most {MAX_RELATIONS} are allowed."
        yield Problem("too_many_relations", message, 0, 0)


def _problem(node: Node, message: str) -> Problem:
    return Problem("not_in_field", message, node.start, node.end)

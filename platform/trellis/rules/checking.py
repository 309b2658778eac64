"""Judges formulas in documents before they are published."""

from __future__ import annotations

from collections.abc import Iterator

from trellis.rules.scope import ObjectScope
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.formula.checker import check
from trellis_metadata.formula.errors import FormulaError
from trellis_metadata.formula.parser import parse
from trellis_metadata.formula.types import Type
from trellis_metadata.snapshot import Snapshot


def check_formula(text: str, object_name: str, *, snapshot: Snapshot, pointer: str) -> Iterator[Diagnostic]:
    """Yield every problem of a condition on records of ``object_name``.

    Conditions of validation rules are enforced; formulas inside filters are not yet, so they are refused.
    """
    if not pointer.startswith("/validation/"):
        yield Diagnostic(
            "formula_not_available",
            pointer,
            "Formulas are not yet available in filters.",
            "Write the filter as a tree of conditions.",
        )
        return
    try:
        check(parse(text), ObjectScope(snapshot, object_name), text=text, returns=Type.BOOLEAN)
    except FormulaError as error:
        for problem in error.problems:
            yield Diagnostic(problem.code, pointer, problem.show(text), "Correct the formula at the marked place.")

"""Values that steps give to fields: judged before publishing, worked out for many records together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trellis.automation.place import Place
from trellis.automation.step import BLANKS, Value, formula_of
from trellis.fields import field_types
from trellis.formula import ErrorValue
from trellis.model import ObjectModel
from trellis.model.system_fields import SYSTEM_FIELD_DOCS
from trellis.rules import field_values
from trellis_metadata.diagnostics import Diagnostic, did_you_mean
from trellis_metadata.formula.checker import check
from trellis_metadata.formula.errors import FormulaError
from trellis_metadata.formula.parser import parse
from trellis_metadata.formula.types import WORDS

if TYPE_CHECKING:
    from trellis.automation.flow import Case, Flow

WRITABLE = ("owner", "record_type")
"""Fields of the system that steps may set."""


def check_values(
    values: Mapping[str, Any], target: str, at: str, place: Place, *, match: bool = False
) -> Iterator[Diagnostic]:
    """Yield why ``values`` do not fit the fields of object ``target``; formulas look from ``place``.

    ``match``: the fields are compared, not written.
    """
    document = place.snapshot.get("object", target) or {"fields": ()}
    fields = {f["name"]: f for f in document["fields"]}
    known = {**{f["name"]: f for f in SYSTEM_FIELD_DOCS if f["name"] in WRITABLE}, **fields}
    for name, value in values.items():
        field = known.get(name)
        if field is None:
            yield Diagnostic(
                "unknown_field",
                f"{at}/{name}",
                f"'{target}' has no field '{name}' that a step can set.{did_you_mean(name, known)}",
                "Name one of its fields.",
            )
            continue
        kind = field_types()[field["type"]]
        if kind.computed and not match:
            yield Diagnostic("read_only", f"{at}/{name}", f"'{name}' is computed and cannot be written.", "")
        elif match and (len(_columns(field)) != 1 or not kind.stored):
            yield Diagnostic("no_match", f"{at}/{name}", f"Records cannot be found by '{name}' ({field['type']}).", "")
        elif formula_of(value) is not None:
            yield from _formula(str(formula_of(value)), field, f"{at}/{name}", place)
        elif value is not None:
            problem = kind.value_problem(field, value, place.snapshot)
            if problem is not None:
                yield Diagnostic("bad_value", f"{at}/{name}", problem, "Change the value.")


def _columns(field: Mapping[str, Any]) -> Sequence[Any]:
    types_of_one = {"currency": 3}
    return range(types_of_one.get(field["type"], 1))


def _formula(text: str, field: Mapping[str, Any], at: str, place: Place) -> Iterator[Diagnostic]:
    try:
        typed = check(parse(text), place.scope, text=text, blanks=BLANKS)
    except FormulaError as error:
        for problem in error.problems:
            yield Diagnostic(problem.code, at, problem.show(text), "Correct the formula at the marked place.")
        return
    wanted = field_values.wanted_types(field)
    if not field_values.accepts(field, typed.type):
        words = " or ".join(WORDS[t] for t in wanted) or "no formula"
        yield Diagnostic(
            "wrong_type",
            at,
            f"The formula gives {WORDS[typed.type]}, but the field '{field['name']}' ({field['type']}) takes {words}.",
            "Change the formula.",
        )


def work_out(
    flow: Flow, values: Sequence[Value], cases: Sequence[Case], target: ObjectModel
) -> list[dict[str, Any] | None]:
    """Return, per case, the values as a writer sends them; None where one cannot be worked out (the case has failed)."""
    formulas = [v.formula for v in values if v.formula is not None]
    results = flow.evaluate(formulas, cases) if formulas else [[] for _ in cases]
    found: list[dict[str, Any] | None] = []
    for case, row in zip(cases, results, strict=True):
        answers = iter(row)
        sent: dict[str, Any] | None = {}
        for value in values:
            given = next(answers) if value.formula is not None else value.constant
            if isinstance(given, ErrorValue):
                case.fail(f"'{value.field}' cannot be worked out: {given.message}")
                sent = None
            elif sent is not None:
                field = target.field(value.field)
                assert field is not None  # checked before publishing
                sent[value.field] = given if value.formula is None else field_values.as_sent(field, given)
        found.append(sent)
    return found

"""Judges the steps and formulas of automations before they are published."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from trellis.automation.action import Action, actions
from trellis.automation.place import Place
from trellis.automation.related import check_relation
from trellis.automation.step import BLANKS, formula_of, returns_of
from trellis.automation.values import check_values
from trellis.fields import field_types
from trellis.rules.checking import check_formula
from trellis_metadata import named_people
from trellis_metadata.context import Check
from trellis_metadata.diagnostics import Diagnostic, did_you_mean
from trellis_metadata.formula.checker import check
from trellis_metadata.formula.dependencies import dependencies
from trellis_metadata.formula.errors import FormulaError
from trellis_metadata.formula.functions import Reads
from trellis_metadata.formula.parser import parse
from trellis_metadata.formula.template import Part, parse_template
from trellis_metadata.formula.typed import Typed
from trellis_metadata.formula.types import Type
from trellis_metadata.kinds.automation import ON_WRITE
from trellis_metadata.relations import Relations
from trellis_metadata.schema_files import inlined, shared_defs
from trellis_metadata.shape import diagnostics_of
from trellis_metadata.snapshot import Snapshot

MAX_STEPS, MAX_DEPTH = 200, 5


class AutomationChecker:
    """What the language asks about automations (``trellis_metadata.context.AutomationChecker``)."""

    def automation(self, document: Mapping[str, Any], *, snapshot: Snapshot) -> Iterator[Diagnostic]:
        """Yield what is wrong with the condition, the triggers' formulas and the steps."""
        place = place_of(document, snapshot)
        if "when" in document:
            yield from check_expression(document["when"], "/when", place, returns=Type.BOOLEAN, blanks="zero")
        for number, trigger in enumerate(document["triggers"]):
            at = f"/triggers/{number}"
            if "key" in trigger:
                yield from check_expression(trigger["key"], f"{at}/key", place, returns=Type.TEXT)
            if "match" in trigger and place.object is not None:
                bare = Place(snapshot, None, body=True)
                yield from check_values(trigger["match"], place.object, f"{at}/match", bare, match=True)
            if "cron" in trigger:
                yield from _schedule(trigger, at)
        yield from check_steps(document["steps"], "/steps", place)
        if document.get("run") == "later" or not any(t["on"] in ON_WRITE for t in document["triggers"]):
            yield from _changes_are_gone(document, place)

    def steps(
        self, steps: Sequence[Mapping[str, Any]], object_name: str, pointer: str, *, snapshot: Snapshot
    ) -> Iterator[Diagnostic]:
        """Yield what is wrong with steps that another kind of document has for records of an object."""
        yield from check_steps(steps, pointer, Place(snapshot, object_name, may_wait=False))


CHECKER = AutomationChecker()


def place_of(document: Mapping[str, Any], snapshot: Snapshot) -> Place:
    """Return where the steps of an automation begin."""
    on = {t["on"] for t in document["triggers"]}
    before = document.get("run") == "before"
    return Place(snapshot, document.get("object"), body="webhook" in on, before=before)


def check_steps(
    steps: Sequence[Mapping[str, Any]], at: str, place: Place, known: dict[str, str] | None = None, depth: int = 1
) -> Iterator[Diagnostic]:
    """Yield what is wrong with steps and those inside them. Names of steps are unique in the whole."""
    known = {} if known is None else known
    if depth > MAX_DEPTH:
        yield Diagnostic("too_deep", at, f"Steps stand in one another more than {MAX_DEPTH} deep.", "Call a sub-flow.")
        return
    for number, step in enumerate(steps):
        pointer = f"{at}/{number}"
        found = [d for error in _common().iter_errors(step) for d in diagnostics_of(error, pointer)]
        yield from found
        if found:
            continue
        if step["name"] in known:
            told = f"The name '{step['name']}' is already used at {known[step['name']]}."
            yield Diagnostic("duplicate_name", f"{pointer}/name", told, "Rename one of them.")
        known[step["name"]] = pointer
        action = actions().get(step["action"])
        if action is None:
            yield Diagnostic(
                "unknown_action",
                f"{pointer}/action",
                f"There is no action '{step['action']}'.{did_you_mean(step['action'], actions())}",
                f"Actions: {', '.join(actions())}.",
            )
            continue
        yield from _told(action, step.get("with", {}), f"{pointer}/with", place, known, depth)
        shape = action.shape(step.get("with", {}), place) if not found else None
        if shape is not None:
            place = place.with_result(step["name"], shape)
    if depth == 1 and len(known) > MAX_STEPS:
        yield Diagnostic("too_many", at, f"{len(known)} steps, at most {MAX_STEPS} are allowed.", "Call a sub-flow.")


def _told(
    action: Action, told: Mapping[str, Any], at: str, place: Place, known: dict[str, str], depth: int
) -> Iterator[Diagnostic]:
    if place.before and not action.before:
        yield Diagnostic(
            "not_before",
            at.removesuffix("/with") + "/action",
            f"'{action.name}' cannot be done before the record is stored.",
            "Set fields only, or take 'run': 'after'.",
        )
    if action.needs_record and place.object is None:
        yield Diagnostic("no_record", at, f"'{action.name}' needs a record, and the automation has no object.", "")
        return
    wrong = [d for error in _validator(action.name).iter_errors(told) for d in diagnostics_of(error, at)]
    yield from wrong
    if wrong:
        return
    for key, schema in action.properties.items():
        if key in told:
            yield from _key(action, key, schema, told, f"{at}/{key}", place, known, depth)
    yield from action.check(told, at, place)


def _key(
    action: Action,
    key: str,
    schema: Mapping[str, Any],
    told: Mapping[str, Any],
    at: str,
    place: Place,
    known: dict[str, str],
    depth: int,
) -> Iterator[Diagnostic]:
    value, inner = told[key], action.place_of(key, told, place)
    match schema.get("x-is"):
        case "formula":
            blanks = schema.get("x-blanks", BLANKS)
            yield from check_expression(value, at, inner, returns=returns_of(schema), blanks=blanks)
        case "values":
            target = told.get(schema["x-object"]) if "x-object" in schema else inner.object
            if target is not None and place.snapshot.get("object", target) is not None:
                yield from check_values(value, target, at, inner, match=bool(schema.get("x-match")))
        case "text":
            for language, text in ({"": value} if isinstance(value, str) else value).items():
                yield from _template(text, f"{at}/{language}" if language else at, inner)
        case "steps":
            yield from check_steps(value, at, inner, known, depth + 1)
        case "relation":
            yield from check_relation(place, value, at, many=schema.get("x-many"))
        case "field":
            yield from _field(value, schema, at, place)
        case "people" if place.object is not None:
            yield from named_people.check(value, place.object, at, context_of(place.snapshot))


def context_of(snapshot: Snapshot) -> Check:
    """Return what checks of the language may ask about a snapshot."""
    types = field_types()
    return Check(snapshot, types, Relations(snapshot, types, {}), check_formula)


def _field(name: str, schema: Mapping[str, Any], at: str, place: Place) -> Iterator[Diagnostic]:
    document = place.snapshot.get("object", place.object or "") or {"fields": ()}
    fields = {f["name"]: f for f in document["fields"]}
    wanted = schema.get("x-types")
    fitting = [n for n, f in fields.items() if wanted is None or f["type"] in wanted]
    if name not in fitting:
        what = f"field of type {' or '.join(wanted)}" if wanted else "field"
        yield Diagnostic(
            "unknown_field" if name not in fields else "wrong_field_type",
            at,
            f"'{place.object}' has no {what} '{name}'.{did_you_mean(name, fitting)}",
            f"It has: {', '.join(fitting) or 'none'}.",
        )


def check_expression(
    text: str, at: str, place: Place, *, returns: Type | None = None, blanks: str = BLANKS
) -> Iterator[Diagnostic]:
    """Yield what is wrong with an expression at ``place``."""
    try:
        check(parse(text), place.scope, text=text, returns=returns, blanks=blanks)
    except FormulaError as error:
        for problem in error.problems:
            yield Diagnostic(problem.code, at, problem.show(text), "Correct the formula at the marked place.")


def _template(text: str, at: str, place: Place) -> Iterator[Diagnostic]:
    try:
        parts = [p for p in parse_template(text) if isinstance(p, Part)]
    except FormulaError as error:
        for problem in error.problems:
            yield Diagnostic(problem.code, at, problem.show(text), "Correct the text at the marked place.")
        return
    for part in parts:
        yield from check_expression(part.text, at, place)


def _schedule(trigger: Mapping[str, Any], at: str) -> Iterator[Diagnostic]:
    from trellis.automation.schedules import problem_of

    problem = problem_of(trigger["cron"], trigger.get("zone", "UTC"))
    if problem is not None:
        key, message = problem
        yield Diagnostic("bad_schedule", f"{at}/{key}", message, "Correct the schedule.")


def _changes_are_gone(document: Mapping[str, Any], place: Place) -> Iterator[Diagnostic]:
    """What is known only while a record is written is refused where no write is under way."""
    written = any(t["on"] in ON_WRITE for t in document["triggers"])
    texts = dict(formulas_of(document["steps"], "/steps"))
    if not written and "when" in document:
        texts["/when"] = document["when"]
    for pointer, text in texts.items():
        if _reads_change(text, place):
            yield Diagnostic(
                "no_change",
                pointer,
                "$old, ISNEW, ISCHANGED and PRIORVALUE are known only while the record is written.",
                "Ask in the condition of an automation that runs with the write.",
            )


def _reads_change(text: str, place: Place) -> bool:
    try:
        typed: Typed = check(parse(text), place.scope, text=text)
    except FormulaError:
        return False  # told elsewhere
    return bool(dependencies(typed).reads & Reads.CHANGE)


def formulas_of(steps: Sequence[Mapping[str, Any]], at: str) -> Iterable[tuple[str, str]]:
    """Yield pointer and text of the expressions in steps, those in ``{"formula": …}`` included."""
    for number, step in enumerate(steps):
        action, told = actions().get(step.get("action", "")), step.get("with", {})
        for key, schema in action.properties.items() if action is not None else ():
            pointer, value = f"{at}/{number}/with/{key}", told.get(key)
            role = schema.get("x-is")
            if role == "formula" and isinstance(value, str):
                yield pointer, value
            elif role == "values" and isinstance(value, Mapping):
                for name, one in value.items():
                    text = formula_of(one)
                    if text is not None:
                        yield f"{pointer}/{name}", text
            elif role == "steps" and isinstance(value, list):
                yield from formulas_of(value, pointer)


@cache
def _validator(name: str) -> Any:
    action = actions()[name]
    return Draft202012Validator(schema_of(action))


@cache
def _common() -> Any:
    defs = shared_defs()
    return Draft202012Validator(inlined(defs["step"], defs))


def schema_of(action: Action) -> dict[str, Any]:
    """Return the JSON Schema of what an action is told."""
    defs = shared_defs()
    properties = {k: inlined(dict(s), defs) for k, s in action.properties.items()}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(action.required),
        "properties": properties,
    }

"""Create a task about the record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from trellis.automation.action import Action, Told
from trellis.automation.actions.assign import TO
from trellis.automation.actions.create import OBJECT
from trellis.automation.flow import Case, Flow
from trellis.automation.people import named
from trellis.automation.place import Place, Shape
from trellis.automation.step import Step
from trellis.formula import ErrorValue
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.labels import text_of


class CreateTask(Action):
    """Creates a task: its first text is the subject, its first date the due day, its first lookup that fits the record."""

    name = "create_task"
    label = {"en": "Create a task", "zh": "创建任务"}
    icon = "checkbox"
    properties = {
        "object": {**OBJECT, "description": "The object of tasks; without it `task`.", "default": "task"},
        "subject": {
            "description": "What is to be done, with {!formulas} inside.",
            "type": ["string", "object"],
            "minLength": 1,
            "minProperties": 1,
            "x-is": "text",
            "examples": [{"en": "Call {!name}", "zh": "致电 {!name}"}],
        },
        "due": {
            "description": "The day until which it is to be done.",
            "type": "string",
            "minLength": 1,
            "maxLength": 20000,
            "x-is": "formula",
            "examples": ["TODAY() + 3"],
        },
        "to": {**TO, "description": "Whose task it is: the first whom the rules name; without it the record's owner."},
    }
    required = ("subject",)

    def check(self, told: Told, at: str, place: Place) -> Iterable[Diagnostic]:
        name = told.get("object", "task")
        document = place.snapshot.get("object", name)
        if document is None:
            yield Diagnostic(
                "unknown_reference", at, f"There is no object '{name}' for tasks.", "Name one by 'object'."
            )
            return
        parts = task_fields(document, place.object)
        for part in ("subject", "about", *(["due"] if "due" in told else [])):
            if part not in parts:
                yield Diagnostic(
                    "no_task_object", f"{at}/object", f"'{name}' has no field for what is the task's '{part}'.", ""
                )

    def shape(self, told: Told, place: Place) -> Shape | None:
        return Shape(told.get("object", "task"))

    def run(self, flow: Flow, step: Step, cases: Sequence[Case]) -> None:
        name = step.told.get("object", "task")
        parts = task_fields(flow.tx.model.snapshot.of_kind("object")[name], step.place.object)
        env, language = flow.tx.model.env, str(flow.tx.tenant.settings.get("language", "en"))
        text, due = step.texts["subject"], step.formulas.get("due")
        formulas = [*text.formulas, *([due] if due is not None else [])]
        answers = flow.evaluate(formulas, cases)
        people = self._people(flow, step, cases)
        wanted = []
        for case, values in zip(cases, answers, strict=True):
            filled = text.filled(values[: len(text.formulas)])
            sent: dict[str, Any] = {
                parts["subject"]: filled.get("") or text_of(filled, language),
                parts["about"]: env.format_id(str(case.object), case.id or 0),
            }
            if due is not None:
                day = values[-1]
                if isinstance(day, ErrorValue) or not isinstance(day, date | None):
                    case.fail("The day until which it is to be done cannot be worked out.")
                    continue
                day = day.date() if isinstance(day, datetime) else day
                sent[parts["due"]] = None if day is None else day.isoformat()
            if id(case) in people:
                sent["owner"] = people[id(case)]
            if case.live:
                wanted.append((case, sent))
        for (case, _), outcome in zip(wanted, flow.create(name, wanted), strict=True):
            if outcome is not None:
                flow.keep(case, step, name, {**outcome.values, "id": outcome.id})

    def _people(self, flow: Flow, step: Step, cases: Sequence[Case]) -> dict[int, str]:
        env = flow.tx.model.env
        if "to" not in step.told:
            owners = ((c, c.values.get("owner")) for c in cases)
            return {id(c): env.format_id("user", owner.id) for c, owner in owners if owner is not None}
        found = {}
        for case, who in named(flow, step.told["to"], cases):
            if who.users:
                found[id(case)] = env.format_id("user", who.users[0])
            else:
                case.fail(" ".join(t["en"] for t in who.nobody) or "The rules name nobody.")
        return found


def task_fields(document: Mapping[str, Any], about: str | None) -> dict[str, str]:
    """Return which fields of an object of tasks are the ``subject``, the ``due`` day and what the task is ``about``."""
    found: dict[str, str] = {}
    for field in document.get("fields", ()):
        target = field.get("target", ())
        targets = [target] if isinstance(target, str) else target
        if field["type"] == "text":
            found.setdefault("subject", field["name"])
        elif field["type"] == "date":
            found.setdefault("due", field["name"])
        elif field["type"] == "lookup" and about in targets:
            found.setdefault("about", field["name"])
    return found

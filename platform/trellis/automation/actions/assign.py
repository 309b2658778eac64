"""Give the record to somebody."""

from __future__ import annotations

from collections.abc import Sequence

from trellis.automation.action import Action
from trellis.automation.flow import Case, Flow
from trellis.automation.people import named
from trellis.automation.step import Step

TO = {
    "description": "Who, named by rule.",
    "$ref": "#/$defs/people",
    "x-is": "people",
    "examples": [[{"manager_of": "owner"}]],
}


class Assign(Action):
    """Puts a person into the owner or another field of the record: the first whom the rules name."""

    name = "assign"
    label = {"en": "Assign", "zh": "分配"}
    icon = "user-check"
    properties = {
        "to": {
            **TO,
            "description": "To whom, named by rule: the first one gets it. If they name nobody, the step fails.",
        },
        "field": {
            "description": "The field that gets the person; without it the owner.",
            "type": "string",
            "minLength": 1,
            "maxLength": 40,
            "x-is": "field",
            "x-types": ["user"],
            "examples": ["seller"],
        },
    }
    required = ("to",)

    def run(self, flow: Flow, step: Step, cases: Sequence[Case]) -> None:
        field, changes = step.told.get("field", "owner"), []
        for case, found in named(flow, step.told["to"], cases):
            if not found.users:
                case.fail(" ".join(t["en"] for t in found.nobody) or "The rules name nobody.")
                continue
            user = flow.tx.model.env.format_id("user", found.users[0])
            changes.append((case, case.id or 0, {field: user}))
        flow.update(str(cases[0].object), changes)

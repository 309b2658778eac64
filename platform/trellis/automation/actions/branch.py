"""Go one way or the other."""

from __future__ import annotations

from collections.abc import Sequence

from trellis.automation.action import Action
from trellis.automation.flow import Case, Flow, Position
from trellis.automation.step import Step
from trellis.automation.words import as_json
from trellis.formula import ErrorValue


class Branch(Action):
    """Does ``then`` where a condition holds, else ``else``. Both ways may wait."""

    name = "branch"
    label = {"en": "If … then … else", "zh": "条件分支"}
    icon = "git-branch"
    needs_record = False
    properties = {
        "when": {
            "description": "The condition.",
            "type": "string",
            "minLength": 1,
            "maxLength": 20000,
            "x-is": "formula",
            "x-returns": "boolean",
            "x-blanks": "zero",
            "examples": ["amount > 100000"],
        },
        "then": {
            "description": "Steps where the condition holds.",
            "type": "array",
            "items": {"type": "object"},
            "minItems": 1,
            "maxItems": 100,
            "x-is": "steps",
            "examples": [[{"name": "mark", "action": "set_fields", "with": {"values": {"status": "big"}}}]],
        },
        "else": {
            "description": "Steps where it does not.",
            "type": "array",
            "items": {"type": "object"},
            "minItems": 1,
            "maxItems": 100,
            "x-is": "steps",
            "examples": [[{"name": "mark_small", "action": "set_fields", "with": {"values": {"status": "small"}}}]],
        },
    }
    required = ("when", "then")

    def run(self, flow: Flow, step: Step, cases: Sequence[Case]) -> None:
        at = flow.session.at
        ways: dict[str, list[Case]] = {"then": [], "else": []}
        for case, ((value,), saw) in zip(cases, flow.evaluate_and_see([step.formulas["when"]], cases), strict=True):
            case.tell(saw={p: as_json(v) for p, v in saw.items()})
            if isinstance(value, ErrorValue):
                case.fail(f"The condition cannot be worked out: {value.message}")
                continue
            way = "then" if value else "else"
            case.tell(way=way)
            ways[way].append(case)
        for way, chosen in ways.items():
            if chosen and way in step.steps:
                flow.go(step.steps[way], chosen, (*at, way))

    def go_on(self, flow: Flow, step: Step, cases: Sequence[Case], at: Position, inner: Position) -> None:
        flow.go(step.steps[str(inner[0])], cases, (*at, inner[0]), inner[1:])

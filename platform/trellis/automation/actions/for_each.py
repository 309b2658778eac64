"""Do steps for each related record."""

from __future__ import annotations

from collections.abc import Sequence

from trellis.automation.action import Action
from trellis.automation.actions.update import LIMIT, RELATED, WHEN, chosen
from trellis.automation.flow import Case, Flow
from trellis.automation.step import Step


class ForEach(Action):
    """Does steps for each record of a list. All related records of all runs go through a step together."""

    name = "for_each"
    label = {"en": "For each related record", "zh": "遍历相关记录"}
    icon = "repeat"
    properties = {
        "related": {**RELATED, "x-many": True, "description": "A list of records that point at the record."},
        "when": WHEN,
        "limit": LIMIT,
        "steps": {
            "description": "What is done for each. Formulas see the related record; `$record` is the automation's. No step may wait.",
            "type": "array",
            "items": {"type": "object"},
            "minItems": 1,
            "maxItems": 100,
            "x-is": "steps",
            "x-scope": "related",
            "examples": [[{"name": "close", "action": "set_fields", "with": {"values": {"status": "done"}}}]],
        },
    }
    required = ("related", "steps")

    def run(self, flow: Flow, step: Step, cases: Sequence[Case]) -> None:
        at = flow.session.at
        found = chosen(flow, step, cases)
        for case in cases:
            case.tell(records=sum(c.outer is case for c in found))
        if found:
            flow.go(step.steps["steps"], found, (*at, "steps"))

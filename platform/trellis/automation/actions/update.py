"""Change related records."""

from __future__ import annotations

from collections.abc import Sequence

from trellis.automation.action import Action
from trellis.automation.finding import related_cases
from trellis.automation.flow import Case, Flow
from trellis.automation.step import Step
from trellis.automation.values import work_out
from trellis.formula import ErrorValue

RELATED = {
    "description": "A lookup of the record, or a list of records that point at it.",
    "type": "string",
    "minLength": 1,
    "maxLength": 40,
    "x-is": "relation",
    "examples": ["account"],
}
WHEN = {
    "description": "Only related records for which this holds. It sees the related record; `$record` is the automation's.",
    "type": "string",
    "minLength": 1,
    "maxLength": 20000,
    "x-is": "formula",
    "x-returns": "boolean",
    "x-blanks": "zero",
    "x-scope": "related",
    "examples": ['status <> "done"'],
}
LIMIT = {
    "description": "Related records of one record that are taken at most; more fail the step.",
    "type": "integer",
    "minimum": 1,
    "maximum": 1000,
    "default": 200,
    "examples": [50],
}


def chosen(flow: Flow, step: Step, cases: Sequence[Case]) -> list[Case]:
    """Return a case for each related record that the step means: those of ``related`` for which ``when`` holds."""
    assert step.related is not None
    found = related_cases(flow, step.related, cases, int(step.told.get("limit", 200)))
    found = [c for c in found if c.live]
    condition = step.formulas.get("when")
    if condition is None or not found:
        return found
    kept = []
    for case, (value,) in zip(found, flow.evaluate([condition], found), strict=True):
        if isinstance(value, ErrorValue):
            case.fail(f"The condition cannot be worked out: {value.message}")
        elif value:
            kept.append(case)
    return [c for c in kept if c.live]


class Update(Action):
    """Changes the records to which a lookup or a list leads."""

    name = "update"
    label = {"en": "Change related records", "zh": "更新相关记录"}
    icon = "pencil-plus"
    properties = {
        "related": RELATED,
        "when": WHEN,
        "values": {
            "description": "The fields of the related records and what they get; formulas see the related record, `$record` is the automation's.",
            "type": "object",
            "minProperties": 1,
            "maxProperties": 100,
            "x-is": "values",
            "x-scope": "related",
            "examples": [{"status": "customer"}],
        },
        "limit": LIMIT,
    }
    required = ("related", "values")

    def run(self, flow: Flow, step: Step, cases: Sequence[Case]) -> None:
        found = chosen(flow, step, cases)
        for case in cases:
            case.tell(records=sum(c.outer is case for c in found))
        if not found or step.related is None:
            return
        target = flow.tx.model.object(step.related.object)
        rows = zip(found, work_out(flow, step.values["values"], found, target), strict=True)
        flow.update(target.name, [(c, c.id, v) for c, v in rows if v is not None and c.id is not None])

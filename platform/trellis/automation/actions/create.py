"""Create a record."""

from __future__ import annotations

from collections.abc import Sequence

from trellis.automation.action import Action, Told
from trellis.automation.flow import Case, Flow
from trellis.automation.place import Place, Shape
from trellis.automation.step import Step
from trellis.automation.values import work_out

OBJECT = {
    "description": "The object.",
    "type": "string",
    "pattern": "^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$",
    "maxLength": 40,
    "x-is": "object",
    "examples": ["task"],
}


class Create(Action):
    """Creates one record of an object. Later steps read it as ``$steps.<name>.<field>``."""

    name = "create"
    label = {"en": "Create a record", "zh": "创建记录"}
    icon = "plus"
    needs_record = False
    properties = {
        "object": {**OBJECT, "description": "The object of the new record."},
        "values": {
            "description": 'Its fields: constants, or {"formula": …} over the automation\'s record.',
            "type": "object",
            "maxProperties": 100,
            "x-is": "values",
            "x-object": "object",
            "examples": [{"subject": {"formula": '"Call " & name'}}],
        },
    }
    required = ("object", "values")

    def shape(self, told: Told, place: Place) -> Shape | None:
        return Shape(told.get("object"))

    def run(self, flow: Flow, step: Step, cases: Sequence[Case]) -> None:
        target = flow.tx.model.object(step.told["object"])
        rows = zip(cases, work_out(flow, step.values["values"], cases, target), strict=True)
        found = [(case, values) for case, values in rows if values is not None]
        for (case, _), outcome in zip(found, flow.create(target.name, found), strict=True):
            if outcome is not None:
                flow.keep(case, step, target.name, {**outcome.values, "id": outcome.id})

"""Move the record to another stage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trellis.automation.action import Action, Told
from trellis.automation.flow import Case, Flow
from trellis.automation.place import Place
from trellis.automation.step import Step
from trellis_metadata.diagnostics import Diagnostic, did_you_mean


class MoveStage(Action):
    """Moves the record, as the pipeline allows: its gates hold for automations too."""

    name = "move_stage"
    label = {"en": "Move to a stage", "zh": "推进阶段"}
    icon = "arrow-right-circle"
    properties = {
        "to": {
            "description": "The stage.",
            "type": "string",
            "minLength": 1,
            "maxLength": 40,
            "x-is": "stage",
            "examples": ["won"],
        },
        "field": {
            "description": "The stage field, if the object has several.",
            "type": "string",
            "minLength": 1,
            "maxLength": 40,
            "x-is": "field",
            "x-types": ["stage"],
            "examples": ["stage"],
        },
    }
    required = ("to",)

    def check(self, told: Told, at: str, place: Place) -> Iterable[Diagnostic]:
        fields = _stage_fields(place)
        if "field" not in told and len(fields) != 1:
            message = f"'{place.object}' has {len(fields)} stage fields: say which one by 'field'."
            yield Diagnostic("missing_key", at, message, "Add 'field'.")
            return
        known = fields.get(told.get("field", next(iter(fields), "")), [])
        if known and told["to"] not in known:
            message = f"There is no stage '{told['to']}'.{did_you_mean(told['to'], known)}"
            yield Diagnostic("unknown_stage", f"{at}/to", message, f"Stages: {', '.join(known)}.")

    def run(self, flow: Flow, step: Step, cases: Sequence[Case]) -> None:
        field = step.told.get("field") or next(iter(_stage_fields(step.place)))
        flow.update(str(cases[0].object), [(c, c.id or 0, {field: step.told["to"]}) for c in cases])


def _stage_fields(place: Place) -> dict[str, list[str]]:
    """Return the stage fields of the object with the stages of each."""
    document = place.snapshot.get("object", place.object or "") or {"fields": ()}
    found = {}
    for field in document["fields"]:
        if field["type"] == "stage":
            pipelines = [place.snapshot.get("pipeline", name) for name in field.get("pipelines", ())]
            stages = [s["name"] for p in pipelines if p is not None for s in p.get("stages", ())]
            found[field["name"]] = list(dict.fromkeys(stages or [o["name"] for o in field.get("options", ())]))
    return found

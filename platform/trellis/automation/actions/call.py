"""Call another automation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trellis.automation.action import Action, Told
from trellis.automation.flow import Case, Flow
from trellis.automation.place import Place
from trellis.automation.step import Step
from trellis_metadata.diagnostics import Diagnostic


class Call(Action):
    """Starts an automation that may be called, for the same record. It has a run of its own; if it waits, nobody waits for it."""

    name = "call"
    label = {"en": "Call an automation", "zh": "调用自动化"}
    icon = "arrows-join"
    needs_record = False
    properties = {
        "automation": {
            "description": "An automation with the trigger `called`, for the same object or for none.",
            "type": "string",
            "pattern": "^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$",
            "maxLength": 40,
            "x-is": "automation",
            "examples": ["hand_over"],
        }
    }
    required = ("automation",)

    def check(self, told: Told, at: str, place: Place) -> Iterable[Diagnostic]:
        found = place.snapshot.get("automation", told["automation"])
        if found is None:
            return  # the reference says so
        if not any(t["on"] == "called" for t in found["triggers"]):
            message = f"'{told['automation']}' cannot be called: it has no trigger 'called'."
            yield Diagnostic("not_callable", f"{at}/automation", message, 'Add {"on": "called"} to its triggers.')
        elif found.get("object", place.object) != place.object:
            message = f"'{told['automation']}' works on '{found['object']}', not on '{place.object}'."
            yield Diagnostic("other_object", f"{at}/automation", message, "Call it from a record of its object.")

    def run(self, flow: Flow, step: Step, cases: Sequence[Case]) -> None:
        from trellis.automation.calling import call

        call(flow, step.told["automation"], cases)

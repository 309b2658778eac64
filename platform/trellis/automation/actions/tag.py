"""Put tags on the record or take them off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trellis.automation.action import Action, Told
from trellis.automation.flow import Case, Flow
from trellis.automation.place import Place
from trellis.automation.step import Step
from trellis_metadata.diagnostics import Diagnostic

_TAGS = {
    "type": "array",
    "minItems": 1,
    "maxItems": 50,
    "uniqueItems": True,
    "items": {"type": "string", "minLength": 1, "maxLength": 60},
}


class Tag(Action):
    """Adds tags to a field and removes others; case makes no difference."""

    name = "tag"
    label = {"en": "Tag", "zh": "打标签"}
    icon = "tags"
    properties = {
        "field": {
            "description": "The field of tags.",
            "type": "string",
            "minLength": 1,
            "maxLength": 40,
            "x-is": "field",
            "x-types": ["tags"],
            "examples": ["tags"],
        },
        "add": {**_TAGS, "description": "Tags that the record gets.", "examples": [["VIP"]]},
        "remove": {**_TAGS, "description": "Tags that it loses.", "examples": [["cold"]]},
    }
    required = ("field",)

    def check(self, told: Told, at: str, place: Place) -> Iterable[Diagnostic]:
        if not {"add", "remove"} & told.keys():
            yield Diagnostic("missing_key", at, "There is neither 'add' nor 'remove'.", "Add one of them.")

    def run(self, flow: Flow, step: Step, cases: Sequence[Case]) -> None:
        name, gone = step.told["field"], {t.casefold() for t in step.told.get("remove", ())}
        changes = []
        for case in cases:
            kept = [t for t in case.values.get(name) or () if t.casefold() not in gone]
            tags = list({t.casefold(): t for t in [*step.told.get("add", ()), *kept]}.values())
            changes.append((case, case.id or 0, {name: tags}))
        flow.update(str(cases[0].object), changes)

"""Lock the record."""

from __future__ import annotations

from collections.abc import Sequence

from trellis.automation.action import Action
from trellis.automation.flow import Case, Flow
from trellis.automation.step import Step
from trellis.locks import lock
from trellis_metadata.schema_files import shared_defs

NAME = {
    "description": "A name for the lock: `unlock` takes it away by it.",
    "type": "string",
    "pattern": "^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$",
    "maxLength": 40,
    "examples": ["signed"],
}


def source_of(name: str) -> str:
    """Return the source of a lock that automations set under a name."""
    return f"automation:{name}"


class Lock(Action):
    """Lets nobody change the record, save the fields left open and the people who may write all the same."""

    name = "lock"
    label = {"en": "Lock the record", "zh": "锁定记录"}
    icon = "lock"
    properties = {
        "lock": NAME,
        "reason": {
            **shared_defs()["long_label"],
            "description": "A sentence that people read who try to change it.",
            "x-is": "label",
            "examples": [{"en": "The contract is signed.", "zh": "合同已签署。"}],
        },
        "open_fields": {
            "description": "Fields that may still be changed.",
            "type": "array",
            "uniqueItems": True,
            "maxItems": 100,
            "items": {"type": "string", "maxLength": 40},
            "x-is": "fields",
            "examples": [["note"]],
        },
        "writers": {
            "description": "People, named by rule, who may change it all the same.",
            "$ref": "#/$defs/people",
            "x-is": "people",
            "examples": [[{"role": "finance"}]],
        },
    }
    required = ("lock", "reason")

    def run(self, flow: Flow, step: Step, cases: Sequence[Case]) -> None:
        told = step.told
        lock(
            flow.tx,
            str(cases[0].object),
            [c.id for c in cases if c.id is not None],
            source=source_of(told["lock"]),
            reason=told["reason"],
            open_fields=told.get("open_fields", ()),
            writers=told.get("writers", ()),
        )

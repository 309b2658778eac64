"""Tell people something."""

from __future__ import annotations

from collections.abc import Sequence

from trellis.automation.action import Action
from trellis.automation.actions.assign import TO
from trellis.automation.flow import Case, Flow
from trellis.automation.people import named
from trellis.automation.step import Step
from trellis.notifications import Note, notify_each


class Notify(Action):
    """Leaves a message in the notifications centre; people who chose a channel are told there too."""

    name = "notify"
    label = {"en": "Notify", "zh": "发送通知"}
    icon = "bell"
    properties = {
        "to": {**TO, "description": "Whom, named by rule: everybody whom they name."},
        "text": {
            "description": "What they read, with {!formulas} inside.",
            "type": ["string", "object"],
            "minLength": 1,
            "minProperties": 1,
            "x-is": "text",
            "examples": [{"en": "{!name} is won", "zh": "{!name} 已赢单"}],
        },
    }
    required = ("to", "text")

    def run(self, flow: Flow, step: Step, cases: Sequence[Case]) -> None:
        text = step.texts["text"]
        notes = []
        answers = flow.evaluate(text.formulas, cases) if text.formulas else [[] for _ in cases]
        for (case, who), values in zip(named(flow, step.told["to"], cases), answers, strict=True):
            filled = text.filled(values)
            shown = {"en": filled[""], "zh": filled[""]} if "" in filled else filled
            case.tell(told=len(who.users))
            notes.append(Note(who.users, "automation", shown, (str(case.object), case.id or 0)))
        notify_each(flow.tx.tenant, flow.tx.connection, notes)

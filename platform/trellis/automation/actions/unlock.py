"""Unlock the record."""

from __future__ import annotations

from collections.abc import Sequence

from trellis.automation.action import Action
from trellis.automation.actions.lock import NAME, source_of
from trellis.automation.flow import Case, Flow
from trellis.automation.step import Step
from trellis.locks import unlock


class Unlock(Action):
    """Takes a lock away that automations set; locks of approvals stay."""

    name = "unlock"
    label = {"en": "Unlock the record", "zh": "解除锁定"}
    icon = "lock-open"
    properties = {"lock": {**NAME, "description": "The name under which the record was locked."}}
    required = ("lock",)

    def run(self, flow: Flow, step: Step, cases: Sequence[Case]) -> None:
        records = [c.id for c in cases if c.id is not None]
        held = set(unlock(flow.tx, str(cases[0].object), records, source=source_of(step.told["lock"])))
        for case in cases:
            case.tell(way="unlocked" if case.id in held else "was_not_locked")

"""Delete the record or related records."""

from __future__ import annotations

from collections.abc import Sequence

from trellis.automation.action import Action
from trellis.automation.actions.update import LIMIT, RELATED, WHEN, chosen
from trellis.automation.flow import Case, Flow
from trellis.automation.step import Step


class Delete(Action):
    """Moves records to the recycle bin, with what hangs on them."""

    name = "delete"
    label = {"en": "Delete records", "zh": "删除记录"}
    icon = "trash"
    properties = {
        "related": {**RELATED, "description": f"{RELATED['description']} Without it the record itself is deleted."},
        "when": WHEN,
        "limit": LIMIT,
    }

    def run(self, flow: Flow, step: Step, cases: Sequence[Case]) -> None:
        found = list(cases) if step.related is None else chosen(flow, step, cases)
        for case in cases if step.related is not None else ():
            case.tell(records=sum(c.outer is case for c in found))
        if step.related is None and "when" in step.formulas:
            answers = flow.evaluate([step.formulas["when"]], found)
            found = [c for c, (value,) in zip(found, answers, strict=True) if value is True]
        if found and found[0].object is not None:
            flow.delete(found[0].object, [(c, c.id) for c in found if c.id is not None])

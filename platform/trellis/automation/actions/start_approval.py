"""Submit the record for an approval."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from trellis.automation.action import Action, Told
from trellis.automation.flow import Case, Flow
from trellis.automation.step import Step
from trellis.transaction.errors import RecordsInvalid
from trellis_metadata.diagnostics import Diagnostic, did_you_mean
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.automation.place import Place


class StartApproval(Action):
    """Submits the record in the name of whoever started the automation. A record that does not need the approval is left."""

    name = "start_approval"
    label = {"en": "Start an approval", "zh": "发起审批"}
    icon = "circle-check"
    properties = {
        "approval": {
            "description": "The approval for which the record is submitted.",
            "type": "string",
            "pattern": "^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$",
            "maxLength": 40,
            "examples": ["deal_discount"],
        },
        "comment": {
            "description": "A comment for those who decide.",
            "type": "string",
            "minLength": 1,
            "maxLength": 4000,
            "examples": ["Submitted by itself: the discount is above 10 %."],
        },
    }
    required = ("approval",)

    def check(self, told: Told, at: str, place: Place) -> Iterable[Diagnostic]:
        name = told["approval"]
        documents = place.snapshot.of_kind("approval")
        known = [n for n, d in documents.items() if d["object"] == place.object]
        if name not in known:
            yield Diagnostic(
                "unknown_reference",
                f"{at}/approval",
                f"'{place.object}' has no approval '{name}'.{did_you_mean(name, known)}",
                f"Name one of: {', '.join(known) or 'none'}.",
            )

    def run(self, flow: Flow, step: Step, cases: Sequence[Case]) -> None:
        # The write path knows approvals, and approvals know automations.
        from trellis.approvals.submitting import submit_needed

        found = {c.id: c for c in cases if c.id is not None}
        try:
            numbers = submit_needed(
                flow.tx, str(cases[0].object), list(found), step.told["approval"], comment=step.told.get("comment")
            )
        except RecordsInvalid as refused:
            for case, errors in zip(found.values(), refused.errors, strict=True):
                if errors:
                    case.fail(" ".join(e["message"] for e in errors["_record"]))
            return
        except TrellisError as refused:
            for case in found.values():
                case.fail(refused.message)
            return
        for record, case in found.items():
            case.tell(request=numbers.get(record))

"""Set fields of the record."""

from __future__ import annotations

from collections.abc import Sequence

from trellis.automation.action import Action
from trellis.automation.flow import Case, Flow
from trellis.automation.step import Step
from trellis.automation.values import work_out
from trellis.transaction.parsing import parse_row


class SetFields(Action):
    """Changes the record itself. Before the record is stored this costs no write."""

    name = "set_fields"
    label = {"en": "Set fields", "zh": "设置字段"}
    icon = "pencil"
    before = True
    properties = {
        "values": {
            "description": 'The fields of the record and what they get: a constant, or {"formula": …}.',
            "type": "object",
            "minProperties": 1,
            "maxProperties": 100,
            "x-is": "values",
            "examples": [{"status": "open", "due_on": {"formula": "TODAY() + 7"}}],
        }
    }
    required = ("values",)

    def run(self, flow: Flow, step: Step, cases: Sequence[Case]) -> None:
        model = flow.model_of(cases)
        assert model is not None
        rows = zip(cases, work_out(flow, step.values["values"], cases, model), strict=True)
        found = [(case, values) for case, values in rows if values is not None]
        if flow.rows is None:
            flow.update(model.name, [(c, c.id, v) for c, v in found if c.id is not None])
            return
        for case, values in found:
            row = flow.rows[id(case)]
            parsed = parse_row(model, row.index, values, with_id=False)
            for name, errors in parsed.errors.items():
                case.fail(f"{name}: {errors[0]['message'] if isinstance(errors, list) else errors}")
            if not parsed.errors:
                row.new.update({k: v for k, v in parsed.given.items() if row.old is None or row.old.get(k) != v})
                if flow.guarded:
                    # As if the person had sent it: his rights on the fields are judged with the row.
                    row.given.update(parsed.given)
                case.values.update(parsed.given)

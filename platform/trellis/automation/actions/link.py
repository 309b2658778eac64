"""Find a record by its values and point at it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from trellis.automation.action import Action, Told
from trellis.automation.finding import matches
from trellis.automation.flow import Case, Flow
from trellis.automation.place import Place, Shape
from trellis.automation.related import relation_of
from trellis.automation.step import Step
from trellis.automation.values import work_out
from trellis.transaction.statements import statements_of
from trellis_metadata.diagnostics import Diagnostic


class Link(Action):
    """Puts the record that has given values into a lookup of the record."""

    name = "link"
    label = {"en": "Link to a record", "zh": "关联记录"}
    icon = "link"
    properties = {
        "related": {
            "description": "The lookup that is to point at the record that is found.",
            "type": "string",
            "minLength": 1,
            "maxLength": 40,
            "x-is": "relation",
            "x-many": False,
            "examples": ["account"],
        },
        "match": {
            "description": "Fields of the record that is to be found and their values; formulas see the automation's record. Two that fit fail the step.",
            "type": "object",
            "minProperties": 1,
            "maxProperties": 10,
            "x-is": "link_match",
            "x-match": True,
            "examples": [{"domain": {"formula": "domain"}}],
        },
        "missing": {
            "description": "Where none fits: `leave` the lookup as it is, make it `blank`, or `fail`.",
            "enum": ["leave", "blank", "fail"],
            "default": "leave",
            "examples": ["fail"],
        },
    }
    required = ("related", "match")

    def check(self, told: Told, at: str, place: Place) -> Iterable[Diagnostic]:
        from trellis.automation.values import check_values

        relation = relation_of(place, told["related"])
        if relation is not None:
            yield from check_values(told["match"], relation.object, f"{at}/match", place, match=True)

    def shape(self, told: Told, place: Place) -> Shape | None:
        relation = relation_of(place, str(told.get("related")))
        return None if relation is None else Shape(relation.object)

    def run(self, flow: Flow, step: Step, cases: Sequence[Case]) -> None:
        assert step.related is not None and cases[0].object is not None
        target = flow.tx.model.object(step.related.object)
        keys = work_out(flow, step.values["match"], cases, target)
        wanted = [(c, k) for c, k in zip(cases, keys, strict=True) if k is not None]
        found = [(c, ids) for (c, _), ids in zip(wanted, matches(flow, target, wanted), strict=True) if c.live]
        stored = statements_of(target).fetch(flow.tx.connection, sorted({ids[0] for _, ids in found if len(ids) == 1}))
        changes: list[tuple[Case, int, dict[str, Any]]] = []
        missing = step.told.get("missing", "leave")
        for case, ids in found:
            if len(ids) > 1:
                case.fail(f"More than one record of '{target.name}' fits.")
            elif ids:
                flow.keep(case, step, target.name, stored[ids[0]])
                value = flow.tx.model.env.format_id(target.name, ids[0])
                changes.append((case, case.id or 0, {step.related.field: value}))
            elif missing == "fail":
                case.fail(f"No record of '{target.name}' fits.")
            elif missing == "blank":
                changes.append((case, case.id or 0, {step.related.field: None}))
            else:
                case.tell(way="none_fits")
        flow.update(cases[0].object, changes)

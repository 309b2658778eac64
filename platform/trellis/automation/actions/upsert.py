"""Find a record by its values and change it, or create it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from trellis.automation.action import Action, Told
from trellis.automation.actions.create import OBJECT
from trellis.automation.finding import matches
from trellis.automation.flow import Case, Flow
from trellis.automation.place import Place, Shape
from trellis.automation.step import Step
from trellis.automation.values import work_out
from trellis.transaction.statements import statements_of
from trellis_metadata.diagnostics import Diagnostic

MATCH = {
    "description": "Fields and values by which the record is found. Two records that fit fail the step.",
    "type": "object",
    "minProperties": 1,
    "maxProperties": 10,
    "x-is": "values",
    "x-object": "object",
    "x-match": True,
    "examples": [{"email": {"formula": "email"}}],
}


class Upsert(Action):
    """Changes the record that has given values; creates it with them where there is none."""

    name = "upsert"
    label = {"en": "Find and change, or create", "zh": "查找并更新，否则创建"}
    icon = "replace"
    needs_record = False
    properties = {
        "object": OBJECT,
        "match": MATCH,
        "values": {
            "description": "What the record gets, found or new. A new one gets the values of `match` as well.",
            "type": "object",
            "maxProperties": 100,
            "x-is": "values",
            "x-object": "object",
            "examples": [{"status": "open"}],
        },
    }
    required = ("object", "match", "values")

    def check(self, told: Told, at: str, place: Place) -> Iterable[Diagnostic]:
        for name in sorted(told["match"].keys() & told["values"].keys()):
            yield Diagnostic(
                "set_twice", f"{at}/values/{name}", f"'{name}' stands in 'match' as well.", "Leave it out here."
            )

    def shape(self, told: Told, place: Place) -> Shape | None:
        return Shape(told.get("object"))

    def run(self, flow: Flow, step: Step, cases: Sequence[Case]) -> None:
        target = flow.tx.model.object(step.told["object"])
        keys = work_out(flow, step.values["match"], cases, target)
        values = work_out(flow, step.values["values"], cases, target)
        whole = [(c, k, v) for c, k, v in zip(cases, keys, values, strict=True) if k is not None and v is not None]
        for case, key, _ in whole:
            if any(v is None for v in key.values()):
                case.fail("A value by which the record is to be found is blank.")
        whole = [w for w in whole if w[0].live]
        found = matches(flow, target, [(c, k) for c, k, _ in whole])
        known: list[tuple[Case, int, dict[str, Any]]] = []
        new: dict[str, list[tuple[Case, dict[str, Any]]]] = {}
        for (case, key, sent), ids in zip(whole, found, strict=True):
            if len(ids) > 1:
                case.fail(f"More than one record of '{target.name}' fits.")
            elif ids:
                known.append((case, ids[0], sent))
            elif case.live:
                # Several cases that look for the same new record share it.
                new.setdefault(repr(sorted(key.items())), []).append((case, {**key, **sent}))
        flow.update(target.name, known)
        self._create(flow, step, target.name, list(new.values()))
        ids = [i for c, i, _ in known if c.live]
        stored = statements_of(target).fetch(flow.tx.connection, ids) if ids else {}
        for case, record, _ in known:
            if record in stored:
                flow.keep(case, step, target.name, stored[record])

    def _create(self, flow: Flow, step: Step, name: str, groups: Sequence[list[tuple[Case, dict[str, Any]]]]) -> None:
        outcomes = flow.create(name, [group[0] for group in groups])
        again = []
        for group, outcome in zip(groups, outcomes, strict=True):
            for case, sent in group:
                if outcome is None:
                    case.fail("The record that another run was to create was refused.")
                    continue
                flow.keep(case, step, name, {**outcome.values, "id": outcome.id})
                if sent != group[0][1]:
                    again.append((case, outcome.id or 0, sent))
        flow.update(name, again)

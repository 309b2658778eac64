"""Conditions of automations on the rows of a write: judged all at once, on the records as they were written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trellis.automation.catalogue import Automation, Trigger
from trellis.automation.words import as_json
from trellis.formula import ErrorValue
from trellis.model import ObjectModel
from trellis.rules.formulas import Case, evaluate_all
from trellis.rules.values import values_of
from trellis.transaction.row import Row

if TYPE_CHECKING:
    from trellis.rules.reader import Reader

Candidates = Mapping[str, Sequence[tuple[Row, Trigger]]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an automation fires for a row, why not, and the values that its condition saw."""

    row: Row
    trigger: Trigger
    fires: bool
    reason: str
    saw: Mapping[str, Any]


def judge(
    reader: Reader, model: ObjectModel, automations: Sequence[Automation], candidates: Candidates
) -> dict[str, list[Verdict]]:
    """Return the verdicts by automation. The statements do not grow with the number of rows or automations."""
    asked = [a for a in automations if a.when is not None and candidates[a.name]]
    rows = list({id(r): r for a in asked for r, _ in candidates[a.name]}.values())
    paths = frozenset[str]().union(*(a.when.paths for a in asked if a.when is not None))
    after = [{**(r.old or {}), **r.new, "id": r.id} for r in rows]
    read = values_of(reader, model, after, [r.old for r in rows], paths) if rows else []
    formulas = [a.when for a in asked if a.when is not None]
    # A deleted or restored record is judged as it stands.
    cases = [Case(now, old, r.old is None) for (now, old), r in zip(read, rows, strict=True)]
    answers = evaluate_all(reader, formulas, cases) if cases else []
    earlier = _earlier(reader, asked, cases)
    found: dict[str, list[Verdict]] = {}
    place = {id(r): i for i, r in enumerate(rows)}
    column = {a.name: i for i, a in enumerate(asked)}
    for automation in automations:
        verdicts = found[automation.name] = []
        for row, trigger in candidates[automation.name]:
            if automation.when is None:
                verdicts.append(Verdict(row, trigger, True, "", {}))
                continue
            index = place[id(row)]
            value = answers[index][column[automation.name]]
            before = earlier.get(automation.name, {}).get(index)
            saw = {p: as_json(cases[index].values.get(p)) for p in sorted(automation.when.paths)}
            verdicts.append(_verdict(row, trigger, value, before, saw))
    return found


def _verdict(row: Row, trigger: Trigger, value: Any, before: Any, saw: Mapping[str, Any]) -> Verdict:
    if isinstance(value, ErrorValue):
        return Verdict(row, trigger, False, f"error: {value.message}", saw)
    if not value:
        return Verdict(row, trigger, False, "condition", saw)
    if before is True:
        return Verdict(row, trigger, False, "held_before", saw)
    return Verdict(row, trigger, True, "", saw)


def _earlier(reader: Reader, asked: Sequence[Automation], cases: Sequence[Case]) -> dict[str, dict[int, Any]]:
    """Return what conditions said before the change, for the automations that fire when they become true."""
    becoming = [a for a in asked if a.definition.fires == "becomes_true"]
    stored = [(i, c) for i, c in enumerate(cases) if c.old is not None]
    if not becoming or not stored:
        return {}
    formulas = [a.when for a in becoming if a.when is not None]
    was = [Case(c.old or {}, c.old) for _, c in stored]
    answers = evaluate_all(reader, formulas, was)
    return {
        a.name: {i: row[column] for (i, _), row in zip(stored, answers, strict=True)}
        for column, a in enumerate(becoming)
    }

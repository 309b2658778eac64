"""Sub-flows: an automation that another one calls, as a run of its own in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence

from trellis.automation.catalogue import catalogue_of
from trellis.automation.doing import carry_out
from trellis.automation.flow import FAILED, Case, Flow, Run
from trellis.automation.session import MAX_DEPTH, TooMuch
from trellis.automation.words import as_json


def call(flow: Flow, name: str, cases: Sequence[Case]) -> None:
    """Start an automation for the records of ``cases``; where it fails, so does the caller. Raises :class:`TooMuch`."""
    tx, session = flow.tx, flow.session
    automation = catalogue_of(tx.model).get(name)
    if name in session.path or len(session.path) >= MAX_DEPTH:
        raise TooMuch(f"Automations call each other in a circle or too deep: {session.told_path(name)}.")
    if not automation.definition.active:
        for case in cases:
            case.tell(way="inactive")
        return
    pairs = list(zip(cases, _runs(flow, automation.name, cases), strict=True))
    if automation.when is not None:
        seen = flow.evaluate_and_see([automation.when], cases)
        for (case, run), ((value,), saw) in zip(pairs, seen, strict=True):
            run.saw = {p: as_json(v) for p, v in saw.items()}
            case.tell(way="called" if value is True else "condition")
        pairs = [p for p, ((value,), _) in zip(pairs, seen, strict=True) if value is True]
    inner = [
        Case(run, automation.object, case.values if automation.object else {}, seen=case.seen) for case, run in pairs
    ]
    session.runs += [run for _, run in pairs]
    carry_out(Flow(tx, session, flow.guarded), automation, inner)
    flow.settle(inner)
    for case, run in pairs:
        if run.state == FAILED:
            case.fail(f"'{name}': {run.message}")


def _runs(flow: Flow, name: str, cases: Sequence[Case]) -> list[Run]:
    tx, automation = flow.tx, catalogue_of(flow.tx.model).get(name)
    numbers = tx.tenant.ids.take(len(cases), tx.connection)
    return [
        Run(
            number,
            name,
            automation.digest,
            automation.object,
            case.id if automation.object else None,
            "called",
            tx.cause_json,
            case.run.actor,
            case.run.acts_as if automation.definition.acts_as is None else automation.definition.acts_as,
            tx.now,
            chain=[*case.run.chain, [name, automation.object, case.id]],
            given=case.run.given,
        )
        for number, case in zip(numbers, cases, strict=True)
    ]

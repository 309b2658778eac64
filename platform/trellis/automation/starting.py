"""Runs that no write starts: a moment, a message, a hand. Each is done for all its records together, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.automation.catalogue import Automation
from trellis.automation.doing import carry_out
from trellis.automation.flow import FAILED, QUEUED, Case, Flow, Run
from trellis.automation.later import enqueue
from trellis.automation.session import Session
from trellis.automation.words import as_json
from trellis.formula import ErrorValue
from trellis.storage.tables.automation import run as _run
from trellis.transaction.attempt import Undo

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

_R = _run.c
Values = Mapping[str, Any]


@dataclass
class Started:
    """``runs`` by record (None: no record); ``idle`` maps records that were looked at to why nothing started."""

    runs: dict[int | None, Run] = field(default_factory=dict)
    idle: dict[int | None, str] = field(default_factory=dict)
    saw: dict[int | None, Mapping[str, Any]] = field(default_factory=dict)


def start(
    tx: Transaction,
    automation: Automation,
    on: str,
    records: Sequence[Values],
    *,
    key: Callable[[Values], str] | None = None,
    given: Mapping[str, Any] | None = None,
    later: bool = False,
) -> Started:
    """Start an automation for stored ``records`` (one empty mapping where it has no object), by its trigger ``on``.

    ``key`` names what started it for a record: it runs once for each key, whoever asks again. A run that fails is taken back
    alone. ``later`` leaves the steps to the worker. The statements do not grow with the number of records.
    """
    session, found = Session.of(tx), Started()
    acts_as = automation.acts_as(on)
    flow = Flow(tx, session, acts_as == "user")
    fresh = _fresh(tx, automation, records, key, found)
    numbers = tx.tenant.ids.take(len(fresh), tx.connection) if fresh else []
    cases = [
        Case(new_run(tx, automation, on, r, key, given, n), automation.object, dict(r), seen=session.writes)
        for r, n in zip(fresh, numbers, strict=True)
    ]
    firing = _judged(flow, automation, cases, found)
    for case in firing:
        found.runs[case.id] = case.run
    if later:
        for case in firing:
            case.run.state = QUEUED
        session.runs += [c.run for c in firing]
        enqueue(tx, [c.run for c in firing])
    else:
        do_isolated(flow, automation, firing)
    return found


def do_isolated(flow: Flow, automation: Automation, cases: Sequence[Case]) -> None:
    """Do the steps for ``cases``; those that fail are taken back, and the others done again without them."""
    tx, session = flow.tx, flow.session
    remaining, failed = list(cases), []
    while remaining:
        undo = Undo(tx)
        runs = [c.run for c in remaining]
        fired = {(automation.name, c.object or "", c.id) for c in remaining if c.id is not None}
        session.fired |= fired
        session.runs += runs
        carry_out(flow, automation, remaining)
        flow.settle(remaining)
        bad = [c for c in remaining if c.run.state == FAILED]
        if not bad:
            undo.keep()
            break
        undo.back()
        failed += [c.run for c in bad]
        remaining = [_again(c) for c in remaining if c.run.state != FAILED]
    session.runs += failed
    session.refused = [r for r in session.refused if r not in failed]


def _again(case: Case) -> Case:
    """Return a case as it was before its steps."""
    run = case.run
    run.state, run.trace, run.position, run.waits_for = "running", [], None, None
    run.due_at, run.finished_at, run.results = None, None, None
    return Case(run, case.object, case.values, case.old, case.is_new)


def new_run(
    tx: Transaction,
    automation: Automation,
    on: str,
    record: Values,
    key: Callable[[Values], str] | None,
    given: Mapping[str, Any] | None,
    number: int | None = None,
) -> Run:
    return Run(
        tx.tenant.ids.take(1, tx.connection)[0] if number is None else number,
        automation.name,
        automation.digest,
        automation.object,
        record.get("id"),
        on,
        tx.cause_json,
        tx.principal.user,
        automation.acts_as(on),
        tx.now,
        cause_key=None if key is None else key(record),
        chain=[[automation.name, automation.object, record.get("id")]],
        given=given,
    )


def _fresh(
    tx: Transaction,
    automation: Automation,
    records: Sequence[Values],
    key: Callable[[Values], str] | None,
    found: Started,
) -> list[Values]:
    """Return the records for which the cause is new."""
    if key is None:
        return list(records)
    keys = {key(r): r for r in records}
    known: set[str] = set()
    wanted = list(keys)
    for first in range(0, len(wanted), 500):
        query = sa.select(_R.cause_key).where(
            _R.automation == automation.name, _R.cause_key.in_(wanted[first : first + 500])
        )
        known.update(tx.connection.execute(query).scalars())
    found.idle.update({keys[k].get("id"): "once" for k in known})
    return [r for k, r in keys.items() if k not in known]


def _judged(flow: Flow, automation: Automation, cases: Sequence[Case], found: Started) -> list[Case]:
    """Return the cases for which the condition holds."""
    if automation.when is None or not cases:
        return list(cases)
    firing = []
    for case, ((value,), saw) in zip(cases, flow.evaluate_and_see([automation.when], cases), strict=True):
        case.run.saw = {p: as_json(v) for p, v in saw.items()}
        if isinstance(value, ErrorValue):
            found.idle[case.id] = f"error: {value.message}"
        elif value:
            firing.append(case)
            continue
        else:
            found.idle[case.id] = "condition"
        found.saw[case.id] = case.run.saw
    return firing

"""Automations in the write path: before-rules set fields of the row, after-rules run when it is stored.

The conditions of all automations that a write concerns are judged at once, on the records as they were written; then they run
in their order. What one of them writes is a write of its own, with automations of its own, before its next step: the depth is
limited, and an automation runs for a record once in a transaction, so that circles end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from trellis.automation import dates, traces, watching
from trellis.automation.catalogue import Automation, catalogue_of
from trellis.automation.doing import carry_out
from trellis.automation.flow import FAILED, QUEUED, Case, Flow, Run
from trellis.automation.judging import Verdict, judge
from trellis.automation.matching import event_of, matching
from trellis.automation.session import MAX_DEPTH, Session
from trellis.automation.starting import do_isolated
from trellis.model import ObjectModel
from trellis.transaction.errors import RippleRefused
from trellis.transaction.row import Row

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

WHOLE = "_record"


def run_before(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """The step of the write path that lets before-rules set fields."""
    automations = catalogue_of(tx.model).before.get(model.name, ())
    touched = [r for r in rows if r.old is None or r.new] if automations and not tx.migration else []
    if not touched:
        return
    session = Session.of(tx)
    for automation, verdicts in _judged(tx, session, model, automations, touched):
        live = [v for v in verdicts if not v.row.errors]
        pairs = list(zip(live, _runs_of(tx, session, automation, live), strict=True))
        cases = [_case(v.row, r) for v, r in pairs]
        flow = Flow(tx, session, automation.acts_as("updated") == "user", {id(c): c.run.row for c in cases})
        carry_out(flow, automation, cases)
        flow.settle(cases)
        for case in cases:
            if case.run.state == FAILED and not case.run.row.errors:
                case.run.row.refuse(WHOLE, "automation_failed", _told(automation, case.run, tx.principal.language))
        session.runs += [r for _, r in pairs]


def run_after(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """The step of the write path that starts the automations of records that were written.

    Raises :class:`RippleRefused` with the errors at the rows whose automation failed and may stop the write.
    """
    known = Session.known(tx)
    if known is not None:
        known.writes += 1
    catalogue = catalogue_of(tx.model)
    if tx.migration:
        return
    watching.wake(tx, model, rows)
    dates.wind(tx, model, rows)
    automations = catalogue.written.get(model.name, ())
    if not automations:
        return
    session = Session.of(tx)
    mark = session.mark()
    for automation, verdicts in _judged(tx, session, model, automations, rows):
        if automation.definition.run == "later":
            _queue(tx, session, automation, verdicts)
        else:
            _start(tx, session, model, automation, verdicts)
        if any(r.errors for r in rows):
            refused = [r for r in session.runs[mark[0] :] if r.state == FAILED]
            session.back_to(mark)
            session.refused += [r for r in refused if r not in session.refused]
            raise RippleRefused([r.errors or None for r in rows])


def may_refuse(tx: Transaction, names: Iterable[str]) -> bool:
    """Say whether an automation may refuse rows of these objects after they were written."""
    written = catalogue_of(tx.model).written
    return not tx.migration and any(name in written for name in names)


def _judged(
    tx: Transaction, session: Session, model: ObjectModel, automations: Sequence[Automation], rows: Sequence[Row]
) -> list[tuple[Automation, list[Verdict]]]:
    """Return the automations that fire with the rows for which they do; keep why the others do not."""
    candidates = {a.name: matching(a, model, rows) for a in automations}
    asked = [a for a in automations if candidates[a.name]]
    if not asked:
        return []
    found = judge(tx, model, asked, candidates)
    idle: dict[int, tuple[Row, dict[str, str], dict[str, Any]]] = {}
    out = []
    for automation in asked:
        firing = []
        for verdict in found[automation.name]:
            reason = verdict.reason or _again(session, automation, model, verdict.row)
            if not reason:
                firing.append(verdict)
                continue
            _, rules, saw = idle.setdefault(id(verdict.row), (verdict.row, {}, {}))
            rules[automation.name] = reason
            saw.update(verdict.saw)
        if firing:
            out.append((automation, firing))
    session.looks += [traces.look_of(tx, model, row, rules, saw) for row, rules, saw in idle.values()]
    return out


def _again(session: Session, automation: Automation, model: ObjectModel, row: Row) -> str:
    """Return why an automation does not run for a record a second time in one transaction; empty if it may run."""
    if row.id is None or (automation.name, model.name, row.id) not in session.fired:
        return ""
    if automation.name in session.path:
        return f"circle: {session.told_path(automation.name)}"
    return "once"


def _runs_of(tx: Transaction, session: Session, automation: Automation, verdicts: Sequence[Verdict]) -> list[Run]:
    numbers = tx.tenant.ids.take(len(verdicts), tx.connection) if verdicts else []
    return [_run_of(tx, session, automation, v, n) for v, n in zip(verdicts, numbers, strict=True)]


def _run_of(tx: Transaction, session: Session, automation: Automation, verdict: Verdict, number: int) -> Run:
    row, on = verdict.row, verdict.trigger.on
    return Run(
        number,
        automation.name,
        automation.digest,
        automation.object,
        row.id,
        on,
        tx.cause_json,
        tx.principal.user,
        automation.acts_as(on),
        tx.now,
        chain=[*session.chain, [automation.name, automation.object, row.id]],
        saw=verdict.saw or None,
        row=row,
    )


def _case(row: Row, run: Run) -> Case:
    return Case(run, run.object, {**(row.old or {}), **row.new, "id": row.id}, row.old, row.old is None)


def _start(
    tx: Transaction, session: Session, model: ObjectModel, automation: Automation, verdicts: Sequence[Verdict]
) -> None:
    """Run an automation for its rows, in their transaction."""
    if len(session.path) >= MAX_DEPTH:
        told = f"Automations start each other more than {MAX_DEPTH} deep: {session.told_path(automation.name)}."
        for verdict in verdicts:
            verdict.row.refuse(WHOLE, "automation_limit", told)
        return
    session.fired |= {(automation.name, model.name, v.row.id) for v in verdicts if v.row.id is not None}
    runs = _runs_of(tx, session, automation, verdicts)
    cases = [_case(v.row, r) for v, r in zip(verdicts, runs, strict=True)]
    flow = Flow(tx, session, automation.acts_as(verdicts[0].trigger.on) == "user")
    if automation.definition.on_error == "isolate":
        do_isolated(flow, automation, cases)
        return
    session.runs += [c.run for c in cases]
    carry_out(flow, automation, cases)
    flow.settle(cases)
    for case in cases:
        if case.run.state == FAILED:
            case.run.row.refuse(WHOLE, "automation_failed", _told(automation, case.run, tx.principal.language))


def _told(automation: Automation, run: Run, language: str) -> str:
    name = automation.label(language)
    if language == "zh":
        return f"自动化“{name}”无法完成：{run.message}"
    return f"The automation '{name}' could not be carried out: {run.message}"


def _queue(tx: Transaction, session: Session, automation: Automation, verdicts: Sequence[Verdict]) -> None:
    """Leave runs to the worker: one message per batch of runs of one automation."""
    from trellis.automation.later import enqueue

    runs = _runs_of(tx, session, automation, verdicts)
    for run, verdict in zip(runs, verdicts, strict=True):
        run.state = QUEUED
        if verdict.row.id is not None and event_of(verdict.row) != "deleted":
            session.fired.add((automation.name, automation.object or "", verdict.row.id))
    session.runs += runs
    enqueue(tx, runs)

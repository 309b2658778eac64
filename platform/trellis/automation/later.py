"""Runs that the worker does: those that begin after the commit, and those whose wait is over.

The row of the run changes in the same transaction as the records: a run that is delivered twice is done once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.access import Cause
from trellis.access.accounts import principal_of
from trellis.access.principal import SYSTEM, Principal
from trellis.automation import traces
from trellis.automation.catalogue import Automation, AutomationGone, version_of
from trellis.automation.doing import carry_out
from trellis.automation.flow import CANCELLED, FAILED, QUEUED, RUNNING, WAITING, Case, Flow, Result, Run, acting
from trellis.automation.session import Session
from trellis.automation.step import Step
from trellis.formula import ErrorValue
from trellis.storage import outbox
from trellis.storage.outbox import Message
from trellis.storage.tables.automation import run as _run
from trellis.transaction.attempt import Undo
from trellis.transaction.statements import statements_of

if TYPE_CHECKING:
    from trellis.tenant import Tenant
    from trellis.transaction.transaction import Transaction

TOPIC = "automation_run"
ANSWER = "answer"
"""What a run waits for whose step asked another system: its action tells by ``answer(flow, step, case)``, None: not yet."""
_R = _run.c


def key_of(run: int, *, woken: bool = False) -> str:
    """Return the key under which the message of a run waits; one that was woken by a write has a key of its own."""
    return f"automation_run:{run}:woken" if woken else f"automation_run:{run}"


def subject_of(object_name: str | None, record: int | None) -> str | None:
    """Return the name under which messages about a record are delivered one after the other."""
    return None if object_name is None or record is None else f"{object_name}:{record}"


def enqueue(tx: Transaction, runs: Sequence[Run], due_at: datetime | None = None) -> None:
    """Leave runs to the worker, now or at a moment, each record's one after the other."""
    found = [Message({"run": r.id}, r.due_at or due_at, subject_of(r.object, r.record), key_of(r.id)) for r in runs]
    tx.trail.enqueue_many(TOPIC, found)


def send_on(tx: Transaction, runs: Sequence[tuple[int, str | None, int | None]]) -> None:
    """Let the worker ask again whether the runs (number, object, record) have to wait any longer."""
    found = [Message({"run": n}, None, subject_of(o, r), key_of(n, woken=True)) for n, o, r in runs]
    tx.trail.enqueue_many(TOPIC, found)


def wake(tenant: Tenant, number: int, object_name: str | None, record: int | None) -> None:
    """Let the worker see whether what a run waits for has come."""
    with tenant.database.writing() as connection:
        message = Message({"run": number}, None, subject_of(object_name, record), key_of(number, woken=True))
        outbox.put_one(connection, tenant.clock.now(), TOPIC, message)


def work(tenant: Tenant, number: int) -> None:
    """Do a run, or go on with it. Nothing happens if it is not the worker's turn (any more)."""
    tenant.run(SYSTEM, Cause("automation_worker"), lambda tx: _work(tx, number))


def _work(tx: Transaction, number: int) -> None:
    query = sa.select(_run).where(_R.id == number, _R.state.in_((QUEUED, WAITING)))
    if not tx.database.is_sqlite:
        query = query.with_for_update()
    row = tx.connection.execute(query).mappings().first()
    if row is None:
        return
    run = read_run(dict(row))
    session = Session.of(tx)
    session.chain = run.chain[:-1]
    session.fired = {(name, owner, record) for name, owner, record in run.chain if record is not None}
    was = run.state
    try:
        automation = version_of(tx.connection, tx.model, run.automation, run.digest)
        principal = _principal(tx, run)
    except AutomationGone as problem:
        _give_up(tx, session, run, problem.message)
        return
    case = _case(tx, run)
    if case is None:
        run.state, run.message, run.finished_at = CANCELLED, "The record is gone.", tx.now
        session.runs.append(run)
        return
    with acting(tx, principal, tx.cause):
        flow = Flow(tx, session, run.acts_as == "user")
        if was == WAITING and not _is_over(flow, automation, case):
            return
        _go_on(flow, automation, case, run)


def _go_on(flow: Flow, automation: Automation, case: Case, run: Run) -> None:
    resume, undo = run.position, Undo(flow.tx)
    run.state, run.waits_for, run.due_at, run.message = RUNNING, None, None, None
    run.attempts += 1
    flow.tx.trail.cancel([key_of(run.id), key_of(run.id, woken=True)])
    carry_out(flow, automation, [case], resume)
    flow.settle([case])
    if run.state == FAILED:
        undo.back()
        run.position = resume
    else:
        undo.keep()
    flow.session.runs.append(run)
    flow.session.refused = [r for r in flow.session.refused if r is not run]


def _give_up(tx: Transaction, session: Session, run: Run, message: str) -> None:
    run.state, run.message, run.finished_at = FAILED, message, tx.now
    session.runs.append(run)


def _principal(tx: Transaction, run: Run) -> Principal:
    if run.acts_as != "user":
        return Principal("system", run.actor, "system", admin=True)
    person = principal_of(tx.tenant, tx.connection, run.actor) if run.actor is not None else None
    if person is None:
        raise AutomationGone("The person with whose rights it runs may no longer log in.")
    return person


def _case(tx: Transaction, run: Run) -> Case | None:
    if run.object is None:
        return _with_results(tx, Case(run, None, {}))
    stored = statements_of(tx.model.object(run.object)).fetch(tx.connection, [run.record or 0]).get(run.record or 0)
    if stored is None or (stored["deleted_at"] is not None and run.trigger != "deleted"):
        return None
    return _with_results(tx, Case(run, run.object, stored))


def _with_results(tx: Transaction, case: Case) -> Case:
    """Give back what steps before the wait left; records as they are now."""
    by_object: dict[str, dict[int, list[str]]] = {}
    for name, kept in (case.run.results or {}).items():
        if "object" in kept and kept["object"] in tx.model.object_names:
            by_object.setdefault(kept["object"], {}).setdefault(kept["id"], []).append(name)
        elif "values" in kept:
            case.results[name] = Result(None, kept["values"])
    for owner, wanted in by_object.items():
        found = statements_of(tx.model.object(owner)).fetch(tx.connection, list(wanted))
        for record, names in wanted.items():
            for name in names if record in found else ():
                case.results[name] = Result(owner, found[record])
    return case


def _is_over(flow: Flow, automation: Automation, case: Case) -> bool:
    """Say whether the run has waited long enough: its moment has come, or its condition holds."""
    run = case.run
    step = step_at(automation.steps, run.position or ())
    holds = False
    if run.waits_for == ANSWER:
        answer = step.action.answer(flow, step, case)  # type: ignore[attr-defined]
        if answer is None and (run.due_at is None or run.due_at > flow.tx.now):
            return False
        case.results[step.name] = Result(None, answer or {})
        run.note(
            {"step": step.name, "action": step.action.name, "outcome": "timed_out" if answer is None else "answered"}
        )
        return True
    if run.waits_for == "condition":
        ((value,),) = flow.evaluate([step.formulas["until_when"]], [case])
        holds = not isinstance(value, ErrorValue) and bool(value)
    if not holds and (run.due_at is None or run.due_at > flow.tx.now):
        return False
    timed_out = run.waits_for == "condition" and not holds
    case.results[step.name] = Result(None, {"timed_out": timed_out})
    if run.waits_for == "condition":
        run.note({"step": step.name, "action": step.action.name, "outcome": "timed_out" if timed_out else "came_true"})
    return True


def step_at(steps: Sequence[Step], position: Sequence[Any]) -> Step:
    """Return the step at a position: indexes, and names of lists of steps inside a step."""
    step = steps[int(position[0])]
    return step if len(position) == 1 else step_at(step.steps[str(position[1])], position[2:])


def read_run(row: Mapping[str, Any]) -> Run:
    """Return a run as it is stored."""
    values = {n: row[n] for n in row if n in Run.__dataclass_fields__}
    position = values.pop("position")
    run = Run(**values, position=None if position is None else tuple(position), stored=True)
    run.trace, run.chain = list(run.trace), [list(c) for c in run.chain]
    return run


def store_now(tx: Transaction, runs: Sequence[Run]) -> None:
    """Write runs at once, before the end of the transaction."""
    traces.save(tx.connection, runs)

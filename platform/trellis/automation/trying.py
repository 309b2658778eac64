"""Dry runs: what an automation would do, in a transaction that is taken back. Nothing leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.access import Cause, Principal
from trellis.access.rights import AccessDenied
from trellis.automation import seeing
from trellis.automation.catalogue import Automation, Trigger, catalogue_of, compile_automation
from trellis.automation.doing import carry_out
from trellis.automation.flow import Case, Flow, Run
from trellis.automation.judging import Verdict, judge
from trellis.automation.matching import matching
from trellis.automation.session import Session
from trellis.automation.starting import new_run
from trellis.fields.base import InvalidValue
from trellis.model import ObjectModel
from trellis.storage import system
from trellis.transaction.attempt import Undo
from trellis.transaction.errors import NotFound
from trellis.transaction.row import Row
from trellis.transaction.statements import statements_of
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant
    from trellis.transaction.transaction import Transaction

MOST = 50
_C = system.change.c


class CannotTry(TrellisError):
    """The automation has no record to be tried on, or too many events are asked for."""

    code = "cannot_try"


@dataclass(frozen=True, slots=True)
class Event:
    """A past change as a write would show it."""

    row: Row
    action: str
    at: Any


def dry_run(
    tenant: Tenant,
    principal: Principal,
    automation: str | Mapping[str, Any],
    *,
    record: int | None = None,
    events: int = 0,
    body: str | None = None,
) -> list[dict[str, Any]]:
    """Return what an automation would do, for one record or for the last ``events`` changes of its object.

    ``automation`` is the name of a published one or a document that is not published yet. Each entry says whether it fires, why
    not, what its condition saw, the steps and the changes of records. ``body`` is a message from outside. For administrators.
    Raises ``InvalidMetadata``, ``AutomationGone``, ``NotFound``, :class:`CannotTry`.
    """
    if not principal.admin:
        raise AccessDenied("Automations are tried by administrators.")
    if isinstance(automation, Mapping):
        tenant.publisher.check([dict(automation)])
    if not 0 <= events <= MOST:
        raise CannotTry(f"Between 1 and {MOST} events can be looked at.")

    def work(tx: Transaction) -> list[dict[str, Any]]:
        session = Session.of(tx)
        session.trial = True
        found = (
            compile_automation(automation, "", tx.model)
            if isinstance(automation, Mapping)
            else catalogue_of(tx.model).get(automation)
        )
        if found.object is None:
            return [_one(tx, found, None, {}, body)]
        model = tx.model.object(found.object)
        if record is not None:
            return [_one(tx, found, model, _stored(tx, model, record), body)]
        if events == 0:
            raise CannotTry("Name a record, or how many of the last events are to be looked at.")
        return [_event(tx, found, model, e) for e in past_events(tx, model, events)]

    return tenant.run(principal, Cause("dry_run"), work, preview=True)


def _stored(tx: Transaction, model: ObjectModel, record: int) -> dict[str, Any]:
    stored = statements_of(model).fetch(tx.connection, [record]).get(record)
    if stored is None or stored["deleted_at"] is not None:
        raise NotFound(f"There is no such record of '{model.name}'.")
    return stored


def _one(
    tx: Transaction, automation: Automation, model: ObjectModel | None, values: dict[str, Any], body: str | None
) -> dict[str, Any]:
    """Try it on a record as it stands, whatever its triggers wait for."""
    on = automation.triggers[0].on
    run = new_run(tx, automation, on, values, None, {"body": body} if body is not None else None)
    case = Case(run, automation.object, values)
    flow = Flow(tx, Session.of(tx), automation.acts_as(on) == "user")
    reason = ""
    if automation.when is not None:
        from trellis.automation.words import as_json

        (((value,), saw),) = flow.evaluate_and_see([automation.when], [case])
        run.saw = {p: as_json(v) for p, v in saw.items()}
        reason = "" if value is True else "condition"
    return _done(tx, flow, automation, case, reason)


def _event(tx: Transaction, automation: Automation, model: ObjectModel, event: Event) -> dict[str, Any]:
    rows = matching(automation, model, [event.row])
    if not rows:
        return {
            **_told(tx, None, "trigger", []),
            "event": event.action,
            "at": event.at,
            "record": _name(tx, model, event),
        }
    (verdict,) = judge(tx, model, [automation], {automation.name: rows})[automation.name]
    run = _run(tx, automation, verdict, rows[0][1])
    case = Case(run, model.name, {**(event.row.old or {}), **event.row.new}, event.row.old, event.row.old is None)
    flow = Flow(tx, Session.of(tx), automation.acts_as(run.trigger) == "user")
    found = _done(tx, flow, automation, case, verdict.reason)
    return {**found, "event": event.action, "at": event.at, "record": _name(tx, model, event)}


def _name(tx: Transaction, model: ObjectModel, event: Event) -> str:
    return tx.model.env.format_id(model.name, event.row.id or 0)


def _run(tx: Transaction, automation: Automation, verdict: Verdict, trigger: Trigger) -> Run:
    run = new_run(tx, automation, trigger.on, {"id": verdict.row.id}, None, None)
    run.saw = dict(verdict.saw)
    return run


def _done(tx: Transaction, flow: Flow, automation: Automation, case: Case, reason: str) -> dict[str, Any]:
    """Do the steps if nothing speaks against it, and take them back."""
    if reason:
        return _told(tx, case.run, reason, [])
    undo, before = Undo(tx), len(tx.trail.noted)
    if automation.definition.run == "before":
        # Tried as a write of the stored record: its fields get what the row would have got.
        case.seen = -1
    carry_out(flow, automation, [case])
    flow.settle([case])
    changes = [
        {
            "object": c["object"],
            "record": tx.model.env.format_id(c["object"], c["record"]),
            "action": c["action"],
            "values": c["values"],
        }
        for c in tx.trail.noted[before:]
    ]
    found = _told(tx, case.run, "", changes)
    undo.back()
    return found


def _told(tx: Transaction, run: Run | None, reason: str, changes: list[dict[str, Any]]) -> dict[str, Any]:
    if run is None:
        return {"fires": False, "reason": reason, "state": None, "message": None, "saw": {}, "steps": [], "changes": []}
    row = {f: getattr(run, f) for f in run.__dataclass_fields__}
    shown = seeing.run_json(tx, row)
    return {
        "fires": not reason,
        "reason": reason or None,
        "state": None if reason else run.state,
        "message": run.message,
        "record": shown["record"],
        "saw": shown["saw"],
        "steps": shown["steps"],
        "changes": changes,
    }


def past_events(tx: Transaction, model: ObjectModel, count: int) -> list[Event]:
    """Return the last changes of an object's records, newest first, each with the record before and after it.

    The records are reckoned back from how they stand now; what history does not keep stands as it is now.
    """
    query = (
        sa.select(_C.record, _C.action, _C["values"], _C.at)
        .where(_C.object == model.name, _C.action.in_(("created", "updated", "deleted", "restored")))
        .order_by(_C.id.desc())
        .limit(count)
    )
    found = tx.connection.execute(query).all()
    ids = sorted({r.record for r in found})
    state = statements_of(model).fetch(tx.connection, ids) if ids else {}
    events = []
    for record, action, changed, at in found:
        if record not in state:
            continue
        after = state[record]
        before = {**after, **_before(model, changed or {})}
        new = {n: after.get(n) for n in changed or {}}
        if action in ("deleted", "restored"):
            before["deleted_at"] = None if action == "deleted" else at
            new = {"deleted_at": at if action == "deleted" else None}
        events.append(Event(Row(0, record, old=None if action == "created" else before, new={**after, **new}
                                if action == "created" else new), action, at))  # fmt: skip
        state[record] = before
    return events


def _before(model: ObjectModel, changed: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, (old, _) in changed.items():
        field = model.field(name)
        if field is None or not field.stored:
            continue
        try:
            found[name] = None if old is None else field.codec.parse(old)
        except InvalidValue:
            found[name] = None
    return found

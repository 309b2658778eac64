"""Submits records: who may, whether the record needs it, and whether somebody can be asked in every step.

Everything is judged before anything is written, and all reasons are told at once, record by record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.access.decide import allowed_ids
from trellis.approvals import desk as states
from trellis.approvals.advancing import open_next
from trellis.approvals.approval import Approval, UnknownApproval, approval_of
from trellis.approvals.asking import ask, conditions
from trellis.approvals.changing import submitted_by_me
from trellis.approvals.deciding import checked_comment
from trellis.approvals.desk import Case, Desk, Request
from trellis.approvals.ending import lock_record, settle
from trellis.approvals.messages import message
from trellis.formula import ErrorValue
from trellis.named_people import resolve
from trellis.storage.tables import approvals as t
from trellis.transaction.errors import NotFound, RecordsInvalid
from trellis_metadata.labels import text_of

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

WHOLE = "_record"


def submit(
    tx: Transaction,
    object_name: str,
    records: Sequence[int],
    approval: str,
    *,
    comment: str | None = None,
    move: tuple[str, str] | None = None,
) -> list[int]:
    """Submit records of an object for an approval; return the numbers of the requests, in order.

    ``move`` is a stage field and the stage into which the records go once they are approved. Raises ``NotFound`` for a record
    that the principal may not read, ``RecordsInvalid`` with the reasons per record; then nothing is submitted.
    """
    definition = approval_of(tx.model, approval)
    if definition.object != object_name:
        raise UnknownApproval(f"The approval '{approval}' is about '{definition.object}', not about '{object_name}'.")
    ids = list(dict.fromkeys(records))
    desk = Desk(tx)
    stored = _stored(desk, object_name, ids)
    text = checked_comment(comment)
    cases = [
        Case(_request(tx, definition, number, record, text, move), definition, values=stored[record])
        for number, record in zip(desk.numbers(len(ids)), ids, strict=True)
    ]
    errors = refusals(tx, definition, cases)
    if any(errors):
        raise RecordsInvalid(errors)
    for case in cases:
        desk.cases[case.request.id] = case
        desk.add(case.request)
        lock_record(desk, case)
        desk.event(case, "submitted", comment=case.request.comment)
        desk.todo.append((case, "on_submit"))
    open_next(desk, cases)
    settle(desk)
    return [c.request.id for c in cases]


def submit_needed(
    tx: Transaction, object_name: str, records: Sequence[int], approval: str, *, comment: str | None = None
) -> dict[int, int]:
    """Submit those records that need the approval and are not being approved yet; return their requests.

    Raises as :func:`submit` does; ``RecordsInvalid`` has one entry per record of ``records``.
    """
    definition = approval_of(tx.model, approval)
    ids = list(dict.fromkeys(records))
    stored = _stored(Desk(tx), object_name, ids)
    cases = [Case(_request(tx, definition, 0, r, None, None), definition, values=stored[r]) for r in ids]
    reasons = _not_needed(tx, definition, cases)
    pending = _pending(tx, ids)
    wanted = [
        r
        for r, why in zip(ids, reasons, strict=True)
        if (why is None or why["code"] != "not_needed") and r not in pending
    ]
    if not wanted:
        return {}
    try:
        return dict(zip(wanted, submit(tx, object_name, wanted, approval, comment=comment), strict=True))
    except RecordsInvalid as refused:
        found = dict(zip(wanted, refused.errors, strict=True))
        raise RecordsInvalid([found.get(r) for r in ids]) from refused


def _stored(desk: Desk, object_name: str, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return the records under lock. Raises ``NotFound`` where one is not there for the principal."""
    tx = desk.tx
    stored = desk.records(object_name, ids)
    seen = allowed_ids(tx.connection, tx.principal, tx.model, tx.model.object(object_name), ids, "read")
    for record in ids:
        if record not in seen or record not in stored or stored[record]["deleted_at"] is not None:
            raise NotFound(f"There is no such record of '{object_name}'.")
    return stored


def _request(
    tx: Transaction, definition: Approval, number: int, record: int, comment: str | None, move: tuple[str, str] | None
) -> Request:
    field, stage = move or (None, None)
    return Request(
        number,
        definition.name,
        definition.digest,
        definition.object,
        record,
        states.PENDING,
        1,
        0,
        tx.principal.user,
        tx.now,
        comment,
        move_field=field,
        move_to=stage,
    )


def refusals(tx: Transaction, definition: Approval, cases: Sequence[Case]) -> list[Mapping[str, Any] | None]:
    """Return, per case, why it cannot be submitted; None where it can."""
    found: list[list[dict[str, str]]] = [[] for _ in cases]
    for index, reasons in enumerate(_not_allowed(tx, definition, cases)):
        found[index] += reasons
    for index, reason in enumerate(_not_needed(tx, definition, cases)):
        found[index] += [reason] if reason else []
    pending = _pending(tx, [c.request.record for c in cases])
    for index, case in enumerate(cases):
        other = pending.get(case.request.record)
        if other is not None and other[0] != case.request.id:
            label = _label_of(tx, other[1])
            found[index].append(_error(tx, "already_submitted", approval=label))
    for index, reasons in enumerate(_unanswerable(tx, definition, cases)):
        found[index] += reasons
    return [{WHOLE: reasons} if reasons else None for reasons in found]


def _error(tx: Transaction, code: str, **values: str) -> dict[str, str]:
    return {"code": code, "message": message(code, tx.principal.language, **values)}


def _not_allowed(tx: Transaction, definition: Approval, cases: Sequence[Case]) -> list[list[dict[str, str]]]:
    user, root = tx.principal.user, tx.model.object(definition.object)
    if tx.principal.admin:
        return [[] for _ in cases]
    if definition.submitters is None:
        ids = [c.request.record for c in cases]
        able = allowed_ids(tx.connection, tx.principal, tx.model, root, ids, "edit")
        good = [c.request.record in able for c in cases]
    else:
        named = resolve(tx, root, definition.submitters, [c.values for c in cases], [user] * len(cases))
        good = [user in n.users for n in named]
    return [[] if ok else [_error(tx, "may_not_submit")] for ok in good]


def _not_needed(tx: Transaction, definition: Approval, cases: Sequence[Case]) -> list[dict[str, str] | None]:
    language, label = tx.principal.language, definition.label(tx.principal.language)
    values = conditions(tx, tx.model.object(definition.object), definition.when, cases)
    out: list[dict[str, str] | None] = []
    for value in values:
        if isinstance(value, ErrorValue):
            out.append(_error(tx, "entry_error", approval=label, problem=value.message))
        elif not value:
            own = definition.document.get("message")
            text = text_of(own, language) if own else message("not_needed", language, approval=label)
            out.append({"code": "not_needed", "message": text})
        else:
            out.append(None)
    return out


def _pending(tx: Transaction, records: Sequence[int]) -> dict[int, tuple[int, str]]:
    """Return the live request of each record. One record is in one request at a time: two would fight over its lock."""
    c = t.request.c
    found: dict[int, tuple[int, str]] = {}
    for start in range(0, len(records), 500):
        query = sa.select(c.record, c.id, c.approval).where(
            c.record.in_(list(records[start : start + 500])), c.state.in_(states.LIVE)
        )
        found.update((row[0], (row[1], row[2])) for row in tx.connection.execute(query))
    return found


def _label_of(tx: Transaction, name: str) -> str:
    document = tx.model.display.get("approval", name) or {}
    return text_of(document.get("label"), tx.principal.language, name)


def _unanswerable(tx: Transaction, definition: Approval, cases: Sequence[Case]) -> list[list[dict[str, str]]]:
    """Return, per case, the steps in which nobody could be asked as things stand."""
    language = tx.principal.language
    steps = [s for s in definition.steps.values() if s.nobody == "refuse"]
    wanted = [(case, step) for case in cases for step in steps]
    out: dict[int, list[dict[str, str]]] = {c.request.id: [] for c in cases}
    for (case, step), answer in zip(wanted, ask(tx, wanted), strict=True):
        if answer.applies and not answer.seats:
            reasons = "; ".join(text_of(r, language) for r in answer.nobody) or "-"
            label = step.label(language)
            out[case.request.id].append(_error(tx, "no_approver", step=label, reasons=reasons))
    return [out[c.request.id] for c in cases]


def resubmit(tx: Transaction, request: int, *, comment: str | None = None) -> str:
    """Submit a record again that was sent back: a new round from the first step on. For the submitter.

    Raises ``UnknownRequest``, ``NotAsked``, ``RequestClosed``, ``RecordsInvalid``.
    """
    desk = Desk(tx)
    case = submitted_by_me(desk, request, states.SENT_BACK)
    errors = refusals(tx, case.approval, [case])
    if errors[0]:
        raise RecordsInvalid(errors)
    case.request.state, case.request.round, case.request.stage_group = states.PENDING, case.request.round + 1, 0
    lock_record(desk, case)
    desk.event(case, "resubmitted", comment=checked_comment(comment))
    desk.todo.append((case, "on_submit"))
    open_next(desk, [case])
    settle(desk)
    return case.request.state

"""Stages that ask for an approval: which records may enter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.approvals import desk as states
from trellis.approvals.approval import Approval, approval_of
from trellis.approvals.asking import conditions
from trellis.approvals.desk import Case, Request
from trellis.approvals.messages import message
from trellis.formula import ErrorValue
from trellis.model import ObjectModel
from trellis.pipelines.versions import pipelines_of
from trellis.pipelines.walk import walks
from trellis.storage.tables import approvals as t
from trellis.transaction.row import Row

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

_R = t.request.c


def guard_approvals(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """The step of the write path that lets records into a stage only with the approval that it asks for.

    Migration passes, as it does with pipelines. The stage of the move has been chosen before; whether the pipeline allows the
    move is judged beside this, so that all reasons are told at once.
    """
    if tx.migration:
        return
    for field in pipelines_of(tx.model, model):
        found = walks(tx, field, [r for r in rows if r.old is not None])
        asking = [(w, w.stage) for w in found if w.moved and w.stage is not None and w.stage.approval is not None]
        if asking:
            language = tx.principal.language
            entries = [
                Entry({**(w.row.old or {}), **w.row.new}, str(stage.approval), stage.name, stage.label(language))
                for w, stage in asking
            ]
            for index, code, text in _refusals(tx, model, entries):
                asking[index][0].row.refuse(field, code, text)


@dataclass(frozen=True, slots=True)
class Entry:
    """A record that wants to enter a stage: its values after the change, and what the stage asks for."""

    values: Mapping[str, Any]
    approval: str
    stage: str
    stage_label: str


def _refusals(tx: Transaction, model: ObjectModel, entries: Sequence[Entry]) -> Iterator[tuple[int, str, str]]:
    """Yield the index, code and message of entries that an approval still stands before.

    A record whose approval was given enters as long as nothing changed that the approval looks at.
    """
    given, pending = _requests(tx, [e.values["id"] for e in entries])
    language = tx.principal.language
    for name in dict.fromkeys(e.approval for e in entries):
        approval = approval_of(tx.model, name)
        mine = [i for i, e in enumerate(entries) if e.approval == name]
        cases = [_case(tx, approval, entries[i].values) for i in mine]
        for i, needed in zip(mine, conditions(tx, model, approval.when, cases), strict=True):
            entry = entries[i]
            record = entry.values["id"]
            if isinstance(needed, ErrorValue):
                label = approval.label(language)
                yield i, "entry_error", message("entry_error", language, approval=label, problem=needed.message)
            elif needed and not {(record, name, None), (record, name, entry.stage)} & given:
                code = "approval_pending" if (record, name) in pending else "approval_needed"
                texts = {"stage": entry.stage_label, "approval": approval.label(language)}
                yield i, code, message(code, language, **texts)


def _requests(tx: Transaction, records: Sequence[int]) -> tuple[set[tuple[int, str, str | None]], set[tuple[int, str]]]:
    given: set[tuple[int, str, str | None]] = set()
    pending: set[tuple[int, str]] = set()
    for start in range(0, len(records), 500):
        query = sa.select(_R.record, _R.approval, _R.state, _R.move_to).where(
            _R.record.in_(list(records[start : start + 500])),
            sa.or_(_R.state == states.PENDING, sa.and_(_R.state == states.APPROVED, _R.used_at.is_(None))),
        )
        for record, name, state, stage in tx.connection.execute(query):
            if state == states.PENDING:
                pending.add((record, name))
            else:
                given.add((record, name, stage))
    return given, pending


def _case(tx: Transaction, approval: Approval, values: Mapping[str, Any]) -> Case:
    """Return a case that is not stored, for asking whether a record needs an approval."""
    request = Request(
        0,
        approval.name,
        approval.digest,
        approval.object,
        values["id"],
        states.PENDING,
        1,
        0,
        tx.principal.user,
        tx.now,
    )
    return Case(request, approval, values=dict(values))

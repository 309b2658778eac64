"""The messages that fall due for steps: put down when a step opens, called back when it ends."""

from __future__ import annotations

from trellis.approvals import desk as states
from trellis.approvals.desk import Case, Desk, OpenStep
from trellis.storage.outbox import Message

TOPIC = "approval_due"


def keys_of(row: OpenStep, reminders: int = 0) -> list[str]:
    """Return the keys under which the messages of a step wait: the deadline's, then those of its reminders."""
    return [f"approval:{row.id}:deadline", *(f"approval:{row.id}:remind:{n}" for n in range(reminders))]


def keep_clocks(desk: Desk) -> None:
    """Put down the messages of steps that were opened, and call back those of steps that ended."""
    coming: list[Message] = []
    gone: list[str] = []
    for case in desk.cases.values():
        for row in case.steps:
            if row.id in desk.opened and row.state == states.OPEN and row.due_at is not None:
                coming += _messages(case, row)
            elif row.id in desk.ended and row.id not in desk.opened:
                deadline = case.definition(row).deadline
                gone += keys_of(row, len(deadline.remind)) if deadline is not None else []
    if coming:
        desk.tx.trail.enqueue_many(TOPIC, coming)
    if gone:
        desk.tx.trail.cancel(gone)


def _messages(case: Case, row: OpenStep) -> list[Message]:
    deadline = case.definition(row).deadline
    assert deadline is not None and row.due_at is not None
    subject = f"approval:{case.request.id}"
    keys = keys_of(row, len(deadline.remind))
    moments = [(row.due_at, "deadline"), *((row.due_at - before, "remind") for before in deadline.remind)]
    payload = {"request": case.request.id, "step": row.id}
    return [
        Message({**payload, "what": what, "key": key}, at, subject, key)
        for key, (at, what) in zip(keys, moments, strict=True)
        if at > row.opened_at or what == "deadline"
    ]

"""Takes requests on: opens the next steps, counts votes, ends requests, and does what follows from the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from trellis.approvals import desk as states
from trellis.approvals.asking import Answer, Asked, ask
from trellis.approvals.desk import Case, Desk, OpenStep, Seat
from trellis.approvals.ending import finish
from trellis.approvals.reckoning import deadline_of

if TYPE_CHECKING:
    from trellis.approvals.approval import Step


def open_next(desk: Desk, cases: Sequence[Case]) -> None:
    """Open the group of steps at which each case stands; where all of them are passed over, the next, up to the end."""
    going = list(cases)
    while going:
        wanted = [(case, step) for case in going for step in case.approval.group(case.request.stage_group)]
        answers = ask(desk.tx, wanted)
        opened: set[int] = set()
        numbers = iter(desk.numbers(sum(1 + len(a.seats) + 1 for a in answers)))
        for (case, step), answer in zip(wanted, answers, strict=True):
            if _open(desk, case, step, answer, numbers):
                opened.add(case.request.id)
        ahead = []
        for case in going:
            if case.request.id in opened:
                continue
            case.request.stage_group += 1
            if case.approval.group(case.request.stage_group):
                ahead.append(case)
            else:
                finish(desk, case, states.APPROVED)
        going = ahead


def _open(desk: Desk, case: Case, step: Step, answer: Answer, numbers: Iterator[int]) -> bool:
    """Open one step of a case; False when it is passed over."""
    now = desk.tx.now
    skipped = not answer.applies or (not answer.seats and step.nobody == "skip")
    state = states.SKIPPED if skipped else states.OPEN
    due = None if skipped or step.deadline is None else deadline_of(desk.tx, step.deadline)
    row = OpenStep(
        next(numbers),
        case.request.id,
        case.request.round,
        step.name,
        step.position,
        state,
        now,
        now if skipped else None,
        due,
    )
    case.steps.append(desk.add(row))
    if skipped:
        if answer.applies:
            desk.event(case, "skipped", step=row, reasons=[dict(t) for t in answer.nobody])
        return False
    # Somebody left between submission and now: the vote stays demanded, and an administrator passes it on.
    asked = answer.seats or [Asked(None, 0, None, {"en": "", "zh": ""})]
    for one in asked:
        seat = new_seat(case, row, one, next(numbers), desk)
        desk.event(case, "asked" if seat.holder else "vacant", step=row, person=seat.holder, why=dict(one.why))
        if seat.first is not None and seat.holder != seat.first:
            desk.event(case, "delegated", step=row, person=seat.first)
    desk.tell(case, "asked", step=row)
    return True


def new_seat(case: Case, row: OpenStep, one: Asked, number: int, desk: Desk) -> Seat:
    """Make a seat in a step."""
    seat = Seat(
        number,
        case.request.id,
        row.id,
        case.request.record,
        one.first,
        one.holder or None,
        one.queue,
        states.OPEN,
        case.approval.sees_record,
        dict(one.why),
        desk.tx.now,
    )
    case.seats.append(desk.add(seat))
    return seat


def count(desk: Desk, case: Case, row: OpenStep) -> None:
    """Decide a step if its votes do, and take the case on."""
    seats = case.seats_of(row)
    verdict = outcome(
        case.definition(row).decide,
        len(seats),
        sum(s.state == states.APPROVED for s in seats),
        sum(s.state == states.REJECTED for s in seats),
    )
    if verdict is not None:
        close(desk, case, row, verdict)


def outcome(decide: str, seats: int, approvals: int, rejections: int) -> str | None:
    """Return ``approved`` or ``rejected`` once the votes decide a step, None while they do not.

    ``first``: the first answer. ``all``: everybody approves, one rejection rejects. ``majority``: more than half of all seats
    approve; rejected as soon as that cannot happen any more.
    """
    if decide == "first":
        return states.APPROVED if approvals else states.REJECTED if rejections else None
    if decide == "all":
        return states.REJECTED if rejections else states.APPROVED if seats and approvals == seats else None
    if approvals * 2 > seats:
        return states.APPROVED
    return states.REJECTED if rejections * 2 >= seats and seats else None


def close(desk: Desk, case: Case, row: OpenStep, verdict: str) -> None:
    """End a step, ask nobody in it any more, and take the case on."""
    end_step(desk, case, row, verdict)
    request = case.request
    if verdict == states.REJECTED:
        target = case.definition(row).reject_to
        if target is None:
            finish(desk, case, states.REJECTED)
        else:
            restart(desk, case, case.approval.steps[target].group, "back", to=target)
        return
    if not case.now_open():
        request.stage_group += 1
        if case.approval.group(request.stage_group):
            open_next(desk, [case])
        else:
            finish(desk, case, states.APPROVED)


def end_step(desk: Desk, case: Case, row: OpenStep, state: str) -> None:
    """End a step; open seats in it are asked no more."""
    row.state, row.closed_at = state, desk.tx.now
    for seat in case.seats_of(row):
        if seat.state == states.OPEN:
            seat.state, seat.reads = states.CLOSED, False


def restart(desk: Desk, case: Case, group: int, kind: str, **data: Any) -> None:
    """Begin a new round at a group of steps; what was decided in this round from there on counts no more."""
    for row in case.now_open():
        end_step(desk, case, row, states.CLOSED)
    desk.event(case, kind, **data)
    case.request.round += 1
    case.request.stage_group = group
    open_next(desk, [case])

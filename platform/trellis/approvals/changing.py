"""What else people do with requests: pass a seat on, take one from a queue, send back, ask and answer, remind, recall."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trellis.absences import active_among
from trellis.approvals import desk as states
from trellis.approvals.advancing import end_step
from trellis.approvals.asking import barred_now
from trellis.approvals.deciding import (
    checked_comment,
    existing,
    my_seats,
    require_pending,
    take_seat,
    unknown,
)
from trellis.approvals.desk import Case, Desk, OpenStep, Seat
from trellis.approvals.ending import finish, settle
from trellis.approvals.errors import CommentMissing, NotAsked, RequestClosed
from trellis.approvals.messages import message, state_word

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction


def submitted_by_me(desk: Desk, request: int, state: str) -> Case:
    """Return a case that the principal submitted (or any, for an administrator) and that is in a state."""
    tx = desk.tx
    case = _case(desk, request)
    if case.request.submitted_by != tx.principal.user and not tx.principal.admin:
        raise NotAsked(message("not_asked", tx.principal.language))
    if case.request.state != state:
        language = tx.principal.language
        raise RequestClosed(message("closed", language, state=state_word(case.request.state, language)))
    return case


def _case(desk: Desk, request: int) -> Case:
    cases = existing(desk, [request])
    if not cases:
        raise unknown(request)
    return cases[0]


def take(tx: Transaction, request: int, *, step: str | None = None) -> None:
    """Take a request from a queue: the seat is the principal's from now on."""
    desk = Desk(tx)
    case = _case(desk, request)
    for row, seat in my_seats(desk, case, step):
        take_seat(desk, case, row, seat)
    settle(desk)


def reassign(
    tx: Transaction,
    request: int,
    to: int,
    *,
    comment: str | None = None,
    step: str | None = None,
    from_user: int | None = None,
) -> None:
    """Pass one's seat on to somebody else, who must be active, asked in that step not yet, and not barred.

    An administrator may pass on anybody's (``from_user``, else every open seat of the step that nobody holds). The vote stays
    one vote. Raises :class:`NotAsked`, :class:`RequestClosed`.
    """
    desk = Desk(tx)
    case = _case(desk, request)
    require_pending(desk, case)
    if tx.principal.admin and (from_user is not None or not _mine(desk, case)):
        seats = [
            (r, s)
            for r in case.now_open()
            if step in (None, r.name)
            for s in case.seats_of(r)
            if s.state == states.OPEN and s.holder == from_user
        ]
    else:
        seats = my_seats(desk, case, step)
        _demand(desk, case, seats, "reassign")
    if not seats:
        raise NotAsked(message("not_asked", tx.principal.language))
    text = checked_comment(comment)
    for row, seat in seats:
        _check_receiver(desk, case, row, to)
        take_seat(desk, case, row, seat)
        before = seat.holder
        seat.holder, seat.asked_at = to, tx.now
        seat.first = seat.first if seat.first is not None else to
        desk.event(case, "reassigned", step=row, person=to, comment=text, came_from=before)
    desk.tell(case, "reassigned", people=[to])
    settle(desk)


def _mine(desk: Desk, case: Case) -> bool:
    user = desk.tx.principal.user
    return any(s.state == states.OPEN and s.holder == user for r in case.now_open() for s in case.seats_of(r))


def _check_receiver(desk: Desk, case: Case, row: OpenStep, to: int) -> None:
    problem = receiver_problem(desk, case, row, to)
    if problem is not None:
        raise NotAsked(message(problem, desk.tx.principal.language))


def receiver_problem(desk: Desk, case: Case, row: OpenStep, to: int) -> str | None:
    """Return why a seat of a step cannot go to somebody; None when it can."""
    if active_among(desk.tx.connection, desk.tx.model, [to]) != {to}:
        return "receiver_gone"
    barred = barred_now(case)
    if to in barred:
        return f"receiver_{barred[to]}"
    if any(to in (s.holder, s.decided_by) for s in case.seats_of(row)):
        return "receiver_asked"
    return None


def _demand(desk: Desk, case: Case, seats: list[tuple[OpenStep, Seat]], what: str) -> None:
    for row, _ in seats:
        definition = case.definition(row)
        if what not in definition.may:
            language = desk.tx.principal.language
            raise NotAsked(message("may_not", language, step=definition.label(language)))


def send_back(tx: Transaction, request: int, comment: str | None) -> None:
    """Give a request back to its submitter, who may change the record and submit it again. Needs a comment."""
    desk = Desk(tx)
    case = _case(desk, request)
    seats = my_seats(desk, case)
    _demand(desk, case, seats, "send_back")
    text = _needed(desk, comment)
    for row in case.now_open():
        end_step(desk, case, row, states.CLOSED)
    case.request.state = states.SENT_BACK
    for seat in case.seats:
        seat.reads = False
    desk.event(case, "sent_back", step=seats[0][0], comment=text)
    desk.tell(case, "sent_back")
    settle(desk)


def ask_submitter(tx: Transaction, request: int, comment: str | None) -> None:
    """Ask the submitter for information. The request goes on waiting."""
    desk = Desk(tx)
    case = _case(desk, request)
    seats = my_seats(desk, case)
    _demand(desk, case, seats, "ask")
    desk.event(case, "question", step=seats[0][0], comment=_needed(desk, comment))
    desk.tell(case, "question")
    settle(desk)


def answer(tx: Transaction, request: int, comment: str | None) -> None:
    """Answer a question about one's request; those who are asked are told."""
    desk = Desk(tx)
    case = submitted_by_me(desk, request, states.PENDING)
    desk.event(case, "answer", comment=_needed(desk, comment))
    desk.tell(case, "answer", people=case.waiting_for())
    settle(desk)


def remind(tx: Transaction, request: int) -> int:
    """Remind those who have not answered; return how many people. For the submitter."""
    desk = Desk(tx)
    case = submitted_by_me(desk, request, states.PENDING)
    people = case.waiting_for()
    desk.event(case, "reminded", count=len(people))
    desk.tell(case, "reminded", people=people)
    settle(desk)
    return len(people)


def recall(tx: Transaction, request: int, *, comment: str | None = None) -> None:
    """Take a request back. For the submitter and administrators; pending or sent back."""
    desk = Desk(tx, bare=True)
    case = _case(desk, request)
    state = case.request.state if case.request.state in states.LIVE else states.PENDING
    submitted_by_me(desk, request, state)
    text = checked_comment(comment)
    if text:
        desk.event(case, "comment", comment=text)
    finish(desk, case, states.RECALLED)
    settle(desk)


def _needed(desk: Desk, comment: str | None) -> str:
    text = checked_comment(comment)
    if text is None:
        raise CommentMissing(message("comment", desk.tx.principal.language))
    return text

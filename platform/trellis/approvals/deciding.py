"""Votes: by those who are asked, once each, and never about one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from trellis.approvals import desk as states
from trellis.approvals.advancing import close, count
from trellis.approvals.desk import Case, Desk, OpenStep, Seat
from trellis.approvals.ending import settle
from trellis.approvals.errors import CommentMissing, NotAsked, RequestClosed, UnknownRequest
from trellis.approvals.messages import message, state_word
from trellis.approvals.seeing import known_requests
from trellis.named_people.directory import PeopleDirectory
from trellis.storage.tables import approvals as t
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

VERDICTS = {"approve": states.APPROVED, "reject": states.REJECTED}
MAX_COMMENT = 4000


@dataclass(frozen=True, slots=True)
class Voted:
    """What became of one vote: the state of the request, or why it was refused."""

    request: int
    state: str | None
    error: TrellisError | None = None


def vote(
    tx: Transaction,
    request: int,
    verdict: str,
    *,
    comment: str | None = None,
    step: str | None = None,
    via: str = "api",
) -> str:
    """Approve or reject one request; return its state afterwards.

    ``verdict`` is ``approve`` or ``reject``. ``step`` names one of several steps in which the person is asked at the same time;
    without it the vote counts in all of them. Raises :class:`UnknownRequest`, :class:`NotAsked`, :class:`RequestClosed`,
    :class:`CommentMissing`.
    """
    (result,) = vote_many(tx, [request], verdict, comment=comment, step=step, via=via)
    if result.error is not None:
        raise result.error
    return str(result.state)


def vote_many(
    tx: Transaction,
    requests: Sequence[int],
    verdict: str,
    *,
    comment: str | None = None,
    step: str | None = None,
    via: str = "bulk",
) -> list[Voted]:
    """Vote about several requests; each is accepted or refused by itself. They are read and written together."""
    desk = Desk(tx)
    comment = checked_comment(comment)
    wanted = list(dict.fromkeys(requests))
    cases = {c.request.id: c for c in existing(desk, wanted)}
    out: list[Voted] = []
    for number in wanted:
        try:
            if number not in cases:
                raise unknown(number)
            _vote(desk, cases[number], VERDICTS[verdict], comment, step, via)
            out.append(Voted(number, cases[number].request.state))
        except TrellisError as problem:
            out.append(Voted(number, None, problem))
    settle(desk)
    return [v if v.error else Voted(v.request, cases[v.request].request.state) for v in out]


def existing(desk: Desk, numbers: Sequence[int]) -> list[Case]:
    """Return the cases of those numbers of which the principal knows, under lock."""
    tx, c = desk.tx, t.request.c
    rows = tx.connection.execute(
        sa.select(c.id, c.object, c.record, c.submitted_by).where(c.id.in_(list(numbers)))
    ).all()
    known = known_requests(tx.connection, tx.model, tx.principal, rows)
    return desk.load(n for n in numbers if n in known)


def unknown(number: int) -> UnknownRequest:
    """Return the error for a request that does not exist for the caller."""
    return UnknownRequest(f"There is no approval request {number}.")


def checked_comment(comment: str | None) -> str | None:
    """Return a comment without blanks around it; None for an empty one. Raises :class:`CommentMissing` for one too long."""
    text = (comment or "").strip()
    if len(text) > MAX_COMMENT:
        raise CommentMissing(f"The comment has {len(text)} characters; at most {MAX_COMMENT} are kept. Shorten it.")
    return text or None


def _vote(desk: Desk, case: Case, verdict: str, comment: str | None, step: str | None, via: str) -> None:
    seats = my_seats(desk, case, step)
    for row, _ in seats:
        wants = case.definition(row).comment
        if comment is None and (wants == "always" or (wants == "on_reject" and verdict == states.REJECTED)):
            raise CommentMissing(message("comment", desk.tx.principal.language))
    for row, seat in seats:
        if row.state != states.OPEN:
            continue  # a vote just given ended this step as well
        take_seat(desk, case, row, seat)
        seat.state, seat.decided_at, seat.decided_by = verdict, desk.tx.now, desk.tx.principal.user
        seat.comment, seat.via = comment, via
        desk.event(case, f"voted_{'yes' if verdict == states.APPROVED else 'no'}", step=row, comment=comment, via=via)
        count(desk, case, row)
        if case.approval.separation.steps:
            return


def my_seats(desk: Desk, case: Case, step: str | None = None) -> list[tuple[OpenStep, Seat]]:
    """Return the open seats in which the principal may decide now. Raises why he may not."""
    tx = desk.tx
    language, user = tx.principal.language, tx.principal.user
    require_pending(desk, case)
    barred = case.barred()
    mine = [
        (row, seat)
        for row in case.now_open()
        if step in (None, row.name)
        for seat in case.seats_of(row)
        if seat.state == states.OPEN and _holds(desk, seat, user)
    ]
    if user in barred:
        raise NotAsked(message(f"own_{barred[user]}", language))
    if not mine:
        voted = any(s.decided_by == user and s.state != states.CLOSED for s in case.seats)
        raise (
            RequestClosed(message("seat_closed", language))
            if voted or _was_asked(case, user)
            else NotAsked(message("not_asked", language))
        )
    if case.approval.separation.steps and user in case.deciders():
        raise NotAsked(message("own_steps", language))
    # Nobody has two votes in one step, whatever was passed on to him.
    return [(r, s) for r, s in mine if not any(o.decided_by == user for o in case.seats_of(r))] or _twice(language)


def _twice(language: str) -> list[tuple[OpenStep, Seat]]:
    raise RequestClosed(message("seat_closed", language))


def _was_asked(case: Case, user: int | None) -> bool:
    return user is not None and any(s.holder == user for s in case.seats)


def _holds(desk: Desk, seat: Seat, user: int | None) -> bool:
    if user is None or seat.holder is None:
        return False
    return seat.holder == user or (seat.queue is not None and seat.holder < 0 and in_group(desk, seat.queue, user))


def in_group(desk: Desk, group: str, user: int) -> bool:
    """Whether somebody is an active member of a group now."""
    people = PeopleDirectory(desk.tx)
    people.load_belonging([("group", group)])
    return user in people.belonging("group", group)


def take_seat(desk: Desk, case: Case, row: OpenStep, seat: Seat) -> None:
    """Let the principal take a seat that a group holds."""
    if seat.holder is not None and seat.holder < 0:
        seat.holder = desk.tx.principal.user
        desk.event(case, "taken", step=row, person=seat.holder)


def require_pending(desk: Desk, case: Case) -> None:
    """Raise :class:`RequestClosed` unless the request waits for decisions."""
    if case.request.state != states.PENDING:
        language = desk.tx.principal.language
        raise RequestClosed(message("closed", language, state=state_word(case.request.state, language)))


def override(tx: Transaction, request: int, verdict: str, comment: str | None, *, via: str = "api") -> str:
    """Decide instead of those asked: for administrators, where the approval allows it, with a comment, never about one's own.

    The open steps end with the verdict; later steps are asked as usual. Raises as :func:`vote` does.
    """
    desk = Desk(tx)
    cases = existing(desk, [request])
    if not cases:
        raise unknown(request)
    case, language = cases[0], tx.principal.language
    require_pending(desk, case)
    user = tx.principal.user
    if not (case.approval.separation.override and tx.principal.admin):
        raise NotAsked(message("not_asked", language))
    if user is None or user in (case.request.submitted_by, case.owner):
        reason = "owner" if user == case.owner and user != case.request.submitted_by else "submitter"
        raise NotAsked(message(f"own_{reason}", language))
    text = checked_comment(comment)
    if text is None:
        raise CommentMissing(message("comment", language))
    for row in case.now_open():
        if row.state == states.OPEN and case.request.state == states.PENDING:
            desk.event(case, "overridden", step=row, comment=text, via=via, verdict=verdict)
            close(desk, case, row, VERDICTS[verdict])
    settle(desk)
    return case.request.state

"""Tells people: who is asked, who asked, and how it ended. Messages lead to the request, which shows each what he may see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from trellis.approvals.desk import OPEN, Case, Desk, OpenStep
from trellis.approvals.links import give
from trellis.approvals.messages import told
from trellis.channels import listeners
from trellis.named_people.directory import PeopleDirectory
from trellis.notifications import notify
from trellis.storage import system

_TO_SUBMITTER = frozenset({"approved", "rejected", "sent_back", "cancelled", "question", "not_moved"})

_TO_DECIDE = frozenset({"asked", "reassigned", "reminded"})


def tell_all(desk: Desk) -> None:
    """Leave the messages that were collected; each person gets one message per kind and request."""
    people = PeopleDirectory(desk.tx)
    people.load({u for case, _, _ in desk.waiting for u in (case.request.submitted_by, desk.tx.principal.user) if u})
    groups = {s.queue for case, kind, _ in desk.waiting if kind == "asked" for s in case.seats if s.queue}
    people.load_belonging([("group", g) for g in sorted(groups)])
    for case, kind, details in desk.waiting:
        _tell(desk, people, case, kind, details)
    desk.waiting = []


def _tell(desk: Desk, people: PeopleDirectory, case: Case, kind: str, details: Mapping[str, Any]) -> None:
    name = {n: case.approval.label(n) for n in ("en", "zh")}
    submitter = case.request.submitted_by
    actor = desk.tx.principal.user
    texts: dict[str, Any] = {"approval": name, "who": people.name(actor) if actor else "Trellis"}
    if kind == "asked":
        texts["who"] = people.name(submitter) if submitter else "Trellis"
        _tell_asked(desk, people, case, details["step"], texts)
    elif kind == "recalled":
        pass  # the submitter did it; those who were asked are told that it is withdrawn
    elif kind in _TO_SUBMITTER:
        if submitter is not None and (submitter != actor or kind == "not_moved"):
            _leave(desk, case, [submitter], kind, {**texts, **details})
    else:
        _leave(desk, case, details["people"], kind, texts)


def _tell_asked(desk: Desk, people: PeopleDirectory, case: Case, step: OpenStep, texts: Mapping[str, Any]) -> None:
    seats = [s for s in case.seats_of(step) if s.state == OPEN]
    _leave(desk, case, [s.holder for s in seats if s.holder and s.holder > 0], "asked", texts)
    barred = case.barred()
    for seat in seats:
        if seat.queue is not None:
            _leave(desk, case, [u for u in people.belonging("group", seat.queue) if u not in barred], "queued", texts)
    if any(s.holder is None for s in seats):
        _leave(desk, case, administrators(desk), "vacant", texts)


def administrators(desk: Desk) -> list[int]:
    """Return the people who may pass on what nobody decides."""
    c = system.credential.c
    return list(desk.tx.connection.execute(sa.select(c.user).where(c.admin.is_(sa.true())).order_by(c.user)).scalars())


def _leave(desk: Desk, case: Case, users: list[int], kind: str, texts: Mapping[str, Any]) -> None:
    if users:
        tx = desk.tx
        text, page = told(kind, **texts), f"/approvals/{case.request.id}"
        urls = _own_links(desk, case, users) if kind in _TO_DECIDE else {}
        notify(tx.tenant, tx.connection, users, f"approval_{kind}", text, url=page, urls=urls)


def _own_links(desk: Desk, case: Case, users: list[int]) -> dict[int, str]:
    """Return, for those who are told outside the product, a page on which they decide without logging in."""
    tx = desk.tx
    listening = listeners(tx.tenant, tx.connection, users)
    seats = [
        (s.id, s.holder)
        for r in case.now_open()
        for s in case.seats_of(r)
        if s.state == OPEN and s.holder is not None and s.holder in listening
    ]
    return {user: f"/approvals/link/{secret}" for (_, user), secret in give(tx.connection, tx.now, seats).items()}

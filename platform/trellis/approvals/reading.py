"""Requests as people see them: the list of those that wait for somebody, of one's own, of a record, and one in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import sqlalchemy as sa

from trellis.access.decide import allowed_ids
from trellis.access.masking import visible
from trellis.approvals import desk as states
from trellis.approvals.approval import approvals_on
from trellis.approvals.deciding import my_seats, unknown
from trellis.approvals.desk import Case, Desk, OpenStep, Seat
from trellis.approvals.seeing import holds, known_requests
from trellis.named_people.directory import PeopleDirectory
from trellis.rules.reader import Reader
from trellis.storage.tables import approvals as t
from trellis_metadata.errors import TrellisError
from trellis_metadata.labels import text_of

_R, _S, _E = t.request.c, t.seat.c, t.event.c
MOST = 500
"""Requests that a list shows at most."""


def waiting_for_me(
    reader: Reader, *, object_name: str | None = None, approval: str | None = None
) -> list[dict[str, Any]]:
    """Return the requests that wait for the person, the oldest first; in the name of a group too, never his own."""
    user = reader.principal.user
    mine = sa.select(_S.request).where(_S.state == states.OPEN, holds(user))
    query = sa.select(_R.id).where(
        _R.state == states.PENDING, _R.id.in_(mine), sa.or_(_R.submitted_by.is_(None), _R.submitted_by != (user or 0))
    )
    return listed(reader, _narrowed(query, object_name, approval).order_by(_R.submitted_at, _R.id))


def count_waiting(reader: Reader) -> int:
    """Count what :func:`waiting_for_me` lists, for a badge."""
    user = reader.principal.user
    if user is None:
        return 0
    mine = sa.select(_S.request).where(_S.state == states.OPEN, holds(user))
    query = sa.select(sa.func.count()).where(
        _R.state == states.PENDING, _R.id.in_(mine), sa.or_(_R.submitted_by.is_(None), _R.submitted_by != user)
    )
    return int(reader.connection.execute(query).scalar_one())


def decided_by_me(
    reader: Reader, *, object_name: str | None = None, approval: str | None = None
) -> list[dict[str, Any]]:
    """Return the requests about which the person decided, the newest first."""
    mine = sa.select(_S.request).where(_S.decided_by == reader.principal.user)
    query = sa.select(_R.id).where(_R.id.in_(mine))
    return listed(reader, _narrowed(query, object_name, approval).order_by(_R.submitted_at.desc(), _R.id.desc()))


def submitted_by_me(
    reader: Reader, *, object_name: str | None = None, approval: str | None = None
) -> list[dict[str, Any]]:
    """Return the person's own requests, the newest first."""
    query = sa.select(_R.id).where(_R.submitted_by == reader.principal.user)
    return listed(reader, _narrowed(query, object_name, approval).order_by(_R.submitted_at.desc(), _R.id.desc()))


def _narrowed(query: sa.Select[Any], object_name: str | None, approval: str | None) -> sa.Select[Any]:
    if object_name is not None:
        query = query.where(_R.object == object_name)
    return query if approval is None else query.where(_R.approval == approval)


def requests_of(reader: Reader, object_name: str, record: int) -> list[dict[str, Any]]:
    """Return the requests of a record that the person may read, the newest first, each in full."""
    query = sa.select(_R.id).where(_R.object == object_name, _R.record == record).order_by(_R.id.desc()).limit(50)
    return _described(reader, list(reader.connection.execute(query).scalars()))


def request_in_full(reader: Reader, number: int) -> dict[str, Any]:
    """Return one request with steps, people, history and what the person may do. Raises ``UnknownRequest``."""
    query = sa.select(_R.id, _R.object, _R.record, _R.submitted_by).where(_R.id == number)
    rows = reader.connection.execute(query).all()
    if number not in known_requests(reader.connection, reader.model, reader.principal, rows):
        raise unknown(number)
    return _described(reader, [number])[0]


def to_submit(reader: Reader, object_name: str) -> list[dict[str, str]]:
    """Return the approvals for which records of an object can be submitted: name, label and description (may be blank)."""
    language = reader.principal.language
    return [
        {
            "name": a.name,
            "label": a.label(language),
            "description": text_of(a.document.get("description"), language, ""),
        }
        for a in approvals_on(reader.model, object_name)
    ]


# -- lists -----------------------------------------------------------------------------------------------------------


def listed(reader: Reader, query: sa.Select[Any], limit: int = MOST) -> list[dict[str, Any]]:
    """Return the first ``limit`` requests whose numbers a query gives."""
    numbers = list(reader.connection.execute(query.limit(limit)).scalars())
    desk, cases = _cases(reader, numbers)
    people, labels = _people(reader, cases), _record_labels(reader, cases)
    return [_summary(reader, desk, c, people, labels) for c in cases]


def _cases(reader: Reader, numbers: Sequence[int]) -> tuple[Desk, list[Case]]:
    desk = Desk(cast(Any, reader), lock=False)
    return desk, desk.load(numbers)


def _people(reader: Reader, cases: Sequence[Case]) -> PeopleDirectory:
    people = PeopleDirectory(reader)
    wanted = {u for c in cases for s in c.seats for u in (s.first, s.holder, s.decided_by) if u is not None and u > 0}
    people.load(wanted | {c.request.submitted_by for c in cases if c.request.submitted_by is not None})
    return people


def _record_labels(reader: Reader, cases: Sequence[Case]) -> dict[int, str | None]:
    """Return what the records are called, by request; None where the person may not read the record or its name."""
    by_object: dict[str, list[Case]] = {}
    for case in cases:
        by_object.setdefault(case.request.object, []).append(case)
    out: dict[int, str | None] = {}
    for name, some in by_object.items():
        if name not in reader.model.object_names:
            continue
        root = reader.model.object(name)
        ids = {c.request.record for c in some}
        seen = allowed_ids(reader.connection, reader.principal, reader.model, root, ids, "read")
        for case in some:
            shown = visible(reader.principal, root, case.values) if case.request.record in seen else {}
            if root.name_field is not None and _sees_fields(case, reader) and root.name_field in case.approval.fields:
                shown = case.values
            value = shown.get(root.name_field) if root.name_field else None
            readable = case.request.record in seen
            out[case.request.id] = str(value) if value is not None else ("" if readable else None)
    return out


def _sees_fields(case: Case, reader: Reader) -> bool:
    """Whether the person is asked under an approval that shows named fields whatever his rights."""
    return not case.approval.sees_record and case.request.state == states.PENDING and bool(_seats(case, reader))


def _seats(case: Case, reader: Reader) -> list[tuple[OpenStep, Seat]]:
    """Return the seats in which the person may decide now; none where he may not."""
    try:
        return my_seats(Desk(cast(Any, reader), lock=False), case)
    except TrellisError:
        return []


def _person(reader: Reader, people: PeopleDirectory, user: int | None) -> dict[str, Any] | None:
    if user is None or user < 0:
        return None
    return {"id": reader.model.env.format_id("user", user), "name": people.name(user)}


def _summary(
    reader: Reader, desk: Desk, case: Case, people: PeopleDirectory, labels: Mapping[int, str | None]
) -> dict[str, Any]:
    request, language = case.request, reader.principal.language
    label = labels.get(request.id)
    document = reader.model.display.get("object", request.object) or {}
    return {
        "id": str(request.id),
        "approval": request.approval,
        "label": case.approval.label(language),
        "object": request.object,
        "object_label": text_of(document.get("label"), language, request.object),
        "record": None if label is None else reader.model.env.format_id(request.object, request.record),
        "record_label": label or None,
        "state": request.state,
        "round": request.round,
        "submitted_by": _person(reader, people, request.submitted_by),
        "submitted_at": request.submitted_at,
        "comment": request.comment,
        "finished_at": request.finished_at,
        "move": None if request.move_field is None else {"field": request.move_field, "to": request.move_to},
        "waits_for": [_open(reader, case, row, people) for row in case.now_open()],
    }


def _open(reader: Reader, case: Case, row: OpenStep, people: PeopleDirectory) -> dict[str, Any]:
    seats = [s for s in case.seats_of(row) if s.state == states.OPEN]
    return {
        "step": row.name,
        "label": case.definition(row).label(reader.principal.language),
        "due_at": row.due_at,
        "people": [p for s in seats if (p := _person(reader, people, s.holder)) is not None],
        "queues": sorted({s.queue for s in seats if s.queue is not None and (s.holder or 0) < 0}),
        "vacant": sum(s.holder is None for s in seats),
    }


# -- one request -----------------------------------------------------------------------------------------------------


def _described(reader: Reader, numbers: Sequence[int]) -> list[dict[str, Any]]:
    desk, cases = _cases(reader, numbers)
    people, labels = _people(reader, cases), _record_labels(reader, cases)
    events = _events(reader, numbers)
    people.load({u for found in events.values() for e in found for u in (e.actor, e.person) if u is not None and u > 0})
    return [
        {
            **_summary(reader, desk, case, people, labels),
            "fields": _fields(reader, case),
            "steps": [_step(reader, case, row, people) for row in case.steps],
            "ahead": _ahead(reader, case),
            "history": [_event(reader, case, e, people) for e in events.get(case.request.id, ())],
            "may": _may(reader, case),
        }
        for case in cases
    ]


def _events(reader: Reader, numbers: Sequence[int]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for start in range(0, len(numbers), 500):
        query = sa.select(t.event).where(_E.request.in_(list(numbers[start : start + 500]))).order_by(_E.id)
        for row in reader.connection.execute(query):
            found.setdefault(row.request, []).append(row)
    return found


def _fields(reader: Reader, case: Case) -> list[dict[str, Any]]:
    """Return the fields that are shown with the request: whole to those who are asked by named fields, else by rights."""
    if not case.approval.fields or case.request.object not in reader.model.object_names or not case.values:
        return []
    root, language = reader.model.object(case.request.object), reader.principal.language
    if _sees_fields(case, reader):
        shown: Mapping[str, Any] = case.values
    else:
        record = case.request.record
        seen = allowed_ids(reader.connection, reader.principal, reader.model, root, [record], "read")
        shown = visible(reader.principal, root, case.values) if record in seen else {}
    out = []
    for name in case.approval.fields:
        field = root.field(name)
        if field is not None and name in shown:
            value, write = shown[name], field.json_writer()
            plain = value if value is None or write is None or isinstance(value, str) else write(value)
            out.append({"name": name, "label": field.label(language), "value": plain})
    return out


def _step(reader: Reader, case: Case, row: OpenStep, people: PeopleDirectory) -> dict[str, Any]:
    definition, language = case.definition(row), reader.principal.language
    return {
        "name": row.name,
        "label": definition.label(language),
        "guidance": text_of(definition.document["guidance"], language) if "guidance" in definition.document else None,
        "round": row.round,
        "state": row.state,
        "decide": definition.decide,
        "opened_at": row.opened_at,
        "closed_at": row.closed_at,
        "due_at": row.due_at,
        "seats": [_seat(reader, s, people) for s in case.seats if s.step == row.id and s.state != states.CLOSED],
    }


def _seat(reader: Reader, seat: Seat, people: PeopleDirectory) -> dict[str, Any]:
    stands_in = seat.first is not None and seat.holder not in (None, seat.first)
    return {
        "person": _person(reader, people, seat.holder),
        "queue": seat.queue,
        "instead_of": _person(reader, people, seat.first) if stands_in else None,
        "why": text_of(seat.why, reader.principal.language) if any(seat.why.values()) else None,
        "state": seat.state,
        "decided_at": seat.decided_at,
        "decided_by": _person(reader, people, seat.decided_by),
        "comment": seat.comment,
        "via": seat.via,
    }


def _ahead(reader: Reader, case: Case) -> list[dict[str, str]]:
    """Return the steps that may still come in this round."""
    if case.request.state != states.PENDING:
        return []
    later = (s for s in case.approval.steps.values() if s.group > case.request.stage_group)
    return [{"name": s.name, "label": s.label(reader.principal.language)} for s in later]


def _event(reader: Reader, case: Case, row: Any, people: PeopleDirectory) -> dict[str, Any]:
    step = case.approval.steps.get(row.step or "")
    return {
        "at": row.at,
        "round": row.round,
        "kind": row.kind,
        "step": row.step,
        "step_label": step.label(reader.principal.language) if step is not None else None,
        "actor": _person(reader, people, row.actor),
        "person": _person(reader, people, row.person),
        "comment": row.comment,
        "via": row.via,
        "fields": (row.data or {}).get("fields"),
    }


def _may(reader: Reader, case: Case) -> list[str]:
    """Return what the person may do with the request now."""
    request, user, admin = case.request, reader.principal.user, reader.principal.admin
    own = user is not None and request.submitted_by == user
    found: list[str] = []
    if request.state == states.PENDING:
        seats = _seats(case, reader)
        if seats:
            found += ["approve", "reject"]
            found += [a for a in ("reassign", "send_back", "ask") if all(a in case.definition(r).may for r, _ in seats)]
            found += ["take"] if any((s.holder or 0) < 0 for _, s in seats) else []
        if own:
            found += ["answer", "remind"]
        if admin and "reassign" not in found and any(w["vacant"] for w in _vacancies(case)):
            found.append("reassign")
        if admin and case.approval.separation.override and user not in (request.submitted_by, case.owner):
            found.append("override")
    if request.state == states.SENT_BACK and (own or admin):
        found.append("resubmit")
    if request.state in states.LIVE and (own or admin):
        found.append("recall")
    return found


def _vacancies(case: Case) -> list[dict[str, int]]:
    return [
        {"vacant": sum(s.holder is None for s in case.seats_of(r) if s.state == states.OPEN)} for r in case.now_open()
    ]


__all__ = [
    "count_waiting",
    "decided_by_me",
    "request_in_full",
    "requests_of",
    "submitted_by_me",
    "to_submit",
    "waiting_for_me",
]

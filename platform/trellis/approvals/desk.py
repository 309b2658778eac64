"""The desk: the requests that one transaction works on, read together under lock and written together at the end.

Locks are taken in one order: the records, then the requests. Whoever decides at the same moment as somebody else waits here and
then sees what the other did.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.approvals.approval import Approval, Step, version_of
from trellis.approvals.errors import UnknownRequest
from trellis.storage.tables import approvals as t
from trellis.transaction.statements import statements_of

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

CHUNK = 500
PENDING, APPROVED, REJECTED, RECALLED = "pending", "approved", "rejected", "recalled"
SENT_BACK, CANCELLED = "sent_back", "cancelled"
OPEN, SKIPPED, CLOSED = "open", "skipped", "closed"
LIVE = (PENDING, SENT_BACK)


@dataclass(slots=True)
class Request:
    """One request; the columns of its row."""

    id: int
    approval: str
    digest: str
    object: str
    record: int
    state: str
    round: int
    stage_group: int
    submitted_by: int | None
    submitted_at: datetime
    comment: str | None = None
    finished_at: datetime | None = None
    move_field: str | None = None
    move_to: str | None = None
    used_at: datetime | None = None


@dataclass(slots=True)
class OpenStep:
    """A step of a request in one round. ``state``: open, approved, rejected, skipped, closed (something else ended it)."""

    id: int
    request: int
    round: int
    name: str
    position: int
    state: str
    opened_at: datetime
    closed_at: datetime | None = None
    due_at: datetime | None = None


@dataclass(slots=True)
class Seat:
    """One vote. ``state``: open, approved, rejected, closed (no longer asked)."""

    id: int
    request: int
    step: int
    record: int
    first: int | None
    holder: int | None
    queue: str | None
    state: str
    reads: bool
    why: dict[str, str]
    asked_at: datetime
    decided_at: datetime | None = None
    decided_by: int | None = None
    comment: str | None = None
    via: str | None = None


@dataclass
class Case:
    """A request with the steps of its rounds and their seats."""

    request: Request
    approval: Approval
    steps: list[OpenStep] = field(default_factory=list)
    seats: list[Seat] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    """The record as it is stored now."""

    @property
    def source(self) -> str:
        """The source of the lock on the record."""
        return f"approval:{self.request.id}"

    @property
    def owner(self) -> int | None:
        """Who owns the record."""
        owner = self.values.get("owner")
        return None if owner is None else int(owner.id)

    def now_open(self) -> list[OpenStep]:
        """Return the steps that wait for a decision."""
        return [s for s in self.steps if s.state == OPEN and s.round == self.request.round]

    def seats_of(self, step: OpenStep) -> list[Seat]:
        """Return the seats of a step that count: those from which nobody was sent away."""
        return [s for s in self.seats if s.step == step.id and s.state != CLOSED]

    def step_of(self, seat: Seat) -> OpenStep:
        """Return the step to which a seat belongs."""
        return next(s for s in self.steps if s.id == seat.step)

    def definition(self, step: OpenStep) -> Step:
        """Return what the approval says about a step."""
        return self.approval.steps[step.name]

    def waiting_for(self) -> list[int]:
        """Return the people who have not answered yet."""
        open_seats = (s for r in self.now_open() for s in self.seats_of(r) if s.state == OPEN)
        return sorted({s.holder for s in open_seats if s.holder is not None and s.holder > 0})

    def deciders(self) -> set[int]:
        """Return who has decided in this round."""
        this = {s.id for s in self.steps if s.round == self.request.round}
        return {s.decided_by for s in self.seats if s.step in this and s.decided_by is not None}

    def barred(self) -> dict[int, str]:
        """Return who may never decide about this request, with the reason (``submitter``, ``owner``)."""
        separation, found = self.approval.separation, {}
        if separation.owner and self.owner is not None:
            found[self.owner] = "owner"
        if separation.submitter and self.request.submitted_by is not None:
            found[self.request.submitted_by] = "submitter"
        return found


class Desk:
    """Reads cases, keeps what is changed, and writes it by :meth:`flush`."""

    def __init__(self, tx: Transaction, *, lock: bool = True, bare: bool = False) -> None:
        self.tx = tx
        self.bare = bare or not lock
        """Whether versions that no longer fit their object will do: for looking at requests and for ending them."""
        self.locking = lock and not tx.tenant.database.is_sqlite
        """Whether rows are locked; somebody who only looks does not."""
        self.cases: dict[int, Case] = {}
        self.waiting: list[tuple[Case, str, dict[str, Any]]] = []
        """People to be told, once what happened is written: case, kind of message, details."""
        self.opened: set[int] = set()
        self.ended: set[int] = set()
        """Numbers of the steps that were opened and ended here, for their clocks."""
        self.todo: list[tuple[Case, str]] = []
        """What is to be done because something happened to a request: the key of the list in its approval."""
        self._before: dict[tuple[type, int], Any] = {}
        self._events: list[dict[str, Any]] = []
        self._new: list[Any] = []

    # -- reading ---------------------------------------------------------------------------------------------------

    def load(self, numbers: Iterable[int]) -> list[Case]:
        """Return cases under lock, in the order asked for. Raises :class:`UnknownRequest`."""
        wanted = list(dict.fromkeys(numbers))
        fresh = sorted(n for n in wanted if n not in self.cases)
        if fresh:
            if self.locking:
                self._lock_records(fresh)
            for number, case in self._read(fresh).items():
                self.cases[number] = case
        if missing := [n for n in wanted if n not in self.cases]:
            raise UnknownRequest(f"There is no approval request {missing[0]}.")
        return [self.cases[n] for n in wanted]

    def _lock_records(self, numbers: Sequence[int]) -> None:
        c = t.request.c
        places = self._select(sa.select(c.object, c.record), c.id, numbers)
        for name in sorted({p.object for p in places}):
            if name in self.tx.model.object_names:
                self.records(name, [p.record for p in places if p.object == name])

    def records(self, object_name: str, ids: Iterable[int]) -> dict[int, dict[str, Any]]:
        """Return records under lock, as they are stored."""
        model = self.tx.model.object(object_name)
        return statements_of(model).fetch(self.tx.connection, sorted(set(ids)), lock=self.locking)

    def _read(self, numbers: Sequence[int]) -> dict[int, Case]:
        query = sa.select(t.request).order_by(t.request.c.id)
        if self.locking:
            query = query.with_for_update()
        found: dict[int, Case] = {}
        for row in self._select(query, t.request.c.id, numbers):
            one = Request(**row._mapping)
            approval = version_of(self.tx.connection, self.tx.model, one.approval, one.digest, bare=self.bare)
            found[one.id] = Case(self._known(one), approval)
        for row in self._select(sa.select(t.step).order_by(t.step.c.id), t.step.c.request, list(found)):
            found[row.request].steps.append(self._known(OpenStep(**row._mapping)))
        for row in self._select(sa.select(t.seat).order_by(t.seat.c.id), t.seat.c.request, list(found)):
            found[row.request].seats.append(self._known(Seat(**row._mapping)))
        self.refresh(found.values())
        return found

    def refresh(self, cases: Iterable[Case]) -> None:
        """Read the records of cases again."""
        by_object: dict[str, list[Case]] = {}
        for case in cases:
            by_object.setdefault(case.request.object, []).append(case)
        for name, some in by_object.items():
            stored = self.records(name, [c.request.record for c in some]) if name in self.tx.model.object_names else {}
            for case in some:
                case.values = stored.get(case.request.record, {})

    def _select(self, query: sa.Select[Any], column: sa.Column[Any], numbers: Sequence[int]) -> list[Any]:
        rows: list[Any] = []
        for start in range(0, len(numbers), CHUNK):
            part = query.where(column.in_(list(numbers[start : start + CHUNK])))
            rows.extend(self.tx.connection.execute(part))
        return rows

    def _known(self, row: Any) -> Any:
        self._before[type(row), row.id] = replace(row)
        return row

    # -- changing --------------------------------------------------------------------------------------------------

    def numbers(self, count: int) -> list[int]:
        """Return new numbers for rows."""
        return list(self.tx.tenant.ids.take(count, self.tx.connection)) if count else []

    def add(self, row: Any) -> Any:
        """Keep a new row for writing."""
        self._new.append(row)
        return row

    def event(
        self,
        case: Case,
        kind: str,
        *,
        step: OpenStep | None = None,
        person: int | None = None,
        comment: str | None = None,
        via: str | None = None,
        **data: Any,
    ) -> None:
        """Note what happened: shown in the history, and a fact of the record."""
        tx, request = self.tx, case.request
        self._events.append(
            {
                "request": request.id,
                "at": tx.now,
                "round": request.round,
                "kind": kind,
                "step": step and step.name,
                "actor": tx.principal.user,
                "person": person,
                "comment": comment or None,
                "via": via,
                "data": data or None,
            }
        )
        fact = {"request": request.id, "approval": request.approval, **({"step": step.name} if step else {})}
        tx.trail.fact(f"approval_{kind}", request.object, request.record, fact)

    def tell(self, case: Case, kind: str, **details: Any) -> None:
        """Have people told once everything is written."""
        self.waiting.append((case, kind, details))

    def flush(self) -> None:
        """Write new and changed rows and events: one statement per table and kind of change."""
        tables = ((Request, t.request), (OpenStep, t.step), (Seat, t.seat))
        for kind, table in tables:
            fresh = [asdict(r) for r in self._new if isinstance(r, kind)]
            if fresh:
                self.tx.connection.execute(table.insert(), fresh)
        for kind, table in tables:
            self._update(kind, table)
        if self._events:
            self.tx.connection.execute(t.event.insert(), self._events)
        for row in self._new:
            if isinstance(row, OpenStep):
                self.opened.add(row.id)
            self._known(row)
        self._new, self._events = [], []

    def _update(self, kind: type, table: sa.Table) -> None:
        held: dict[type, list[Any]] = {
            Request: [c.request for c in self.cases.values()],
            OpenStep: [s for c in self.cases.values() for s in c.steps],
            Seat: [s for c in self.cases.values() for s in c.seats],
        }
        changed = [r for r in held[kind] if self._before.get((kind, r.id)) not in (None, r)]
        if changed:
            names = [c.name for c in table.c if c.name != "id"]
            statement = (
                table.update()
                .where(table.c.id == sa.bindparam("b_id"))
                .values({n: sa.bindparam(f"b_{n}", type_=table.c[n].type) for n in names})
            )
            self.tx.connection.execute(
                statement, [{"b_id": r.id, **{f"b_{n}": getattr(r, n) for n in names}} for r in changed]
            )
        for row in changed:
            if isinstance(row, OpenStep) and row.state != OPEN:
                self.ended.add(row.id)
            self._known(row)

"""Hand-overs: begun in one transaction that also ends the person's access, carried out by a job, taken back by another.

Rules: ``{"default": {"to": "person", "value": "user_…"}, "objects": {"deal": {"to": "group", "value": "sales"}}}``. Whoever a
rule names must be active; if one of them names nobody nothing begins, so that no record is left without an owner who works here.
Until the job is done the records stay with the person who left: nothing is ever owned by nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access import AccessDenied, Cause, Principal
from trellis.audit import note_for
from trellis.model import Model
from trellis.offboarding.destinations import Leaver, destinations
from trellis.offboarding.holdings import holdings
from trellis.storage import outbox, system
from trellis.storage.outbox import Message
from trellis.storage.tables.handovers import handed_record, handover
from trellis.transaction import Transaction
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant

TOPIC = "handover"
WAITING, RUNNING, DONE, UNDOING, UNDONE, FAILED = "waiting", "running", "done", "undoing", "undone", "failed"
_H, _R = handover.c, handed_record.c


class BadHandover(TrellisError):
    """The rules do not say where everything goes. ``problems`` names each gap."""

    code = "bad_handover"


class UnknownHandover(TrellisError):
    """There is no hand-over of that number."""

    code = "unknown_handover"


@dataclass(frozen=True, slots=True)
class Handover:
    """How far a hand-over is. ``refused`` counts records that a rule would not let go: they stay with the person."""

    id: int
    user: int
    by: int | None
    created_at: datetime
    rules: Mapping[str, Any]
    state: str
    done: int
    total: int
    given: Mapping[str, int]
    kept: int
    refused: int
    error: str | None

    def to_json(self, model: Model) -> dict[str, Any]:
        """Return the hand-over for programs."""
        return {
            "id": str(self.id),
            "user": model.env.format_id("user", self.user),
            "by": self.by and model.env.format_id("user", self.by),
            "created_at": self.created_at,
            "state": self.state,
            "done": self.done,
            "total": self.total,
            "given": dict(self.given),
            "kept": self.kept,
            "refused": self.refused,
            "error": self.error,
        }


def start(tenant: Tenant, by: Principal, user: int, rules: Mapping[str, Any], *, deactivate: bool = True) -> int:
    """Begin a hand-over; return its number. With ``deactivate`` the person's access ends in the same transaction.

    Raises :class:`BadHandover`, :class:`AccessDenied` (administrators only; nobody leaves by his own hand).
    """
    if not (by.admin and by.may("setup")):
        raise AccessDenied("Only an administrator may hand over somebody's records.")
    if by.user == user and deactivate:
        raise AccessDenied("Nobody can deactivate himself.")

    def body(tx: Transaction) -> int:
        owned = holdings(tx.connection, tx.model, user)
        receivers = _receivers(tx, user, rules, owned)
        if deactivate:
            tx.update("user", [{"id": user, "active": False}])
        entry = {
            "user": user,
            "by": by.user,
            "created_at": tx.now,
            "rules": {"receivers": receivers, "asked": dict(rules)},
            "state": WAITING if owned else DONE,
            "done": 0,
            "total": sum(owned.values()),
        }
        inserted = tx.connection.execute(handover.insert(), entry).inserted_primary_key
        assert inserted is not None
        number = int(inserted[0])
        if owned:
            payload = {"handover": number, "undo": False}
            outbox.put_one(tx.connection, tx.now, TOPIC, Message(payload, subject=f"handover:{user}"))
        note_for(tenant, tx.connection, "handed_over", by, about=("user", user), handover=number, records=owned)
        return number

    return tenant.run(by, Cause("handover"), body)


def take_back(tenant: Tenant, by: Principal, number: int) -> None:
    """Give back what a hand-over gave, where it has not changed hands since. Raises :class:`BadHandover`."""
    if not (by.admin and by.may("setup")):
        raise AccessDenied("Only an administrator may take a hand-over back.")
    with tenant.database.writing() as connection:
        changed = handover.update().where(_H.id == number, _H.state == DONE).values(state=UNDOING, done=0)
        if not connection.execute(changed).rowcount:
            handover_of(connection, number)
            raise BadHandover("Only a hand-over that is done can be taken back, and only once.")
        user = connection.execute(sa.select(_H.user).where(_H.id == number)).scalar_one()
        payload = {"handover": number, "undo": True}
        outbox.put_one(connection, tenant.clock.now(), TOPIC, Message(payload, subject=f"handover:{user}"))
        note_for(tenant, connection, "handover_undone", by, about=("user", user), handover=number)


def handover_of(connection: Connection, number: int) -> Handover:
    """Return a hand-over. Raises :class:`UnknownHandover`."""
    row = connection.execute(sa.select(handover).where(_H.id == number)).mappings().first()
    if row is None:
        raise UnknownHandover("There is no such hand-over.")
    query = sa.select(_R.object, _R.state, sa.func.count()).where(_R.handover == number)
    counts = connection.execute(query.group_by(_R.object, _R.state)).all()
    given: dict[str, int] = {}
    for name, state, count in counts:
        if state in ("given", "returned", "kept"):
            given[name] = given.get(name, 0) + int(count)
    kept, refused = (sum(int(c) for _, s, c in counts if s == wanted) for wanted in ("kept", "refused"))
    plain = {k: row[k] for k in ("id", "user", "by", "created_at", "rules", "state", "done", "total", "error")}
    return Handover(**plain, given=given, kept=kept, refused=refused)


def handovers_of(connection: Connection, user: int) -> list[Handover]:
    """Return a person's hand-overs, the newest first."""
    numbers = connection.execute(sa.select(_H.id).where(_H.user == user).order_by(_H.id.desc()).limit(20)).scalars()
    return [handover_of(connection, n) for n in numbers]


def _receivers(tx: Transaction, user: int, rules: Mapping[str, Any], owned: Mapping[str, int]) -> dict[str, list[int]]:
    """Return who receives, by object. Raises :class:`BadHandover` with every gap."""
    by_object = rules.get("objects") or {}
    problems = [f"There is no object '{n[:60]}'." for n in by_object if n not in tx.model.object_names]
    problems += [
        f"'{k[:40]}' is not a rule; use default and objects." for k in rules if k not in ("default", "objects")
    ]
    leaver = Leaver(tx.tenant, tx.connection, tx.model, user)
    found: dict[str, list[int]] = {}
    for name in owned:
        rule = by_object.get(name) or rules.get("default")
        if rule is None:
            problems.append(f"No rule says where the records of '{name}' go.")
            continue
        known = destinations().get(str(rule.get("to")))
        if known is None:
            given = str(rule.get("to"))[:40]
            problems.append(f"'{given}' is not a destination.{did_you_mean(given, destinations())}")
            continue
        found[name] = _active(tx, known.receivers(leaver, rule.get("value")), user)
        if not found[name]:
            problems.append(f"The rule for '{name}' names nobody who is active.")
    if problems:
        raise BadHandover(" ".join(problems), problems=problems)
    return found


def _active(tx: Transaction, users: Sequence[int], leaving: int) -> list[int]:
    """Return those who can take over: active, with an account, and not the one who leaves."""
    t, f = tx.model.object("user").table, tx.model.object("user").fields
    query = (
        sa.select(t.c.id)
        .join(system.credential, system.credential.c.user == t.c.id)
        .where(t.c.id.in_(list(users)), t.c.deleted_at.is_(None), sa.func.coalesce(f["active"].column, sa.true()))
    )
    alive = set(tx.connection.execute(query).scalars())
    return [u for u in users if u in alive and u != leaving]

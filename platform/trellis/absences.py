"""Absences: who is away from when until when, and who stands in for him.

Days are those of the organisation's zone, the first and the last one included. Approvals and assignments ask
:func:`stand_ins`; nobody has to be away for the whole of a chain: who is away and has no stand-in keeps what comes to him.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access import AccessDenied
from trellis.storage.tables.absences import absence
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.model import Model
    from trellis.transaction.transaction import Transaction

_A = absence.c
MAX_CHAIN = 10
CHUNK = 500


class BadAbsence(TrellisError):
    """The days are the wrong way round, overlap another absence, or the stand-in cannot stand in."""

    code = "bad_absence"


class UnknownAbsence(TrellisError):
    """There is no such absence, or it is somebody else's."""

    code = "unknown_absence"


@dataclass(frozen=True, slots=True)
class Absence:
    """One absence. ``stand_in`` None: nobody acts for the person."""

    id: int
    user: int
    starts_on: date
    ends_on: date
    stand_in: int | None
    note: str | None

    def to_json(self, model: Model) -> dict[str, Any]:
        """Return the absence for programs."""
        return {
            "id": str(self.id),
            "user": model.env.format_id("user", self.user),
            "starts_on": self.starts_on.isoformat(),
            "ends_on": self.ends_on.isoformat(),
            "stand_in": None if self.stand_in is None else model.env.format_id("user", self.stand_in),
            "note": self.note,
        }


def absences_of(connection: Connection, user: int | None = None, *, since: date | None = None) -> list[Absence]:
    """Return absences in the order of their first day: of one person or of all, with ``since`` those not over before it."""
    query = sa.select(_A.id, _A.user, _A.starts_on, _A.ends_on, _A.stand_in, _A.note)
    if user is not None:
        query = query.where(_A.user == user)
    if since is not None:
        query = query.where(_A.ends_on >= since)
    return [Absence(*row) for row in connection.execute(query.order_by(_A.starts_on, _A.id))]


def add(
    tx: Transaction, user: int, starts_on: date, ends_on: date, *, stand_in: int | None = None, note: str | None = None
) -> int:
    """Note that somebody will be away; return the number of the absence.

    People do so for themselves, administrators for everybody. Raises ``AccessDenied``, :class:`BadAbsence`.
    """
    _demand(tx, user)
    if ends_on < starts_on:
        raise BadAbsence(f"The last day ({ends_on}) lies before the first one ({starts_on}).")
    if note is not None and len(note) > 200:
        raise BadAbsence("The note has at most 200 characters.")
    _check_people(tx, user, stand_in)
    overlap = sa.select(_A.starts_on, _A.ends_on).where(
        _A.user == user, _A.starts_on <= ends_on, _A.ends_on >= starts_on
    )
    other = tx.connection.execute(overlap).first()
    if other is not None:
        raise BadAbsence(f"There is an absence from {other[0]} to {other[1]} already. Remove it first.")
    done = tx.connection.execute(
        absence.insert(),
        {
            "user": user,
            "starts_on": starts_on,
            "ends_on": ends_on,
            "stand_in": stand_in,
            "note": note or None,
            "created_by": tx.principal.user,
            "created_at": tx.now,
        },
    )
    assert done.inserted_primary_key is not None
    return int(done.inserted_primary_key[0])


def remove(tx: Transaction, number: int) -> None:
    """Take an absence back. Raises :class:`UnknownAbsence`, also for another's."""
    user = tx.connection.execute(sa.select(_A.user).where(_A.id == number)).scalar()
    if user is None or (user != tx.principal.user and not tx.principal.admin):
        raise UnknownAbsence("There is no such absence.")
    tx.connection.execute(absence.delete().where(_A.id == number))


def away_on(connection: Connection, users: Collection[int], day: date) -> dict[int, int | None]:
    """Return who of ``users`` is away on a day, with who stands in (None: nobody)."""
    found: dict[int, int | None] = {}
    ordered = sorted(users)
    for start in range(0, len(ordered), CHUNK):
        query = sa.select(_A.user, _A.stand_in).where(
            _A.user.in_(ordered[start : start + CHUNK]), _A.starts_on <= day, _A.ends_on >= day
        )
        found.update((row[0], row[1]) for row in connection.execute(query))
    return found


def stand_ins(connection: Connection, model: Model, users: Collection[int], day: date) -> dict[int, int]:
    """Return who acts on a day for those of ``users`` who are away: the first in the chain of stand-ins who is here.

    Somebody who is away and whose chain ends with nobody, in a circle, or with somebody who is no longer active is not in
    the answer: he keeps what comes to him.
    """
    away: dict[int, int | None] = {}
    level = set(users)
    for _ in range(MAX_CHAIN):
        found = away_on(connection, level - away.keys(), day)
        away.update(found)
        level = {s for s in found.values() if s is not None} - away.keys()
        if not level:
            break
    ends = {u: _follow(u, away) for u in users if u in away}
    alive = active_among(connection, model, {e for e in ends.values() if e is not None})
    return {u: e for u, e in ends.items() if e is not None and e in alive}


def _follow(user: int, away: Mapping[int, int | None]) -> int | None:
    at: int | None = user
    for _ in range(MAX_CHAIN):
        if at is None or at not in away:
            return at
        at = away[at]
    return None


def active_among(connection: Connection, model: Model, users: Collection[int]) -> set[int]:
    """Return those of ``users`` who work here."""
    root = model.object("user")
    t, active, ordered = root.table, root.fields["active"].column, sorted(users)
    found: set[int] = set()
    for start in range(0, len(ordered), CHUNK):
        query = sa.select(t.c.id).where(
            t.c.id.in_(ordered[start : start + CHUNK]), t.c.deleted_at.is_(None), sa.func.coalesce(active, sa.true())
        )
        found.update(connection.execute(query).scalars())
    return found


def _demand(tx: Transaction, user: int) -> None:
    if user != tx.principal.user and not tx.principal.admin:
        raise AccessDenied("You may note absences for yourself only.")


def _check_people(tx: Transaction, user: int, stand_in: int | None) -> None:
    if stand_in == user:
        raise BadAbsence("Nobody stands in for himself. Name somebody else.")
    wanted = {user, *([] if stand_in is None else [stand_in])}
    if active_among(tx.connection, tx.model, wanted) != wanted:
        raise BadAbsence("There is no such active user.")

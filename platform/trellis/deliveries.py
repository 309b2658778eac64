"""What goes out: one row per message in the delivery log, sent from the outbox, tried again, resent on demand.

A carrier (``trellis_carriers``) knows how to send one kind of message: mail, a call of a webhook, a chat message. A message is
put down with :func:`send` in the transaction of what caused it, so that it leaves exactly if that is committed. It is sent at
least once: a carrier gives the number of the delivery to the other side, which tells repetitions by it.

States: ``waiting``, ``sent``, ``failed`` (given up; the outbox holds a dead letter with the same reason).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis import plugins
from trellis.storage import outbox
from trellis.storage.tables.outgoing import delivery
from trellis_metadata.errors import TrellisError
from trellis_metadata.labels import Label

if TYPE_CHECKING:
    from trellis.tenant import Tenant

TOPIC = "deliver"
WAITING, SENT, FAILED = "waiting", "sent", "failed"
KEPT = timedelta(days=30)
_D = delivery.c


class UnknownCarrier(TrellisError):
    """A kind of message that no plug-in carries, or two carriers of one name."""

    code = "unknown_carrier"


class UnknownDelivery(TrellisError):
    """There is no delivery of that number."""

    code = "unknown_delivery"


class Undeliverable(TrellisError):
    """The message can never arrive: it is not tried again. The message of the error is the reason."""

    code = "undeliverable"


class NotDelivered(TrellisError):
    """The message did not arrive this time; it is tried again with growing pauses."""

    code = "not_delivered"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is to be sent. ``target`` and ``title`` say to people where it goes and what it is; ``payload`` is the carrier's."""

    carrier: str
    target: str
    title: str
    payload: Mapping[str, Any]
    about: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of the delivery log. ``attempts`` counts from 1 while the carrier is at it.

    ``answer`` is what the other side said, in full, where somebody waits for it (``payload["wakes"]`` names the run).
    """

    id: int
    carrier: str
    target: str
    title: str
    object: str | None
    record: int | None
    payload: Mapping[str, Any]
    state: str
    attempts: int
    note: str | None
    answer: Mapping[str, Any] | None
    created_at: datetime
    tried_at: datetime | None
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Said:
    """What the other side said: a line for the log, and what is kept for who waits for it."""

    note: str
    answer: Mapping[str, Any]


class Carrier(Protocol):
    """A way out. ``name`` is what messages name."""

    name: str
    label: Label

    def deliver(self, tenant: Tenant, delivery: Delivery) -> str | Said:
        """Send one message; return what the other side said, in a line or in full.

        Raises :class:`Undeliverable` where trying again is of no use, anything else where it may be.
        """
        ...


@cache
def carriers() -> dict[str, Carrier]:
    """Return the carriers that plug-ins give, by name."""
    found: dict[str, Carrier] = {}
    plugins.add_given(
        "trellis_carriers", found, {}, lambda c: c.name, lambda told: UnknownCarrier(f"The carrier {told}")
    )
    return found


def send(connection: Connection, now: datetime, message: Outgoing, *, subject: str | None = None) -> int:
    """Put a message down, to leave after the commit; return the number of its delivery.

    Messages of one ``subject`` leave one after the other. Raises :class:`UnknownCarrier`.
    """
    return send_many(connection, now, [(message, subject)])[0]


def send_many(connection: Connection, now: datetime, messages: Sequence[tuple[Outgoing, str | None]]) -> list[int]:
    """Put messages down, each with its subject or None, in a fixed number of statements; return their numbers in order."""
    unknown = sorted({m.carrier for m, _ in messages} - carriers().keys())
    if unknown:
        raise UnknownCarrier(f"Nothing carries '{unknown[0][:40]}'; there is {', '.join(sorted(carriers()))}.")
    if not messages:
        return []
    rows = [_row(m, now) for m, _ in messages]
    # The databases give new numbers in any order; the tokens say whose they are.
    given = {token: int(n) for n, token in connection.execute(delivery.insert().returning(_D.id, _D.token), rows)}
    numbers = [given[row["token"]] for row in rows]
    waiting = [
        outbox.Message({"delivery": n}, subject=subject) for n, (_, subject) in zip(numbers, messages, strict=True)
    ]
    outbox.put(connection, now, TOPIC, waiting)
    return numbers


def _row(message: Outgoing, now: datetime) -> dict[str, Any]:
    name, record = message.about or (None, None)
    return {
        "token": secrets.token_hex(16),
        "carrier": message.carrier,
        "target": message.target[:400],
        "title": message.title[:400],
        "object": name,
        "record": record,
        "payload": dict(message.payload),
        "state": WAITING,
        "attempts": 0,
        "created_at": now,
    }


def attempt(tenant: Tenant, number: int, *, last: bool) -> None:
    """Let the carrier send a delivery and note how it went.

    Raises :class:`Undeliverable`, or what the carrier raised; with ``last`` the delivery counts as failed then.
    """
    with tenant.database.reading() as connection:
        found = _read(connection, number)
    if found is None or found.state == SENT:
        return
    tries = found.attempts + 1
    try:
        carrier = carriers().get(found.carrier)
        if carrier is None:
            raise Undeliverable(f"Nothing carries '{found.carrier}'; its plug-in is not installed.")
        said = carrier.deliver(tenant, Delivery(**{**_values(found), "attempts": tries}))
    except Exception as problem:
        over = last or isinstance(problem, Undeliverable)
        told = problem.message if isinstance(problem, TrellisError) else f"{type(problem).__name__}: {problem}"
        _note(tenant, number, tries, told, state=FAILED if over else WAITING)
        raise
    told, more = (said.note, {"answer": dict(said.answer)}) if isinstance(said, Said) else (said, {})
    _note(tenant, number, tries, told, state=SENT, sent_at=tenant.clock.now(), **more)


def resend(tenant: Tenant, number: int) -> None:
    """Send a delivery once more, whatever became of it. Raises :class:`UnknownDelivery`."""
    with tenant.database.writing() as connection:
        done = connection.execute(delivery.update().where(_D.id == number).values(state=WAITING))
        if not done.rowcount:
            raise UnknownDelivery(f"There is no delivery {number}.")
        message = outbox.Message({"delivery": number}, key=f"{TOPIC}:{number}")
        outbox.put_one(connection, tenant.clock.now(), TOPIC, message)


def deliveries(
    connection: Connection,
    *,
    state: str | None = None,
    carrier: str | None = None,
    about: tuple[str, int] | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Delivery]:
    """Return deliveries, the newest first; with ``before`` only those of a smaller number."""
    query = sa.select(delivery).order_by(_D.id.desc()).limit(limit)
    for column, value in ((_D.state, state), (_D.carrier, carrier)):
        if value is not None:
            query = query.where(column == value)
    if about is not None:
        query = query.where(_D.object == about[0], _D.record == about[1])
    if before is not None:
        query = query.where(_D.id < before)
    return [_delivery(row) for row in connection.execute(query).mappings()]


def delivery_of(connection: Connection, number: int) -> Delivery:
    """Return one delivery. Raises :class:`UnknownDelivery`."""
    found = _read(connection, number)
    if found is None:
        raise UnknownDelivery(f"There is no delivery {number}.")
    return found


def prune(tenant: Tenant) -> int:
    """Remove deliveries that arrived and are older than 30 days; return how many."""
    with tenant.database.writing() as connection:
        old = sa.and_(_D.state == SENT, _D.created_at < tenant.clock.now() - KEPT)
        return int(connection.execute(delivery.delete().where(old)).rowcount)


def as_json(found: Delivery) -> dict[str, Any]:
    """Return a delivery as clients are told of it, without its content."""
    moments = {n: getattr(found, n) for n in ("created_at", "tried_at", "sent_at")}
    names = ("carrier", "target", "title", "state", "attempts", "note")
    return {"id": found.id, **{n: getattr(found, n) for n in names}, **moments}


def _read(connection: Connection, number: int) -> Delivery | None:
    row = connection.execute(sa.select(delivery).where(_D.id == number)).mappings().first()
    return _delivery(row) if row is not None else None


def _delivery(row: Any) -> Delivery:
    return Delivery(**{n: row[n] for n in Delivery.__slots__})


def _values(found: Delivery) -> dict[str, Any]:
    return {n: getattr(found, n) for n in Delivery.__slots__}


def _note(tenant: Tenant, number: int, tries: int, note: str, **values: Any) -> None:
    told = " ".join(note.split())[:1000]
    with tenant.database.writing() as connection:
        connection.execute(
            delivery.update()
            .where(_D.id == number)
            .values(attempts=tries, note=told, tried_at=tenant.clock.now(), **values)
        )

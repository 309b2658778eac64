"""Automations that wait for a date of the record: due moments are messages of the outbox, worked out anew at every change.

A moment that is past when the date is set counts only if it lies before a date that is still to come (a reminder a week before a
closing date three days ahead is due at once); others are over. Each moment of a record starts an automation once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.automation import traces
from trellis.automation.catalogue import Automation, Trigger, catalogue_of
from trellis.automation.durations import duration, later_by
from trellis.automation.later import subject_of
from trellis.automation.starting import start
from trellis.model import Model, ObjectModel
from trellis.storage.outbox import Message
from trellis.transaction.row import Row
from trellis.transaction.statements import statements_of

if TYPE_CHECKING:
    from trellis.tenant import Tenant
    from trellis.transaction.transaction import Transaction

TOPIC = "automation_due"
_KEY = "trellis.automation.dates"
Waiting = tuple[Automation, int, Trigger]


def dated(model: Model, object_name: str) -> Sequence[Waiting]:
    """Return the active automations that wait for dates of an object, with the number of the trigger."""
    found: dict[str, list[Waiting]] | None = model.__dict__.get(_KEY)
    if found is None:
        found = model.__dict__[_KEY] = {}
        for automation in catalogue_of(model).automations.values():
            for number, trigger in enumerate(automation.triggers):
                if trigger.on == "date" and automation.definition.active and automation.object is not None:
                    found.setdefault(automation.object, []).append((automation, number, trigger))
    return found.get(object_name, ())


def key_of(automation: str, number: int, record: int) -> str:
    """Return the key under which the moment of a record waits."""
    return f"automation_due:{automation}:{number}:{record}"


def wind(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """Set the clocks of records that were written, whose dates changed."""
    for automation, number, trigger in dated(tx.model, model.name):
        field = trigger.field or ""
        touched = [
            r for r in rows if r.id is not None and (field in r.new or "deleted_at" in r.new or _owner(trigger, r))
        ]
        records = [{**(r.old or {}), **r.new, "id": r.id} for r in touched]
        set_clocks(tx, automation, number, records)


def _owner(trigger: Trigger, row: Row) -> bool:
    """Whether the calendar may be another one now: it is the owner's where the trigger names none."""
    return bool(trigger.document.get("working_time")) and "calendar" not in trigger.document and "owner" in row.new


def set_clocks(
    tx: Transaction,
    automation: Automation,
    number: int,
    records: Sequence[dict[str, Any]],
    *,
    since: datetime | None = None,
) -> None:
    """Put down when an automation is due for ``records``; take back what is due no more.

    ``since`` is when the automation was published, for records that were not written: what fell due after it still counts,
    and nothing is taken back (a moment is looked at again when it has come).
    """
    trigger, messages, gone = automation.triggers[number], [], []
    for record, moment in zip(records, moments(tx, trigger, records), strict=True):
        key = key_of(automation.name, number, record["id"])
        over = moment is not None and _is_over(tx, trigger, record, moment, since or tx.now)
        if moment is None or record.get("deleted_at") is not None or over:
            gone.append(key)
            continue
        payload = {
            "automation": automation.name,
            "trigger": number,
            "object": automation.object,
            "record": record["id"],
            "due": moment.isoformat(),
        }
        messages.append(Message(payload, moment, subject_of(automation.object, record["id"]), key))
    if gone and since is None:
        tx.trail.cancel(gone)
    if messages:
        tx.trail.enqueue_many(TOPIC, messages)


def moments(tx: Transaction, trigger: Trigger, records: Sequence[dict[str, Any]]) -> list[datetime | None]:
    """Return when the trigger is due for each record; None where the date is blank."""
    length = duration(trigger.document.get("offset", "P0D"))
    bases = [base_of(tx, trigger, r) for r in records]
    if not trigger.document.get("working_time"):
        return [None if b is None else b + length for b in bases]
    owners = [o.id if (o := r.get("owner")) is not None else None for r in records]
    found: list[datetime | None] = [None] * len(records)
    for base in dict.fromkeys(b for b in bases if b is not None):
        places = [i for i, b in enumerate(bases) if b == base]
        due = later_by(tx, base, length, [owners[i] for i in places], trigger.document.get("calendar"))
        for place, moment in zip(places, due, strict=True):
            found[place] = moment
    return found


def base_of(tx: Transaction, trigger: Trigger, record: dict[str, Any]) -> datetime | None:
    """Return the moment from which the offset is counted: a date begins at ``at`` in the organisation's zone."""
    value = record.get(trigger.field or "")
    if value is None or isinstance(value, datetime):
        return value
    assert isinstance(value, date)
    hours, minutes = trigger.document.get("at", "00:00").split(":")
    zone = ZoneInfo(tx.tenant.time_zone)
    return datetime.combine(value, time(int(hours), int(minutes)), tzinfo=zone).astimezone(UTC)


def _is_over(tx: Transaction, trigger: Trigger, record: dict[str, Any], moment: datetime, now: datetime) -> bool:
    base = base_of(tx, trigger, record)
    return moment < now and (base is None or base < now)


def fire(tenant: Tenant, payload: dict[str, Any]) -> None:
    """Start the automation of a moment that has come, if the record's date and the automation are still the same."""
    tenant.run(SYSTEM, Cause("automation_date"), lambda tx: _fire(tx, payload))


def _fire(tx: Transaction, payload: dict[str, Any]) -> None:
    automation = catalogue_of(tx.model).automations.get(payload["automation"])
    number, due = payload["trigger"], payload["due"]
    if automation is None or not automation.definition.active or automation.object != payload["object"]:
        return
    if number >= len(automation.triggers) or automation.triggers[number].on != "date":
        return
    model = tx.model.object(payload["object"])
    stored = statements_of(model).fetch(tx.connection, [payload["record"]], lock=not tx.database.is_sqlite)
    record = stored.get(payload["record"])
    if record is None or record["deleted_at"] is not None:
        return
    (moment,) = moments(tx, automation.triggers[number], [record])
    if moment is None or moment.isoformat() != due:
        return
    found = start(tx, automation, "date", [record], key=lambda r: f"date:{number}:{r['id']}:{due}")
    traces.note_idle(tx, automation, model.name, found)


def set_all(tx: Transaction, name: str, after: int, count: int, since: datetime) -> int | None:
    """Set the clocks of the next ``count`` records for an automation that is new or was changed.

    Returns the number of the last record, None when there are no more.
    """
    automation = catalogue_of(tx.model).automations.get(name)
    if automation is None or automation.object is None or not automation.definition.active:
        return None
    model = tx.model.object(automation.object)
    t = model.table
    query = sa.select(t.c.id).where(t.c.id > after, t.c.deleted_at.is_(None)).order_by(t.c.id).limit(count)
    ids = list(tx.connection.execute(query).scalars())
    # Locked, so that of a writer and this batch one sees what the other did.
    stored = statements_of(model).fetch(tx.connection, ids, lock=not tx.database.is_sqlite) if ids else {}
    for number, trigger in enumerate(automation.triggers):
        if trigger.on == "date" and stored:
            set_clocks(tx, automation, number, list(stored.values()), since=since)
    return ids[-1] if ids else None

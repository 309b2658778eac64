"""Schedules: the next moment of each waits as one message of the outbox; when it has come, the one after it is put down first.

A schedule that was missed (no worker ran) starts once and then goes on from now: nothing is made up for.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa
from cronsim import CronSim, CronSimError

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.automation.catalogue import Automation, catalogue_of
from trellis.automation.starting import start
from trellis.storage import outbox
from trellis.storage.outbox import Message
from trellis.transaction.statements import statements_of
from trellis_metadata.snapshot import Document

if TYPE_CHECKING:
    from trellis.jobs.job import Job
    from trellis.tenant import Tenant
    from trellis.transaction.transaction import Transaction

TOPIC, ROUND = "automation_schedule", "automation_round"
BATCH = 200


def problem_of(cron: str, zone: str) -> tuple[str, str] | None:
    """Return the key and the reason why a schedule is none, None if it is one."""
    try:
        where = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "zone", f"'{zone}' is no time zone. Use an IANA name such as Asia/Shanghai."
    try:
        next(CronSim(cron, datetime(2026, 1, 1, tzinfo=UTC).astimezone(where)))
    except (CronSimError, StopIteration) as problem:
        return "cron", f"'{cron}' is no schedule: {problem or 'it never comes'}."
    return None


def next_moment(trigger: Mapping[str, Any], after: datetime, zone: str) -> datetime:
    """Return the first moment of a schedule after ``after``, in UTC; ``zone`` is that of the organisation.

    In the hour that a summer time leaves out it comes at the moment after the gap; in the hour that is twice it comes once.
    """
    where = ZoneInfo(trigger.get("zone", zone))
    return next(CronSim(trigger["cron"], after.astimezone(where))).astimezone(UTC)


def key_of(automation: str, number: int) -> str:
    """Return the key under which the next moment of a schedule waits."""
    return f"automation_schedule:{automation}:{number}"


def put(tenant: Tenant, connection: sa.engine.Connection, document: Document, after: datetime) -> None:
    """Put down the next moments of an automation's schedules."""
    for number, trigger in enumerate(document["triggers"]):
        if trigger["on"] == "schedule":
            moment = next_moment(trigger, after, tenant.time_zone)
            payload = {"automation": document["name"], "trigger": number, "moment": moment.isoformat()}
            outbox.put(connection, after, TOPIC, [Message(payload, moment, key=key_of(document["name"], number))])


def fire(tenant: Tenant, payload: Mapping[str, Any]) -> None:
    """Put down the schedule's next moment and start the round of this one."""
    tenant.run(SYSTEM, Cause("automation_schedule"), lambda tx: _fire(tx, payload))


def _fire(tx: Transaction, payload: Mapping[str, Any]) -> None:
    automation = catalogue_of(tx.model).automations.get(payload["automation"])
    number = payload["trigger"]
    if automation is None or not automation.definition.active or number >= len(automation.triggers):
        return
    trigger = automation.triggers[number].document
    if trigger["on"] != "schedule":
        return
    moment = datetime.fromisoformat(payload["moment"])
    following = next_moment(trigger, max(moment, tx.now), tx.tenant.time_zone)
    message = {"automation": automation.name, "trigger": number, "moment": following.isoformat()}
    tx.trail.enqueue(TOPIC, message, following, key=key_of(automation.name, number))
    started = {"automation": automation.name, "trigger": number, "moment": payload["moment"], "last": 0}
    tx.trail.enqueue(ROUND, started, key=f"automation_round:{automation.name}:{number}:{payload['moment']}")


def go_round(job: Job) -> None:
    """Start the automation for every record of its object for which the condition holds, batch by batch."""
    last: int | None = int(job.payload["last"])
    while last is not None:
        last = job.tenant.run(
            SYSTEM,
            Cause("automation_schedule", {"moment": job.payload["moment"]}),
            lambda tx, after=last: _batch(tx, job, after),  # type: ignore[misc]
        )
        job.saved()


def _batch(tx: Transaction, job: Job, after: int) -> int | None:
    automation = catalogue_of(tx.model).automations.get(job.payload["automation"])
    last, count = None, 0
    if automation is not None and automation.definition.active:
        last, count = _start_batch(tx, automation, f"schedule:{job.payload['trigger']}:{job.payload['moment']}", after)
    job.save(tx.connection, done=job.done + count, payload={"last": last or after})
    return last


def _start_batch(tx: Transaction, automation: Automation, cause: str, after: int) -> tuple[int | None, int]:
    if automation.object is None:
        start(tx, automation, "schedule", [{}], key=lambda r: cause)
        return None, 1
    model = tx.model.object(automation.object)
    t = model.table
    query = sa.select(t.c.id).where(t.c.id > after, t.c.deleted_at.is_(None)).order_by(t.c.id).limit(BATCH)
    ids = list(tx.connection.execute(query).scalars())
    if not ids:
        return None, 0
    stored = statements_of(model).fetch(tx.connection, ids)
    start(tx, automation, "schedule", list(stored.values()), key=lambda r: f"{cause}:{r['id']}")
    return ids[-1], len(ids)

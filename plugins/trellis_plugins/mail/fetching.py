"""Looks into the mailbox now and then: one message in the outbox per tenant, put down again after each look."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from trellis.jobs.job import Job
from trellis.plugin_settings import values_of
from trellis.storage import outbox
from trellis.storage.tables.outgoing import incoming_mail
from trellis_metadata.errors import TrellisError
from trellis_plugins.mail.filing import file_letter
from trellis_plugins.mail.incoming_settings import GROUP, incoming_settings, is_set_up
from trellis_plugins.mail.letter import read_letter
from trellis_plugins.mail.mailbox import open_mailbox

if TYPE_CHECKING:
    from trellis.tenant import Tenant

log = logging.getLogger("trellis.mail")
TOPIC = KEY = "fetch_mail"
AT_ONCE = 200
_I = incoming_mail.c


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one look found: mails that were new, and records made of them."""

    looked_at: int
    filed: int


def fetch(tenant: Tenant, limit: int = AT_ONCE) -> Fetched:
    """Take in what is new in the mailbox. Raises ``MailNotSetUp``, ``NoMailObject``, ``NotDelivered``."""
    with tenant.database.reading() as connection:
        settings = incoming_settings(tenant, connection)
    looked_at = filed = 0
    with open_mailbox(settings) as box:
        for uid in box.numbers_after(_last(tenant, box.validity))[:limit]:
            content = box.mail(uid)
            if content is None:
                log.warning("mail %s of tenant '%s' is gone or too large and was left out", uid, tenant.name)
                continue
            looked_at += 1
            keep = settings.unknown == "keep"
            made = file_letter(
                tenant, read_letter(content), settings.object, keep_unknown=keep, box=box.validity, uid=uid
            )
            filed += made is not None
    return Fetched(looked_at, filed)


def begin(tenant: Tenant) -> None:
    """See to it that somebody looks, from now on; nothing more happens where that is so already."""
    with tenant.database.writing() as connection:
        now = tenant.clock.now()
        outbox.put_one(connection, now, TOPIC, outbox.Message({}, now, key=KEY))


def handle(job: Job) -> None:
    """Look, and put the next look down. A mailbox that cannot be reached is looked at again at the next turn."""
    tenant = job.tenant
    if not is_set_up(tenant):
        return
    try:
        fetch(tenant)
    except TrellisError as problem:
        log.warning("the mailbox of tenant '%s' could not be read: %s", tenant.name, problem.message)
    finally:
        pause = timedelta(minutes=int(values_of(tenant, GROUP)["minutes"]))
        with tenant.database.writing() as connection:
            now = tenant.clock.now()
            outbox.put_one(connection, now, TOPIC, outbox.Message({}, now + pause, key=KEY))


def _last(tenant: Tenant, validity: int) -> int:
    with tenant.database.reading() as connection:
        return int(connection.execute(sa.select(sa.func.max(_I.uid)).where(_I.box == validity)).scalar() or 0)

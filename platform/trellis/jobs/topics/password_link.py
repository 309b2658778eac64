"""Somebody asked for a link to choose a new password: it is mailed, if there is such a person and a way to reach him."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.accounts.links import PATH, link_for
from trellis.accounts.links import TOPIC as TOPIC
from trellis.channels import News, Reader, ready_channels
from trellis.deliveries import send
from trellis.jobs.job import Job
from trellis.tenant import Tenant

KEEP = False
CHANNEL = "mail"
TEXT = {
    "en": "Choose a new password. If you did not ask for this, do nothing: your password stays as it is.",
    "zh": "请设置新密码。如果不是您本人申请，请忽略此邮件，原密码保持不变。",
}


def handle(job: Job) -> None:
    """Make the link and put the mail down in one transaction. Without a mail channel an administrator makes the link."""
    tenant = job.tenant
    channel = ready_channels(tenant).get(CHANNEL)
    if channel is None:
        return
    with tenant.database.writing() as connection:
        found = link_for(tenant, connection, job.payload["login"])
        if found is None:
            return
        reader = _reader(tenant, connection, found[0])
        news = News("password_link", TEXT[reader.language if reader.language in TEXT else "en"], PATH + found[1], None)
        message = channel.message(tenant, connection, reader, news)
        if message is not None:
            send(connection, tenant.clock.now(), message)


def _reader(tenant: Tenant, connection: Connection, user: int) -> Reader:
    person = tenant.model_in(connection).object("user")
    f = person.fields
    query = sa.select(f["name"].column, f["email"].column, f["language"].column).where(person.table.c.id == user)
    name, mail, language = connection.execute(query).one()
    return Reader(user, name or "", mail, language or str(tenant.settings.get("language", "en")))

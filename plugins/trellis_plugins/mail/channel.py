"""Tells people by mail what the notifications centre tells them."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from sqlalchemy.engine import Connection

from trellis.channels import News, Reader
from trellis.deliveries import Outgoing
from trellis.plugin_settings import values_of
from trellis_plugins.mail.addresses import problem_of
from trellis_plugins.mail.settings import GROUP, is_set_up

if TYPE_CHECKING:
    from trellis.tenant import Tenant

OPEN = {"en": "Open it", "zh": "打开"}


class MailChannel:
    """The channel ``mail``."""

    name = "mail"
    label = {"en": "Mail", "zh": "邮件"}

    def is_ready(self, tenant: Tenant) -> bool:
        """Whether mail is set up."""
        return is_set_up(tenant)

    def message(self, tenant: Tenant, connection: Connection, reader: Reader, news: News) -> Outgoing | None:
        """Return the mail; None for a person without a mail address."""
        if not reader.mail or problem_of(reader.mail):
            return None
        site = str(values_of(tenant, GROUP)["site"]).rstrip("/")
        link = f"{site}{news.url}" if site and news.url else None
        opens = OPEN.get(reader.language, OPEN["en"])
        body = f"<p>{html.escape(news.text)}</p>"
        if link:
            body += f'<p><a href="{html.escape(link)}">{opens}</a></p>'
        payload = {
            "to": [{"name": reader.name, "address": reader.mail}],
            "subject": news.text[:200],
            "text": f"{news.text}\n" + (f"\n{opens}: {link}\n" if link else ""),
            "html": body,
            "language": reader.language,
        }
        return Outgoing("mail", reader.mail, news.text, payload, news.about)

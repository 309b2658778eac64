"""Tells people in the group what the notifications centre tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.engine import Connection

from trellis.channels import News, Reader
from trellis.deliveries import Outgoing
from trellis.plugin_settings import values_of
from trellis_plugins.chat.settings import GROUP, is_active

if TYPE_CHECKING:
    from trellis.tenant import Tenant


class ChatChannel:
    """The channel ``chat``. Everybody in the group can read what is told there: who chooses it chooses that."""

    name = "chat"
    label = {"en": "The group in chat (everybody there can read it)", "zh": "聊天群（群内成员均可见）"}

    def is_ready(self, tenant: Tenant) -> bool:
        """Whether the group is set up."""
        return is_active(tenant)

    def message(self, tenant: Tenant, connection: Connection, reader: Reader, news: News) -> Outgoing | None:
        """Return the message; its link leads to where only the reader sees more."""
        site = str(values_of(tenant, GROUP)["site"]).rstrip("/")
        payload = {"who": reader.name, "text": news.text, "link": f"{site}{news.url}" if site and news.url else ""}
        return Outgoing("chat", reader.name, news.text, payload, news.about)

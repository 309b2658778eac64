"""Hands messages over to the group's robot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from trellis import outbound
from trellis.deliveries import Delivery, NotDelivered, Undeliverable
from trellis.outbound import AddressRefused, RequestFailed
from trellis.plugin_settings import secrets_given, values_of
from trellis.secrets import MissingSecret, secret_of
from trellis_plugins.chat.formats import FORMATS, Message
from trellis_plugins.chat.settings import GROUP

if TYPE_CHECKING:
    from trellis.tenant import Tenant


class ChatCarrier:
    """The carrier ``chat``. Its payload: ``who``, ``text``, ``link``."""

    name = "chat"
    label = {"en": "Chat", "zh": "聊天"}

    def deliver(self, tenant: Tenant, delivery: Delivery) -> str:
        """Send one message. These services know no repetitions: after a lost answer a message may stand there twice."""
        form = FORMATS[values_of(tenant, GROUP)["format"]]
        try:
            with tenant.database.reading() as connection:
                url = secret_of(tenant, connection, f"{GROUP}.url")
                signing = "signing" in secrets_given(connection, GROUP)
                secret = secret_of(tenant, connection, f"{GROUP}.signing") if signing else ""
        except MissingSecret:
            raise Undeliverable("Chat has no address: give it under Setup, Chat.") from None
        told = delivery.payload
        address, body = form.write(url, secret, Message(told["who"], told["text"], told["link"]), tenant.clock.now())
        headers = {"Content-Type": "application/json; charset=utf-8", "Trellis-Delivery": str(delivery.id)}
        try:
            answer = outbound.request(
                "POST", address, headers=headers, body=json.dumps(body, ensure_ascii=False).encode()
            )
        except AddressRefused as problem:
            raise Undeliverable(problem.message) from None
        except RequestFailed as problem:
            raise NotDelivered(problem.message) from None
        if answer.status == 429 or answer.status >= 500:
            raise NotDelivered(f"HTTP {answer.status}")
        if not 200 <= answer.status < 300:
            raise Undeliverable(f"HTTP {answer.status} {answer.body[:200].decode('utf-8', 'replace')}")
        complaint = form.judge(answer.body)
        if complaint is not None:
            raise (NotDelivered if complaint[0] in form.busy else Undeliverable)(f"{form.label}: {complaint[1]}")
        return f"{form.label}: taken."

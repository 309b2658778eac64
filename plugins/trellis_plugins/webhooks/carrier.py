"""Delivers calls: an answer of 2xx is an arrival; what may pass is tried again, what cannot is given up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from trellis.deliveries import Delivery, NotDelivered, Said, Undeliverable
from trellis.outbound import AddressRefused, Answer, RequestFailed
from trellis.secrets import MissingSecret
from trellis_plugins.webhooks.calling import UnknownConnection, call, connection_of

if TYPE_CHECKING:
    from trellis.tenant import Tenant

MAX_KEPT = 64 * 1024
"""Bytes of an answer that are kept for later steps."""
PASSING = frozenset({408, 409, 423, 425, 429})
"""Answers of 4xx after which a repetition may succeed; 5xx always may."""


class WebhookCarrier:
    """The carrier ``webhook``. Its payload: ``connection``, ``path``, ``event``, ``body`` (JSON),
    ``method``, ``wakes`` (the run that waits for the answer)."""

    name = "webhook"
    label = {"en": "Webhook", "zh": "Webhook"}

    def deliver(self, tenant: Tenant, delivery: Delivery) -> str | Said:
        """Make one call, with the connection as it is now."""
        payload = delivery.payload
        given = payload["body"]
        body = b"" if given is None else json.dumps({**given, "delivery": delivery.id}, ensure_ascii=False).encode()
        try:
            target = connection_of(tenant.model(), payload["connection"])
            answer = call(
                tenant,
                target,
                method=payload.get("method", "POST"),
                path=payload["path"],
                body=body,
                delivery=delivery.id,
                event=payload["event"],
            )
        except (AddressRefused, UnknownConnection, MissingSecret) as problem:
            raise Undeliverable(problem.message) from None
        except RequestFailed as problem:
            raise NotDelivered(problem.message) from None
        note = judge(answer)
        if "wakes" not in payload:
            return note
        text = answer.body[:MAX_KEPT].decode("utf-8", "replace").replace("\0", "")
        return Said(note, {"status": answer.status, "body": text})


def judge(answer: Answer) -> str:
    """Return what to note of an answer. Raises :class:`Undeliverable` or :class:`NotDelivered`."""
    shown = " ".join(answer.body[:300].decode("utf-8", "replace").split())
    told = f"HTTP {answer.status} {shown}".strip()
    if 200 <= answer.status < 300:
        return told
    if 300 <= answer.status < 400:
        raise Undeliverable(f"{told} (redirects are not followed; name the address itself)")
    if answer.status < 500 and answer.status not in PASSING:
        raise Undeliverable(told)
    raise NotDelivered(told)

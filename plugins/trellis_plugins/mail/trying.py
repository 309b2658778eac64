"""Tries the settings of mail out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trellis.deliveries import WAITING, Delivery, Undeliverable
from trellis_plugins.mail.carrier import MailCarrier
from trellis_plugins.mail.incoming_settings import IncomingSettings, incoming_settings

if TYPE_CHECKING:
    from trellis.tenant import Tenant


def send_test(tenant: Tenant, address: str | None) -> str:
    """Send a mail to ``address`` at once, outside the log; return what the server said. Raises what the carrier raises."""
    if not address:
        raise Undeliverable("You have no mail address in your user record.")
    text = "This is a test of the settings for outgoing mail. 这是一封测试邮件。"
    payload = {"to": [{"name": "", "address": address}], "subject": "Trellis: test / 测试", "text": f"{text}\n"}
    now = tenant.clock.now()
    made = Delivery(0, "mail", address, "test", None, None, payload, WAITING, 1, None, None, now, None, None)
    return f"{address}: {MailCarrier().deliver(tenant, made)}"


def look_in(tenant: Tenant, address: str | None) -> str:
    """Log in to the mailbox and count what waits there. Raises ``NotDelivered`` when that does not work."""
    from trellis_plugins.mail.mailbox import open_mailbox

    with tenant.database.reading() as connection:
        settings: IncomingSettings = incoming_settings(tenant, connection)
    with open_mailbox(settings) as box:
        return f"{settings.folder}: {len(box.numbers_after(0))}"

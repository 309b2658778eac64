"""One mail as it goes over the wire, made of its delivery: the same bytes whenever it is made again."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet

from trellis.deliveries import Delivery, Undeliverable
from trellis.files import StoredFile, UnknownFile, content_of, row_of
from trellis.key_files import key_of
from trellis_plugins.mail.addresses import ascii_domain, on_the_wire, problem_of
from trellis_plugins.mail.settings import MailSettings

if TYPE_CHECKING:
    from trellis.tenant import Tenant

POLICY = SMTP.clone(max_line_length=998, refold_source="none")
MAX_ATTACHED = 20 * 1024 * 1024
_OURS = re.compile(r"<trellis\.([a-z0-9_]{1,40})\.([0-9]{1,18})\.([0-9a-f]{16})@[^>\s]{1,255}>")


def message_id(tenant: Tenant, number: int, settings: MailSettings) -> str:
    """Return the id of the mail of a delivery: a repetition is the same message to every program that receives it."""
    domain = ascii_domain(settings.sender.rpartition("@")[2])
    return f"<trellis.{tenant.name}.{number}.{_mark(tenant, number)}@{domain}>"


def deliveries_named(tenant: Tenant, text: str) -> list[int]:
    """Return the numbers of the tenant's deliveries whose message ids stand in a header."""
    found = [(int(number), mark) for name, number, mark in _OURS.findall(text) if name == tenant.name]
    return [number for number, mark in found if hmac.compare_digest(mark, _mark(tenant, number))]


def _mark(tenant: Tenant, number: int) -> str:
    """Return what only Trellis can write: nobody files a mail under a record by guessing a number."""
    key = key_of(tenant.key_file, Fernet.generate_key)
    return hmac.new(key, f"mail {number}".encode(), "sha256").hexdigest()[:16]


def recipients(payload: object) -> list[str]:
    """Return the addresses of a delivery's payload, each once. Raises :class:`Undeliverable` and names the wrong ones."""
    given = payload.get("to", []) if isinstance(payload, dict) else []
    cc = payload.get("cc", []) if isinstance(payload, dict) else []
    addresses = [str(entry["address"]).strip() for entry in (*given, *cc)]
    wrong = [p for p in map(problem_of, addresses) if p]
    if wrong or not addresses:
        raise Undeliverable(" ".join(wrong) or "The mail has no recipient.")
    return list(dict.fromkeys(on_the_wire(a) for a in addresses))


def compose(tenant: Tenant, delivery: Delivery, settings: MailSettings) -> EmailMessage:
    """Return the mail of a delivery. Raises :class:`Undeliverable` for addresses or files that are not there."""
    payload = dict(delivery.payload)
    recipients(payload)
    mail = EmailMessage(policy=POLICY)
    mail["From"] = _address(settings.sender_name, settings.sender)
    for header, key in (("To", "to"), ("Cc", "cc")):
        if payload.get(key):
            mail[header] = [_address(entry.get("name") or "", entry["address"]) for entry in payload[key]]
    if payload.get("reply_to") or settings.reply_to:
        mail["Reply-To"] = _address("", payload.get("reply_to") or settings.reply_to)
    mail["Subject"] = " ".join(str(payload["subject"]).split())[:900]
    mail["Date"] = delivery.created_at
    mail["Message-ID"] = message_id(tenant, delivery.id, settings)
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(payload["text"], cte="quoted-printable")
    if payload.get("html"):
        mail.add_alternative(_page(payload["html"], payload.get("language", "en")), "html", cte="quoted-printable")
    for stored, path in _attached(tenant, payload.get("files", ())):
        main, _, sub = stored.media_type.partition("/")
        mail.add_attachment(path.read_bytes(), maintype=main, subtype=sub, filename=stored.name)
    _fix_boundaries(mail, delivery.id)
    return mail


def _address(name: str, address: str) -> Address:
    local, _, domain = on_the_wire(address).rpartition("@")
    return Address(" ".join(name.split())[:200], local, domain)


def _page(html: str, language: str) -> str:
    tag = "zh-Hans" if language == "zh" else language
    return f'<!doctype html><html lang="{tag}"><head><meta charset="utf-8"></head><body>{html}</body></html>'


def _attached(tenant: Tenant, ids: Sequence[str]) -> list[tuple[StoredFile, Path]]:
    try:
        with tenant.database.reading() as connection:
            found = [row_of(connection, i) for i in ids]
    except UnknownFile:
        raise Undeliverable("A file that was to be attached is gone.") from None
    if sum(f.size for f in found) > MAX_ATTACHED:
        raise Undeliverable(f"The attached files are larger than {MAX_ATTACHED // 1024 // 1024} MB together.")
    return [(f, content_of(tenant, f)) for f in found]


def _fix_boundaries(mail: EmailMessage, number: int) -> None:
    """Give each part with parts a boundary that follows from the delivery, not from chance."""
    for index, part in enumerate(p for p in mail.walk() if p.is_multipart()):
        part.set_boundary(f"=_{hashlib.sha256(f'{number}.{index}'.encode()).hexdigest()[:40]}")

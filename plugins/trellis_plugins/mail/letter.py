"""A mail that came in, as far as an activity needs it. What senders write is never trusted, neither its form nor its size."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses, parsedate_to_datetime

from trellis.templates.markup import sanitised

MAX_BODY = 200_000
MAX_FILES = 20


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a mail."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """``digest`` tells mails apart; ``references`` are the headers that name earlier mails; addresses are in lower case."""

    digest: str
    references: str
    earlier: Sequence[str]
    sender: str
    recipients: Sequence[str]
    subject: str
    body: str
    sent_at: datetime | None
    files: Sequence[Attachment]


def read_letter(content: bytes) -> Letter:
    """Return a mail. Nothing is an error: what cannot be read is left out."""
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    references = f"{_header(mail, 'References')} {_header(mail, 'In-Reply-To')}"
    name = _header(mail, "Message-ID").strip()
    sender = _addresses(mail, "From")[:1]
    return Letter(
        digest_of(name) if name else hashlib.sha256(content).hexdigest(),
        references,
        [digest_of(r) for r in references.split()[-50:]],
        sender[0] if sender else "",
        [a for h in ("To", "Cc") for a in _addresses(mail, h)][:100],
        " ".join(_header(mail, "Subject").split())[:255],
        _body(mail),
        _moment(mail),
        _files(mail),
    )


def digest_of(message_id: str) -> str:
    """Return the digest under which a message id is remembered."""
    return hashlib.sha256(message_id.strip().encode("utf-8", "replace")).hexdigest()


def _header(mail: EmailMessage, name: str) -> str:
    try:
        return _clean(str(mail.get(name, "")))
    except Exception:  # the parser of headers raises whatever it likes on nonsense
        return ""


def _clean(text: str) -> str:
    plain = text.encode("utf-8", "replace").decode()
    return "".join(c for c in plain if c in "\n\t" or (c.isprintable() and c != "\ufffd"))


def _addresses(mail: EmailMessage, name: str) -> list[str]:
    return [a.strip().lower() for _, a in getaddresses([_header(mail, name)]) if "@" in a and len(a) <= 255]


def _moment(mail: EmailMessage) -> datetime | None:
    try:
        found = parsedate_to_datetime(_header(mail, "Date"))
    except (TypeError, ValueError, OverflowError):
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC) if found.year >= 1971 else None


def _body(mail: EmailMessage) -> str:
    try:
        part = mail.get_body(("html", "plain"))
        text = _clean(str(part.get_content())) if part is not None else ""
    except Exception:  # an unknown character set, a broken encoding
        return ""
    if part is not None and part.get_content_subtype() == "html":
        return sanitised(text[:MAX_BODY])
    return "".join(f"<p>{html.escape(line)}</p>" for line in text[:MAX_BODY].split("\n") if line.strip())


def _files(mail: EmailMessage) -> list[Attachment]:
    found: list[Attachment] = []
    for part in mail.walk():
        if part.is_multipart() or part.get_content_disposition() != "attachment":
            continue
        content = part.get_payload(decode=True)
        if isinstance(content, bytes) and len(found) < MAX_FILES:
            found.append(Attachment(_clean(part.get_filename() or "file"), part.get_content_type(), content))
    return found

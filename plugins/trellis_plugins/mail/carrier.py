"""Hands mails over to the tenant's server."""

from __future__ import annotations

import base64
import smtplib
import socket
import ssl
from email.message import EmailMessage
from typing import TYPE_CHECKING

from trellis import outbound
from trellis.deliveries import Delivery, NotDelivered, Undeliverable
from trellis_plugins.mail.message import POLICY, compose, recipients
from trellis_plugins.mail.settings import MailSettings, mail_settings

if TYPE_CHECKING:
    from trellis.tenant import Tenant

TIMEOUT_S = 30.0


class MailCarrier:
    """The carrier ``mail``. Its payload: ``to``, ``cc`` (name and address each), ``subject``, ``text``, ``html``, ``language``,
    ``reply_to``, ``files`` (ids)."""

    name = "mail"
    label = {"en": "Mail", "zh": "邮件"}

    def deliver(self, tenant: Tenant, delivery: Delivery) -> str:
        """Send one mail. An address that the server refuses is named with the server's words."""
        with tenant.database.reading() as connection:
            settings = mail_settings(tenant, connection)
        mail = compose(tenant, delivery, settings)
        return hand_over(settings, mail, recipients(dict(delivery.payload)))


def hand_over(settings: MailSettings, mail: EmailMessage, to: list[str]) -> str:
    """Give a mail to the server; return what the server said.

    Raises :class:`Undeliverable` when it refuses the mail or everybody for good, :class:`NotDelivered` when it may take it later.
    """
    try:
        with _connection(settings) as server:
            return _said(_send(server, settings, mail, to), len(to))
    except smtplib.SMTPAuthenticationError as problem:
        raise NotDelivered(f"The mail server refuses user name and password: {_words(problem.smtp_error)}") from None
    except smtplib.SMTPRecipientsRefused as problem:
        raise _refused(problem.recipients) from None
    except smtplib.SMTPNotSupportedError as problem:
        raise Undeliverable(f"The mail server cannot do this: {problem}") from None
    except smtplib.SMTPResponseException as problem:
        told = f"The mail server said {problem.smtp_code}: {_words(problem.smtp_error)}"
        raise (Undeliverable if 500 <= problem.smtp_code < 600 else NotDelivered)(told) from None
    except (OSError, smtplib.SMTPException) as problem:
        raise NotDelivered(f"'{settings.host}' cannot be reached: {problem or type(problem).__name__}") from None


def _send(
    server: smtplib.SMTP, settings: MailSettings, mail: EmailMessage, to: list[str]
) -> dict[str, tuple[int, bytes]]:
    addresses = [settings.sender, *to]
    plain = all(a.isascii() for a in addresses)
    if not plain and not server.has_extn("smtputf8"):
        wrong = ", ".join(a for a in addresses if not a.isascii())
        raise Undeliverable(f"The mail server takes only plain letters in addresses; it cannot send to {wrong}.")
    options = () if plain else ("SMTPUTF8", "BODY=8BITMIME")
    content = mail.as_bytes(policy=POLICY.clone(utf8=not plain))
    return server.sendmail(settings.sender, to, content, mail_options=options)


def _connection(settings: MailSettings) -> smtplib.SMTP:
    address = outbound.resolve(settings.host, settings.port)
    if settings.security == "tls":
        server: smtplib.SMTP = _PinnedTls(settings, address)
    else:
        server = _Pinned(settings, address)
    try:
        server.ehlo()
        if settings.security == "starttls":
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if settings.user:
            _log_in(server, settings.user, settings.password or "")
    except BaseException:
        server.close()
        raise
    return server


def _log_in(server: smtplib.SMTP, user: str, password: str) -> None:
    """Log in; by PLAIN in UTF-8 (RFC 4616) where the server offers it, since smtplib knows only plain letters."""
    if (user + password).isascii() or "PLAIN" not in server.esmtp_features.get("auth", "").split():
        server.login(user, password)
        return
    sealed = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
    code, said = server.docmd("AUTH", f"PLAIN {sealed}")
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, said)


class _Pinned(smtplib.SMTP):
    """A connection to the address that was judged, under the server's name."""

    def __init__(self, settings: MailSettings, address: str) -> None:
        self._address = address
        super().__init__(settings.host, settings.port, timeout=TIMEOUT_S)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return socket.create_connection((self._address, port), timeout)


class _PinnedTls(_Pinned):
    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = super()._get_socket(host, port, timeout)
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


def _refused(found: dict[str, tuple[int, bytes]]) -> Exception:
    told = " ".join(f"{address}: {code} {_words(said)}" for address, (code, said) in sorted(found.items()))
    for_good = all(500 <= code < 600 for code, _ in found.values())
    return (Undeliverable if for_good else NotDelivered)(f"The mail server refuses every recipient. {told}")


def _said(refused: dict[str, tuple[int, bytes]], count: int) -> str:
    if not refused:
        return f"Taken for {count} recipient(s)."
    told = " ".join(f"{address}: {code} {_words(said)}" for address, (code, said) in sorted(refused.items()))
    return f"Taken for {count - len(refused)} of {count} recipients. Refused: {told}"


def _words(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return " ".join(text.split())[:300]

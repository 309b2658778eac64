"""A mailbox on an IMAP server (RFC 3501), read without changing anything in it."""

from __future__ import annotations

import imaplib
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from trellis import outbound
from trellis.deliveries import NotDelivered
from trellis_plugins.mail.incoming_settings import IncomingSettings

TIMEOUT_S = 30.0
MAX_MAIL = 25 * 1024 * 1024
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")


class Mailbox:
    """An opened folder. ``validity`` is its UIDVALIDITY: UIDs mean something under it only."""

    def __init__(self, server: imaplib.IMAP4, validity: int) -> None:
        self._server, self.validity = server, validity

    def numbers_after(self, uid: int) -> list[int]:
        """Return the UIDs greater than ``uid``, in order."""
        _, data = self._server.uid("SEARCH", f"UID {uid + 1}:*")
        found = [int(n) for n in (data[0] or b"").split()]
        # '*' is the greatest UID there is, even where that is smaller than the lower end.
        return sorted(n for n in found if n > uid)

    def mail(self, uid: int) -> bytes | None:
        """Return a mail, None when it is gone or too large."""
        _, sizes = self._server.uid("FETCH", str(uid), "(RFC822.SIZE)")
        told = _SIZE.search(b" ".join(_flat(sizes)))
        if told is None or int(told.group(1)) > MAX_MAIL:
            return None
        _, data = self._server.uid("FETCH", str(uid), "(BODY.PEEK[])")
        return next((part[1] for part in data if isinstance(part, tuple)), None)


@contextmanager
def open_mailbox(settings: IncomingSettings) -> Iterator[Mailbox]:
    """Open the folder of the settings. Raises :class:`NotDelivered` with what the server said."""
    try:
        with _connection(settings) as server:
            _log_in(server, settings.user, settings.password)
            answer, data = server.select(f'"{settings.folder}"', readonly=True)
            if answer != "OK":
                raise NotDelivered(f"The mailbox has no folder '{settings.folder}': {_flat(data)[0].decode()[:200]}")
            _, told = server.response("UIDVALIDITY")
            yield Mailbox(server, int(_flat(told)[0]))
    except imaplib.IMAP4.error as problem:
        raise NotDelivered(f"The mail server refuses: {str(problem)[:300]}") from None
    except OSError as problem:
        raise NotDelivered(f"'{settings.host}' cannot be reached: {problem}") from None


def _log_in(server: imaplib.IMAP4, user: str, password: str) -> None:
    if (user + password).isascii():
        server.login(user, password)
    else:
        server.authenticate("PLAIN", lambda _: f"\0{user}\0{password}".encode())


def _connection(settings: IncomingSettings) -> imaplib.IMAP4:
    address = outbound.resolve(settings.host, settings.port)
    if settings.security == "tls":
        return _PinnedTls(settings, address)
    server = _Pinned(settings, address)
    try:
        server.starttls(ssl.create_default_context())
    except BaseException:
        server.shutdown()
        raise
    return server


class _Pinned(imaplib.IMAP4):
    """A connection to the address that was judged, under the server's name."""

    def __init__(self, settings: IncomingSettings, address: str) -> None:
        self._address = address
        super().__init__(settings.host, settings.port, TIMEOUT_S)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return socket.create_connection((self._address, self.port), timeout)


class _PinnedTls(_Pinned):
    def _create_socket(self, timeout: float | None) -> socket.socket:
        plain = super()._create_socket(timeout)
        return ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)


def _flat(data: object) -> list[bytes]:
    """Return the plain pieces of an answer; at least one."""
    found = [part for part in data if isinstance(part, bytes)] if isinstance(data, list) else []
    return found or [b""]

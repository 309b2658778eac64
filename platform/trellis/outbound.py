"""HTTP requests to addresses that tenants name: never into the operator's own network, never longer or larger than allowed.

The name is resolved once; every address it has must be a public one, and the connection goes to the address that was judged
(a name that changes its mind between the look and the call gains nothing). Redirects are not followed. The operator allows
networks that are not public by ``TRELLIS_INTERNAL_NETWORKS`` (CIDR, with commas); a tenant cannot.
"""

from __future__ import annotations

import http.client
import ipaddress
import os
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from trellis_metadata.errors import TrellisError

SETTING = "TRELLIS_INTERNAL_NETWORKS"
TIMEOUT_S = 10.0
MAX_ANSWER = 1024 * 1024
SCHEMES = {"https": 443, "http": 80}
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Prefixes that carry an IPv4 address inside: NAT64 and 6to4 lead where that address leads.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_6TO4 = ipaddress.ip_network("2002::/16")


class AddressRefused(TrellisError):
    """The address leads into a network that is not public, or is no address for a web request."""

    code = "address_refused"


class RequestFailed(TrellisError):
    """The other side cannot be reached, hangs up, takes too long, or answers too much."""

    code = "request_failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said. ``headers`` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    timeout_s: float = TIMEOUT_S,
    max_answer: int = MAX_ANSWER,
) -> Answer:
    """Send one request; ``timeout_s`` bounds all of it. Raises :class:`AddressRefused` or :class:`RequestFailed`."""
    scheme, host, port, path = _parts(url)
    address = resolve(host, port)
    connection = _Pinned(scheme, host, port, address, timeout_s)
    # A side that sends a byte now and then never runs into the socket's own limit.
    watch = threading.Timer(timeout_s, connection.cut)
    watch.daemon = True
    watch.start()
    try:
        return _exchange(connection, method, path, {**(headers or {}), "Connection": "close"}, body, max_answer)
    except RequestFailed:
        raise
    except (OSError, http.client.HTTPException, ValueError) as problem:
        if connection.was_cut:
            raise RequestFailed(f"'{host}' did not answer within {timeout_s:g} s.") from None
        told = str(problem) or type(problem).__name__
        raise RequestFailed(f"'{host}' cannot be reached: {told}") from None
    finally:
        watch.cancel()
        connection.close()


def check_url(url: str) -> None:
    """Judge an address without going there. Raises :class:`AddressRefused`."""
    _, host, _, _ = _parts(url)
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return
    _judge(host, found)


def _exchange(
    connection: _Pinned, method: str, path: str, headers: Mapping[str, str], body: bytes, max_answer: int
) -> Answer:
    connection.request(method, path, body=body, headers=dict(headers))
    found = connection.getresponse()
    content = found.read(max_answer + 1)
    if connection.was_cut:
        raise http.client.HTTPException("cut")
    if len(content) > max_answer:
        raise RequestFailed(f"'{connection.host}' answered more than {max_answer // 1024} KB.")
    return Answer(found.status, {k.lower(): v for k, v in found.getheaders()}, content)


def _parts(url: str) -> tuple[str, str, int, str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused(f"'{url[:200]}' is no address.") from None
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise AddressRefused(f"'{url[:200]}' is no web address; it begins with https:// or http://.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("An address with a password in it is refused; use a header with a secret.")
    if any(ord(c) <= 32 or ord(c) == 127 for c in url):
        raise AddressRefused("The address has spaces or control characters in it.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii():
        raise AddressRefused("The path of the address has characters that must be percent-encoded.")
    try:
        host = parts.hostname.encode("idna").decode() if not parts.hostname.isascii() else parts.hostname
    except UnicodeError:
        raise AddressRefused(f"'{parts.hostname[:100]}' is no name of a host.") from None
    return parts.scheme, host, port or SCHEMES[parts.scheme], path


def resolve(host: str, port: int) -> str:
    """Return the address to connect to. One that is not public among those of a name refuses all of them.

    Raises :class:`AddressRefused` or :class:`RequestFailed`.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise RequestFailed(f"The name '{host[:100]}' is not known.") from None
    addresses = [str(entry[4][0]) for entry in found]
    for text in addresses:
        _judge(host, ipaddress.ip_address(text.partition("%")[0]))
    return addresses[0]


def _judge(host: str, address: _Address) -> None:
    inner = _inner(address)
    if any(inner.version == n.version and inner in n for n in _allowed(os.environ.get(SETTING, ""))):
        return
    if not inner.is_global or inner.is_multicast or inner.is_reserved or inner.is_unspecified:
        raise AddressRefused(
            f"'{host[:100]}' is at {inner}, which is not a public address. Who runs Trellis can allow it by {SETTING}."
        )


def _inner(address: _Address) -> _Address:
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if address in _6TO4 and address.sixtofour is not None:
            return address.sixtofour
    return address


@cache
def _allowed(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(n.strip()) for n in text.split(",") if n.strip())


class _Pinned(http.client.HTTPConnection):
    """A connection to an address that was judged, under the name that was asked for."""

    def __init__(self, scheme: str, host: str, port: int, address: str, timeout_s: float) -> None:
        super().__init__(host, port, timeout=timeout_s)
        self._secure, self._address = scheme == "https", address
        self.default_port = SCHEMES[scheme]
        self.was_cut = False

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), self.timeout)
        if self._secure:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host)

    def cut(self) -> None:
        """End the exchange from another thread."""
        self.was_cut = True
        held = self.sock
        if held is not None:
            try:
                held.shutdown(socket.SHUT_RDWR)
            except OSError:
                held.close()

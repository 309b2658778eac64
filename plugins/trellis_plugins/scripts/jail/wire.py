"""Messages on a stream socket: four bytes of length, then JSON. Never pickle."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

MAX_MESSAGE = 4 * 1024 * 1024
MAX_REQUEST = 64 * 1024 * 1024
_LENGTH = struct.Struct("!I")


class Closed(Exception):
    """The other side has gone."""


class TooLarge(ValueError):
    """A message is larger than allowed."""


def receive(channel: socket.socket, limit: int) -> bytes:
    """Return the next message as it is. Raises :class:`Closed` or :class:`TooLarge`; a time-out passes through."""
    (length,) = _LENGTH.unpack(_exactly(channel, 4))
    if length > limit:
        raise TooLarge(f"a message of {length} bytes; at most {limit} are allowed")
    return _exactly(channel, length)


def _exactly(channel: socket.socket, count: int) -> bytes:
    parts = []
    while count:
        part = channel.recv(min(count, 1 << 18))
        if not part:
            raise Closed("the other side has gone")
        parts.append(part)
        count -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def send(channel: socket.socket, body: bytes) -> None:
    """Send one message."""
    channel.sendall(_LENGTH.pack(len(body)) + body)


def dump(value: Any) -> bytes:
    """Return the JSON form of ``value``, as the worker writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def load(body: bytes) -> Any:
    """Read what the host sent."""
    return json.loads(body)

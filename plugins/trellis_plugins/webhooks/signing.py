"""Signatures by which receivers know that a call is from Trellis, unchanged and fresh.

``Trellis-Signature: v1=<hex>`` is the HMAC-SHA256, under the shared secret, of ``<timestamp>.<delivery>.<body>``, where
``Trellis-Timestamp`` is the second of the attempt (Unix time) and ``Trellis-Delivery`` the number of the delivery, the same for
every attempt. A receiver computes it over the bytes of the body as they came, compares in constant time, refuses timestamps more than
five minutes off, and remembers the numbers it has dealt with.
"""

from __future__ import annotations

import hmac

VERSION = "v1"


def signature(secret: str, timestamp: int, delivery: int, body: bytes) -> str:
    """Return the value of the header ``Trellis-Signature``."""
    signed = f"{timestamp}.{delivery}.".encode() + body
    return f"{VERSION}={hmac.new(secret.encode(), signed, 'sha256').hexdigest()}"

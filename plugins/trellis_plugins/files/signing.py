"""AWS Signature Version 4 in the Authorization header, as "Authenticating Requests: Using the Authorization Header" of the S3 API
reference describes it. Every S3-compatible store understands it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY = hashlib.sha256(b"").hexdigest()
_UNRESERVED = "-._~"


@dataclass(frozen=True, slots=True)
class Key:
    """An access key for one region."""

    id: str
    secret: str
    region: str


def signed_headers(
    key: Key, method: str, url: str, payload: str, now: datetime, headers: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return all headers of a request. ``payload`` is the SHA-256 of the body in hex; ``url`` has its path percent-encoded."""
    parts, stamp = urlsplit(url), now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    sent = {
        **(headers or {}),
        "host": parts.netloc,
        "x-amz-content-sha256": payload,
        "x-amz-date": stamp,
    }
    lowered = {name.lower(): " ".join(value.split()) for name, value in sent.items()}
    names = ";".join(sorted(lowered))
    canonical = "\n".join(
        [
            method,
            parts.path or "/",
            _query(parts.query),
            *(f"{name}:{lowered[name]}" for name in sorted(lowered)),
            "",
            names,
            payload,
        ]
    )
    scope = f"{stamp[:8]}/{key.region}/s3/aws4_request"
    text = "\n".join([ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    made = hmac.new(_signing_key(key, stamp[:8]), text.encode(), "sha256").hexdigest()
    sent["Authorization"] = f"{ALGORITHM} Credential={key.id}/{scope},SignedHeaders={names},Signature={made}"
    return sent


def _query(query: str) -> str:
    pairs = sorted(
        (quote(n, safe=_UNRESERVED), quote(v, safe=_UNRESERVED)) for n, v in parse_qsl(query, keep_blank_values=True)
    )
    return "&".join(f"{n}={v}" for n, v in pairs)


def _signing_key(key: Key, day: str) -> bytes:
    found = f"AWS4{key.secret}".encode()
    for part in (day, key.region, "s3", "aws4_request"):
        found = hmac.new(found, part.encode(), "sha256").digest()
    return found

"""Keeps files as objects of a bucket, path-style, over signed HTTP requests."""

from __future__ import annotations

import hashlib
import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote, urlsplit

from trellis import outbound
from trellis.file_stores import FileStoreFailed
from trellis.plugin_settings import values_of
from trellis.secrets import secret_of
from trellis_metadata.errors import TrellisError
from trellis_plugins.files.settings import GROUP
from trellis_plugins.files.signing import EMPTY, Key, signed_headers

if TYPE_CHECKING:
    from trellis.tenant import Tenant

NAME = "s3"
TIMEOUT_S = 60.0
_CHUNK = 1024 * 1024


class S3Store:
    """The file store ``s3``."""

    name = NAME
    label = {"en": "Bucket (S3)", "zh": "存储桶（S3）"}

    def write(self, tenant: Tenant, key: str, path: Path) -> None:
        """Put an object. The store checks the digest that the request is signed with."""
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        length = {"content-length": str(path.stat().st_size)}
        with path.open("rb") as stream, _asked(tenant, "PUT", key, digest, length, stream) as answer:
            _must(answer, key, 200, 201, 204)

    def read(self, tenant: Tenant, key: str, target: BinaryIO) -> None:
        """Copy an object to ``target``."""
        with _asked(tenant, "GET", key) as answer:
            _must(answer, key, 200)
            while chunk := answer.read(_CHUNK):
                target.write(chunk)

    def remove(self, tenant: Tenant, key: str) -> None:
        """Delete an object; none there is as good."""
        with _asked(tenant, "DELETE", key) as answer:
            _must(answer, key, 200, 202, 204, 404)


@contextmanager
def _asked(
    tenant: Tenant,
    method: str,
    key: str,
    payload: str = EMPTY,
    headers: dict[str, str] | None = None,
    body: BinaryIO | None = None,
) -> Iterator[http.client.HTTPResponse]:
    """Yield the answer to a signed request. Raises :class:`FileStoreFailed`."""
    told = values_of(tenant, GROUP)
    try:
        with tenant.database.reading() as connection:
            signer = Key(told["access_key"], secret_of(tenant, connection, f"{GROUP}.secret_key"), told["region"])
        url = f"{told['url'].rstrip('/')}/{told['bucket']}/{quote(key, safe='/-._~')}"
        sent = signed_headers(signer, method, url, payload, tenant.clock.now(), headers)
        line = _connection(url)
    except FileStoreFailed:
        raise
    except TrellisError as problem:
        raise FileStoreFailed(f"The file store cannot be used: {problem.message}") from None
    try:
        line.request(method, urlsplit(url).path, body=body, headers=sent)
        yield line.getresponse()
    except (OSError, http.client.HTTPException) as problem:
        raise FileStoreFailed(f"The file store cannot be reached: {problem or type(problem).__name__}") from None
    finally:
        line.close()


def _must(answer: http.client.HTTPResponse, key: str, *wanted: int) -> None:
    if answer.status not in wanted:
        said = " ".join(answer.read(500).decode("utf-8", "replace").split())
        raise FileStoreFailed(f"The file store answered {answer.status} for '{key}': {said}")


def _connection(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    host = parts.hostname or ""
    address = outbound.resolve(host, port)
    line: Any = (http.client.HTTPSConnection if secure else http.client.HTTPConnection)(host, port, timeout=TIMEOUT_S)

    def dial(_target: Any, timeout: Any, _source: Any) -> socket.socket:
        # The address that was judged, under the name that was asked for.
        return socket.create_connection((address, port), timeout)

    line._create_connection = dial
    if secure:
        line._context = ssl.create_default_context()
    found: http.client.HTTPConnection = line
    return found

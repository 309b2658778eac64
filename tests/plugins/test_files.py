"""Files in a bucket: signed as the published examples say, checked by a server that knows the key."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from support.http_servers import HttpServer, Reply, Request, http_server
from support.kernel import table

from trellis import files
from trellis.access.principal import SYSTEM
from trellis.file_stores import FileStoreFailed
from trellis.plugin_settings import BadSettings, change_settings, group_of
from trellis.storage import system
from trellis.tenant import Tenant
from trellis_plugins.files.signing import EMPTY, Key, signed_headers

# "Signature Calculations for the Authorization Header: Examples" in the API reference of Amazon S3.
EXAMPLE = Key("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
THEN = datetime(2013, 5, 24, tzinfo=UTC)
HOST = "https://examplebucket.s3.amazonaws.com"
WELCOME = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"


@pytest.mark.parametrize(
    ("method", "path", "payload", "headers", "expected"),
    [
        (
            "GET",
            "/test.txt",
            EMPTY,
            {"range": "bytes=0-9"},
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT",
            "/test%24file.text",
            WELCOME,
            {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        ("GET", "/?lifecycle", EMPTY, {}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("GET", "/?max-keys=2&prefix=J", EMPTY, {}, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
    ids=["get", "put", "lifecycle", "list"],
)
def test_signature_is_that_of_the_published_example(
    method: str, path: str, payload: str, headers: dict[str, str], expected: str
) -> None:
    made = signed_headers(EXAMPLE, method, HOST + path, payload, THEN, headers)
    assert made["Authorization"].rpartition("Signature=")[2] == expected


@pytest.fixture(autouse=True)
def reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRELLIS_INTERNAL_NETWORKS", "127.0.0.0/8")


@pytest.fixture
def bucket() -> Iterator[tuple[HttpServer, dict[str, bytes]]]:
    """A store that keeps objects and refuses what is not signed with its key over the bytes that came."""
    kept: dict[str, bytes] = {}

    def answer(asked: Request) -> Reply:
        stamp = datetime.strptime(asked.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        names = asked.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
        more = {n: asked.headers[n] for n in names if n not in ("host", "x-amz-date", "x-amz-content-sha256")}
        url = f"http://{asked.headers['host']}{asked.path}"
        digest = hashlib.sha256(asked.body).hexdigest()
        if digest != asked.headers["x-amz-content-sha256"]:
            return Reply(400, b"<Error><Code>XAmzContentSHA256Mismatch</Code></Error>")
        expected = signed_headers(Key("me", "s3cret", "eu-1"), asked.method, url, digest, stamp, more)
        if expected["Authorization"] != asked.headers["authorization"]:
            return Reply(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        if asked.method == "PUT":
            kept[asked.path] = asked.body
        elif asked.path not in kept:
            return Reply(404, b"<Error><Code>NoSuchKey</Code></Error>")
        elif asked.method == "DELETE":
            del kept[asked.path]
            return Reply(204, b"")
        return Reply(200, kept[asked.path] if asked.method == "GET" else b"")

    with http_server() as server:
        server.answer = answer
        yield server, kept


def put(tenant: Tenant, content: bytes) -> files.StoredFile:
    return files.store(tenant, SYSTEM, io.BytesIO(content), name="报价.pdf", media_type="application/pdf")


@pytest.fixture
def kept(tenant: Tenant, bucket: tuple[HttpServer, dict[str, bytes]]) -> dict[str, bytes]:
    told: dict[str, Any] = {"url": bucket[0].url, "bucket": "crm", "region": "eu-1", "access_key": "me"}
    change_settings(tenant, "bucket", {**told, "secret_key": "s3cret", "active": True})
    tenant.model()
    return bucket[1]


def test_new_files_go_to_the_bucket_and_old_ones_stay(
    tenant: Tenant, bucket: tuple[HttpServer, dict[str, bytes]], kept: dict[str, bytes]
) -> None:
    new = put(tenant, b"new" * 1000)
    assert kept == {f"/crm/{tenant.name}/{new.id}": b"new" * 1000}
    files.content_of(tenant, new).unlink()
    assert files.content_of(tenant, new).read_bytes() == b"new" * 1000
    change_settings(tenant, "bucket", {"active": False})
    tenant.model()
    assert put(tenant, b"local").store is None
    files.remove(tenant, new.id)
    assert kept == {}


def test_test_of_the_settings_writes_reads_and_removes(tenant: Tenant, kept: dict[str, bytes]) -> None:
    trial = group_of("bucket").test
    assert trial is not None and "the same bytes came back" in trial(tenant, None)
    assert kept == {}


def test_wrong_key_a_full_store_and_silence_leave_no_row_and_say_why(
    tenant: Tenant, bucket: tuple[HttpServer, dict[str, bytes]], kept: dict[str, bytes]
) -> None:
    bucket[0].replies = [Reply(507, b"full"), Reply(hang_up=True)]
    for told in ("answered 507", "cannot be reached"):
        with pytest.raises(FileStoreFailed, match=told):
            put(tenant, b"x")
    change_settings(tenant, "bucket", {"secret_key": "wrong"})
    with pytest.raises(FileStoreFailed, match="SignatureDoesNotMatch"):
        put(tenant, b"x")
    assert table(tenant, system.file) == [] and kept == {}
    assert [p for p in tenant.files.rglob("*") if p.is_file()] == []


def test_bucket_needs_its_settings(tenant: Tenant) -> None:
    with pytest.raises(BadSettings) as caught:
        change_settings(tenant, "bucket", {"active": True, "bucket": "a/b", "url": "ftp://x"})
    assert [n for n, _ in caught.value.details["problems"]] == ["url", "access_key", "bucket"]  # type: ignore[attr-defined]


def test_api_says_that_the_store_is_away_and_keeps_nothing(
    tenant: Tenant, bucket: tuple[HttpServer, dict[str, bytes]], kept: dict[str, bytes]
) -> None:
    from trellis.access.accounts import create_token, create_user
    from trellis.app import create_app
    from trellis.runtime import Runtime

    token = create_token(tenant, create_user(tenant, login="ann", name="Ann", admin=True), "t")
    runtime = Runtime(tenant.files.parent.parent, database_url=tenant.database.url.render_as_string(False))
    try:
        client = create_app(runtime, default_tenant=tenant.name).test_client()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"}
        sent = client.post("/api/v1/files?name=a.txt", data=b"hello", headers=headers)
        assert sent.status_code == 201 and list(kept.values()) == [b"hello"]
        assert client.get(f"/api/v1/files/{sent.json['id']}", headers=headers).data == b"hello"
        bucket[0].replies = [Reply(500, b"down")]
        refused = client.post("/api/v1/files?name=b.txt", data=b"x", headers=headers)
        assert (refused.status_code, refused.json["error"]["code"]) == (503, "file_store_failed")
    finally:
        runtime.close()
    assert len(table(tenant, system.file)) == 1

"""Files over HTTP: upload (multipart or raw), download. Nothing that a browser could run is ever shown in place."""

from __future__ import annotations

import hashlib
from typing import Any, BinaryIO, cast
from urllib.parse import quote

from flask import Blueprint, Response, request

from trellis import files
from trellis.access import AccessDenied, Principal
from trellis.access.decide import may
from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api, Reading
from trellis.api.errors import BadRequest, TooLarge
from trellis.api.once import Reply, idempotency_key, once_with
from trellis.api.record_answers import number_of
from trellis.query import get_record

INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain"})
_CHUNK = 256 * 1024


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes of files."""

    @blueprint.post("/files")
    def upload() -> Response:
        reading.allow_parameters(("name", "object", "record"))
        if (request.content_length or 0) > files.MAX_FILE + 64 * 1024:
            raise TooLarge(f"A file has at most {files.MAX_FILE // 1024 // 1024} MB.")
        key, tenant = idempotency_key(), api.tenant()
        principal, attach = api.read(_target, scope="write")
        stream, name, media_type = _sent()
        stored = files.store(
            tenant, principal, stream, name=request.args.get("name") or name, media_type=media_type, attach=attach
        )
        if key is None:
            return answer(*_created(stored))
        return _once(api, key, stored)

    @blueprint.get("/files/<file_id>")
    def download(file_id: str) -> Response:
        reading.allow_parameters(("download",))
        found = api.read(lambda r: files.read(r.tenant, r.connection, r.model, r.principal, file_id))
        return file_response(found, files.content_of(api.tenant(), found), as_download=reading.flag("download"))


def _created(stored: files.StoredFile) -> Reply:
    return file_json(stored), 201, {"Location": f"/api/v1/files/{stored.id}"}


def _once(api: Api, key: str, stored: files.StoredFile) -> Response:
    """Answer an upload with an Idempotency-Key: of a repetition the first file stays, and the second one goes."""
    parts = [
        request.path.encode(),
        request.query_string,
        stored.sha256.encode(),
        stored.name.encode(),
        stored.media_type.encode(),
    ]
    try:
        response = once_with(api, key, hashlib.sha256(b"\n".join(parts)).hexdigest(), lambda tx: _created(stored))
    except BaseException:
        files.remove(api.tenant(), stored.id)
        raise
    if "Idempotency-Replayed" in response.headers:
        files.remove(api.tenant(), stored.id)
    return response


def file_json(stored: files.StoredFile) -> dict[str, Any]:
    """Return what clients are told of a file."""
    return {
        "id": stored.id,
        "name": stored.name,
        "media_type": stored.media_type,
        "size": stored.size,
        "sha256": stored.sha256,
        "created_at": stored.created_at,
    }


def file_response(stored: files.StoredFile, path: Any, *, as_download: bool = False) -> Response:
    """Return the bytes with headers under which no browser runs them."""
    tag = f'"{stored.sha256}"'
    if request.headers.get("If-None-Match") == tag:
        return Response(status=304, headers={"ETag": tag})
    inline = stored.media_type in INLINE and not as_download
    plain = "".join(c if c.isascii() and c not in '"\\%;' else "_" for c in stored.name)
    headers = {
        "Content-Disposition": f"{'inline' if inline else 'attachment'}; filename=\"{plain}\"; filename*=UTF-8''{quote(stored.name, safe='')}",
        "Content-Length": str(stored.size),
        "ETag": tag,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'",
    }
    stream = open(path, "rb")  # noqa: SIM115 -- closed when the response is
    response = Response(
        iter(lambda: stream.read(_CHUNK), b""),
        200,
        headers,
        mimetype=stored.media_type if inline else "application/octet-stream",
    )
    response.call_on_close(stream.close)
    return response


def _target(r: Reading) -> tuple[Principal, tuple[str, int] | None]:
    """Return who uploads and the record to attach to, if one is named; the uploader must be allowed to change it."""
    name, record = request.args.get("object"), request.args.get("record")
    if name is None and record is None:
        return r.principal, None
    if name is None or record is None:
        raise BadRequest("To attach a file send both 'object' and 'record'.")
    number = number_of(name, record) if r.model.object(name) else 0
    get_record(r.tenant, r.connection, r.model, r.principal, name, number)
    if not may(r.connection, r.principal, r.model, r.model.object(name), number, "edit"):
        raise AccessDenied("You may not change this record.")
    return r.principal, (name, number)


def _sent() -> tuple[BinaryIO, str | None, str | None]:
    if request.mimetype != "multipart/form-data":
        if not request.mimetype:
            raise BadRequest("Name the file's media type in Content-Type.")
        return cast(BinaryIO, request.stream), None, request.mimetype
    sent = request.files.getlist("file")
    if len(sent) != 1 or len(request.files) != 1 or request.form:
        raise BadRequest("Send exactly one part, called 'file'.")
    return cast(BinaryIO, sent[0].stream), sent[0].filename, sent[0].mimetype

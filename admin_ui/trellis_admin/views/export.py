"""The list on screen as a file: its columns, its filters and its search, under the rights of the person."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import Forbidden, NotFound

from trellis.access import rights
from trellis.exchange.exporting import Export, export, writers
from trellis_admin.i18n import language
from trellis_admin.list_state import ListState
from trellis_admin.reading import object_model
from trellis_admin.session import needs_person
from trellis_admin.shown import shown_of

FORMATS = ("csv", "xlsx")


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/o/<name>/export", "export_list", export_list)


@needs_person
def export_list(name: str) -> Response:
    """The file, streamed. Raises what a query raises before the first byte is sent."""
    root, wanted = object_model(name), request.args.get("format", FORMATS[0])
    if wanted not in FORMATS:
        raise NotFound
    if not rights(g.person, root.doc).may("export"):
        raise Forbidden
    query = shown_of(root, ListState.read(f"/o/{name}", request.args)).query
    pieces = export(
        g.tenant, g.person, Export(name, query.fields, query.filter, query.search, None, language().code), wanted
    )
    first = next(pieces, b"")
    answer = Response(_chain(first, pieces), mimetype=writers()[wanted].MEDIA_TYPE.partition(";")[0])
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{wanted}"'
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.call_on_close(pieces.close)  # type: ignore[attr-defined]
    return answer


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest

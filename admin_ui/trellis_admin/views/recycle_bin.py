"""The recycle bin: deleted records of one or all objects, bringing them back, and for administrators removing them for ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.exceptions import BadRequest

from trellis.access import rights
from trellis.recycle_bin import Deleted, deleted_records
from trellis.transaction import RecordsInvalid
from trellis_admin.colors import color_of
from trellis_admin.i18n import language
from trellis_admin.page import go, refuse, render
from trellis_admin.reading import names_of_ids, number_of, object_model
from trellis_admin.renderers.dates import relative
from trellis_admin.rendering import context
from trellis_admin.session import needs_admin, needs_person, readable_objects
from trellis_admin.writing import texts_of, write

ROWS = 50


@dataclass(frozen=True)
class Line:
    """One deleted record as the page shows it."""

    object: str
    id: str
    name: str
    kind: str
    icon: str
    color: str
    at: datetime
    when: str
    person: str


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/bin", "recycle_bin", show)
    blueprint.add_url_rule("/bin/restore", "bin_restore", restore, methods=["POST"])
    blueprint.add_url_rule("/bin/purge", "bin_purge", purge, methods=["POST"])


@needs_person
def show() -> Response:
    """The page; ``object`` narrows it to one object, ``q`` to a part of the name."""
    objects = _objects()
    chosen, text = request.args.get("object", ""), request.args.get("q", "").strip()[:200]
    names = [chosen] if chosen in objects else list(objects)
    try:
        with g.tenant.database.reading() as connection:
            found, cursor = deleted_records(
                connection, g.model, g.person, names, limit=ROWS, after=request.args.get("after") or None, search=text
            )
    except ValueError:
        raise BadRequest from None
    return render(
        "pages/recycle_bin.html", lines=_lines(found), cursor=cursor, objects=objects, chosen=chosen, text=text
    )


def _objects() -> dict[str, str]:
    """Return the plurals of the objects of which the person may delete something."""
    code = language().code
    models = [g.model.object(n) for n in readable_objects(g.model, g.person)]
    return {m.name: m.plural(code) for m in models if rights(g.person, m.doc).edit != "none"}


def _lines(found: list[Deleted]) -> list[Line]:
    env, code = g.model.env, language().code
    made = context(names_of_ids({"user": {env.format_id("user", d.deleted_by) for d in found if d.deleted_by}}))
    lines = []
    for d in found:
        root = g.model.object(d.object)
        record = env.format_id(d.object, d.id)
        person = made.name_of(env.format_id("user", d.deleted_by)) if d.deleted_by else _("Trellis")
        lines.append(
            Line(
                d.object,
                record,
                d.name or record,
                root.label(code),
                root.doc.get("icon", "box"),
                color_of(d.object),
                d.deleted_at,
                relative(d.deleted_at, made),
                person,
            )
        )
    return lines


def _chosen() -> tuple[str, int]:
    name = request.form.get("object", "")
    object_model(name)
    return name, number_of(request.form.get("id", ""), name)


@needs_person
def restore() -> Response:
    """Bring a record back with what was deleted together with it."""
    name, record = _chosen()
    try:
        outcomes = write(lambda tx: tx.restore(name, [record]))
    except RecordsInvalid as error:
        return refuse(next(iter(texts_of(next(e for e in error.errors if e)).values()), error.message))
    message = ngettext("%(num)d record restored", "%(num)d records restored", len(outcomes))
    return go("/bin", message)


@needs_admin
def purge() -> Response:
    """Remove a record for ever."""
    name, record = _chosen()
    gone = write(lambda tx: tx.purge(name, [record]))
    return go("/bin", ngettext("%(num)d record removed for ever", "%(num)d records removed for ever", gone))

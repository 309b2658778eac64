"""Finding records: for the palette, for lookup fields, and as a page for people without scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, g, jsonify, request
from werkzeug.exceptions import NotFound

from trellis.model import FieldModel, ObjectModel
from trellis.query.lookup_filters import source_fields, with_source
from trellis_admin.forms import read_form
from trellis_admin.i18n import language
from trellis_admin.page import render
from trellis_admin.reading import find, label_of, object_model, one_record, search
from trellis_admin.session import needs_person, readable_objects

LIMIT = 12
LOOKUP_LIMIT = 20


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/search", "search", show)
    blueprint.add_url_rule("/search.json", "search_json", as_json)
    blueprint.add_url_rule("/lookup/<name>/<path>.json", "lookup", lookup)


def _found(text: str) -> list[dict[str, str]]:
    code = language().code
    return [
        {
            "text": label_of(row, target),
            "url": f"/o/{target.name}/{row['id']}",
            "icon": target.doc.get("icon", "box"),
            "hint": target.label(code),
            "group": target.plural(code),
        }
        for target, row in search(readable_objects(g.model, g.person), text, LIMIT)
    ]


@needs_person
def as_json() -> Response:
    """What the palette shows while the person types."""
    text = request.args.get("q", "").strip()[:200]
    return jsonify(_found(text) if text else [])


@needs_person
def show() -> Response:
    """The page."""
    text = request.args.get("q", "").strip()[:200]
    return render("pages/search.html", text=text, found=_found(text) if text else [])


@needs_person
def lookup(name: str, path: str) -> Response:
    """Records that a lookup field may point at."""
    root = object_model(name)
    field = root.field(path)
    if field is None or field.category != "reference":
        raise NotFound
    text = request.args.get("q", "").strip()[:200]
    several = len(field.codec.targets) > 1
    readable = set(readable_objects(g.model, g.person))
    condition = _condition(root, field)
    found = []
    for target in (g.model.object(t) for t in field.codec.targets if t in readable):
        hint = target.label(language().code) if several else ""
        found += [
            {"value": r["id"], "text": label_of(r, target), "hint": hint}
            for r in find(target, text, LOOKUP_LIMIT, condition)
        ]
    return jsonify(found[:LOOKUP_LIMIT])


def _condition(root: ObjectModel, field: FieldModel) -> Mapping[str, Any] | None:
    """Return the field's filter for the record being edited: its stored values (``record``) under what the form holds."""
    tree = field.doc.get("filter")
    sources = source_fields(tree)
    if not sources:
        return tree
    record = request.args.get("record", "")
    stored = one_record(root, record) if record else {}
    return with_source(tree, {**stored, **read_form(root, request.args, only=sources)})

"""Pointers to other records, people and files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from trellis_admin.renderers.base import RenderContext, Renderer, avatar, record_url

TYPES = ("lookup", "master_detail", "user", "file", "image")
_LINK = '{0}<a class="t-trunc" href="{1}" title="{2}">{2}</a>'
_PERSON = '{0}<span class="t-trunc" title="{1}">{1}</span>'


def compile(field: Mapping[str, Any], context: RenderContext) -> Renderer:
    kind = field["type"]
    if kind in ("file", "image"):
        return _file(context, picture=kind == "image")
    return _person(context) if kind == "user" else _record(context)


def _id_and_name(value: Any, context: RenderContext) -> tuple[str, str]:
    if isinstance(value, Mapping):
        return str(value.get("id", "")), str(value.get("name") or value.get("id", ""))
    return str(value), context.name_of(str(value))


def _record(context: RenderContext) -> Renderer:
    def render(value: Any) -> str:
        record, name = _id_and_name(value, context)
        return Markup(_LINK.format(avatar(name, square=True), escape(record_url(record)), escape(name)))

    return _remembering(render)


def _remembering(render: Renderer) -> Renderer:
    """Render each record once per column: the same few people and accounts fill most of a page."""
    made: dict[str, str] = {}

    def remembered(value: Any) -> str:
        if not isinstance(value, str):
            return render(value)
        found = made.get(value)
        if found is None:
            found = made[value] = render(value)
        return found

    return remembered


def _person(context: RenderContext) -> Renderer:
    def render(value: Any) -> str:
        _record_id, name = _id_and_name(value, context)
        return Markup(_PERSON.format(avatar(name), escape(name)))

    return _remembering(render)


def _file(context: RenderContext, *, picture: bool) -> Renderer:
    def render(value: Any) -> str:
        file, name = _id_and_name(value, context)
        url = context.file_url(file)
        if picture:
            return Markup('<img class="t-thumb" src="{}" alt="{}" loading="lazy">').format(url, name)
        return Markup(_LINK).format(context.icon("paperclip", "t-icon--s"), url, name)

    return render

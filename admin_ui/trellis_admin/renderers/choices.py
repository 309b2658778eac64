"""Values out of a list: picklists, stages, tags, yes and no."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from trellis_admin.colors import color
from trellis_admin.renderers.base import NIL, RenderContext, Renderer
from trellis_metadata.labels import text_of

TYPES = ("picklist", "multi_picklist", "stage", "tags", "boolean")
_TAG = '<span class="t-tag t-c-{}" dir="auto">{}</span>'


def options_of(field: Mapping[str, Any], context: RenderContext) -> Sequence[Mapping[str, Any]]:
    """Return the options of a field: its own, or those of the shared picklist that it names."""
    if field.get("options"):
        return field["options"]
    return context.picklists.get(field.get("picklist", ""), {}).get("options", ())


def compile(field: Mapping[str, Any], context: RenderContext) -> Renderer:
    if field["type"] == "boolean":
        return _boolean(context)
    one = _tag(options_of(field, context), context)
    many = field["type"] in ("multi_picklist", "tags")
    return (lambda values: Markup("").join(one(v) for v in values)) if many else one


def _tag(options: Iterable[Mapping[str, Any]], context: RenderContext) -> Renderer:
    made = {
        o["name"]: Markup(
            _TAG.format(color(o.get("color")), escape(text_of(o.get("label"), context.language.code, o["name"])))
        )
        for o in options
    }
    return lambda value: made.get(value) or Markup(_TAG.format("gray", escape(value)))


def _boolean(context: RenderContext) -> Renderer:
    yes = Markup('<span class="t-yes">{}<span class="t-sr">{}</span></span>').format(
        context.icon("circle-check"), context.texts.get("yes", "Yes")
    )
    no = Markup('{}<span class="t-sr">{}</span>').format(NIL, context.texts.get("no", "No"))
    return lambda value: yes if value else no

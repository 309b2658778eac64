"""Rich text, JSON and secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import nh3
from markupsafe import Markup, escape

from trellis_admin.renderers.base import RenderContext, Renderer

TYPES = ("rich_text", "json", "secret")
_TAGS = {
    "p",
    "br",
    "b",
    "strong",
    "i",
    "em",
    "u",
    "s",
    "ul",
    "ol",
    "li",
    "a",
    "blockquote",
    "code",
    "pre",
    "h2",
    "h3",
    "h4",
    "div",
}
_MASK = Markup('<span aria-hidden="true">••••••••</span>')


def compile(field: Mapping[str, Any], context: RenderContext) -> Renderer:
    return {"rich_text": _rich, "json": _json, "secret": lambda value: _MASK}[field["type"]]


def _rich(value: Any) -> str:
    """The runtime sanitises on writing; this does it again on reading, because the page must not depend on that."""
    clean = nh3.clean(
        str(value), tags=_TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https", "mailto", "tel"}
    )
    return Markup(f'<div class="t-prose">{clean}</div>')  # sanitised in the line above


def _json(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Markup(f'<code class="t-trunc">{escape(text)}</code>')

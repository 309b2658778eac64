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
    return Markup(f'<div class="t-prose">{clean_html(str(value))}</div>')


def clean_html(text: str) -> str:
    """Return harmless HTML. The runtime sanitises on writing; pages do it again, because they must not depend on that."""
    return nh3.clean(text, tags=_TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https", "mailto", "tel"})


def _json(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Markup(f'<code class="t-trunc">{escape(text)}</code>')

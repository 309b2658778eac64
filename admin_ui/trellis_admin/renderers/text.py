"""Plain text of one or several lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from trellis_admin.renderers.base import RenderContext, Renderer

TYPES = ("text", "long_text", "auto_number", "formula")
_SPAN = '<span class="t-trunc" dir="auto">{}</span>'


def compile(field: Mapping[str, Any], context: RenderContext) -> Renderer:
    """Text is cut by the style sheet, never here, so that search and copy find all of it."""
    return lambda value: Markup(_SPAN.format(escape(value)))

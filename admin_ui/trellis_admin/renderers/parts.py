"""Values made of parts: addresses, names of people, places on the map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from trellis_admin.renderers.base import RenderContext, Renderer

TYPES = ("address", "person_name", "geolocation")
_SPAN = '<span class="t-trunc" dir="auto">{}</span>'
_SMALL_TO_LARGE = ("street", "street2", "district", "city", "state", "postal_code", "country")


def compile(field: Mapping[str, Any], context: RenderContext) -> Renderer:
    write = {"address": address_text, "person_name": person_text, "geolocation": _place_text}[field["type"]]
    chinese = context.language.code == "zh"
    return lambda value: Markup(_SPAN.format(escape(write(value, chinese) if isinstance(value, Mapping) else value)))


def address_text(value: Mapping[str, Any], chinese: bool = False) -> str:
    """Write an address on one line: small to large, in Chinese large to small without commas."""
    parts = [str(value[p]) for p in _SMALL_TO_LARGE if value.get(p)]
    return "".join(reversed(parts)) if chinese and not "".join(parts).isascii() else ", ".join(parts)


def person_text(value: Mapping[str, Any], chinese: bool = False) -> str:
    """Write a name: family name first and without a space when it is written in Chinese characters."""
    first, last = (
        str(value.get("first") or value.get("given") or ""),
        str(value.get("last") or value.get("family") or ""),
    )
    if (first + last).strip() and not (first + last).isascii() and any("\u4e00" <= c <= "\u9fff" for c in first + last):
        return last + first
    return " ".join(p for p in (str(value.get("salutation") or ""), first, str(value.get("middle") or ""), last) if p)


def _place_text(value: Mapping[str, Any], chinese: bool = False) -> str:
    latitude = value.get("latitude", value.get("lat"))
    longitude = value.get("longitude", value.get("lng", value.get("lon")))
    return f"{latitude}, {longitude}"

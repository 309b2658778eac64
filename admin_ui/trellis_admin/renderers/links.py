"""Addresses that open something: mail, telephone, web."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import phonenumbers
from markupsafe import Markup, escape

from trellis_admin.renderers.base import RenderContext, Renderer

TYPES = ("email", "phone", "url")
SCHEMES = frozenset({"http", "https", "mailto", "tel"})
_PLAIN = '<span class="t-trunc" dir="auto">{}</span>'
_LINK = '<a class="t-trunc" href="{}"{}>{}</a>'
_NEW_PAGE = Markup(' rel="noopener noreferrer nofollow" target="_blank"')


def safe_href(address: str) -> str | None:
    """Return ``address`` if it may be a link, else None: only web, mail and telephone (``javascript:`` runs as us)."""
    try:
        scheme = urlsplit(address.strip()).scheme.lower()
    except ValueError:
        return None
    return address.strip() if scheme in SCHEMES else None


def compile(field: Mapping[str, Any], context: RenderContext) -> Renderer:
    return {"email": _email, "phone": _phone, "url": _url}[field["type"]]


def _email(value: Any) -> str:
    return Markup(_LINK.format(escape(f"mailto:{value}"), "", escape(value)))


@lru_cache(maxsize=1024)
def _phone(value: Any) -> str:
    number = re.sub(r"[^\d+]", "", str(value))
    return Markup(_LINK.format(escape(f"tel:{number}"), "", escape(_grouped(number) or value)))


def _grouped(number: str) -> str:
    """Write an international number in groups, as its country does; empty when it is none."""
    try:
        return phonenumbers.format_number(
            phonenumbers.parse(number, None), phonenumbers.PhoneNumberFormat.INTERNATIONAL
        )
    except phonenumbers.NumberParseException:
        return ""


def _url(value: Any) -> str:
    href = safe_href(str(value))
    if href is None:
        return Markup(_PLAIN.format(escape(value)))
    shown = re.sub(r"^https?://(www\.)?", "", href).rstrip("/")
    return Markup(_LINK.format(escape(href), _NEW_PAGE, escape(shown)))

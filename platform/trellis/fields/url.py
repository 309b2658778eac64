"""Web addresses."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType
from trellis.fields.common.characters import clean_line, reader
from trellis.fields.common.problems import invalid
from trellis.storage.types import text_column

SCHEMES = ("http", "https", "mailto", "tel")
_MAX_LENGTH = 2048
_EXPECTED = "an address such as https://example.com"
# Browsers drop tabs and line breaks inside an address and read \ as /: such texts do not mean what they show.
_DANGEROUS = re.compile(r'[\s\x00-\x20\x7f-\x9f\\<>"`{}|^]')
_BARE_HOST = re.compile(r"[^\W_](?:[\w-]*[^\W_])?(?:\.[^\W_](?:[\w-]*[^\W_])?)+(?::\d{1,5})?(?:[/?#]|\Z)")


class UrlField(FieldType):
    """An address that is safe to click: http, https, mailto or tel.

    ``example.com`` is read as ``https://example.com``.
    """

    name = "url"
    label = {"en": "URL", "zh": "网址"}
    icon = "world"
    category = "text"
    widget = "url"
    unique_allowed = False
    options = {
        "schemes": {
            "type": "array",
            "items": {"enum": list(SCHEMES)},
            "minItems": 1,
            "uniqueItems": True,
            "x-merge": "set",
            "description": "Schemes allowed. Default: all four.",
            "examples": [["https"]],
        }
    }

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        parse = _reader(tuple(field.get("schemes", SCHEMES)))
        return Codec(
            (Column(text_column()),),
            parse,
            "text",
            from_text=parse,
            search_text=str,
            json_schema={"type": "string", "maxLength": _MAX_LENGTH, "examples": ["https://example.com"]},
        )


def _reader(schemes: tuple[str, ...]) -> Callable[[Any], str | None]:
    line = reader(clean_line, _MAX_LENGTH)
    default = "https" if "https" in schemes else schemes[0]

    def parse(value: Any) -> str | None:
        text = line(value)
        if text is None:
            return None
        if isinstance(value, str) and _DANGEROUS.search(value.strip()):
            raise invalid(
                "bad_characters", text, f"{_EXPECTED} without spaces, quotes, angle brackets and back slashes"
            )
        if default in ("http", "https") and _BARE_HOST.match(text):
            text = f"{default}://{text}"
        return _checked(text, schemes)

    return parse


def _checked(text: str, schemes: tuple[str, ...]) -> str:
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise invalid("bad_format", text, _EXPECTED) from None
    if not parts.scheme:
        raise invalid("bad_format", text, _EXPECTED)
    if parts.scheme not in schemes:
        raise invalid("not_allowed", text, f"an address that begins with {', '.join(f'{s}:' for s in schemes)}")
    if parts.scheme in ("mailto", "tel"):
        if parts.netloc or not parts.path:
            raise invalid(
                "bad_format",
                text,
                f"{parts.scheme}: followed by {'a mail address' if parts.scheme == 'mailto' else 'a number'}",
            )
        return urlunsplit(parts)
    if not host or port == 0 or len(host) > 253 or ".." in host:
        raise invalid("bad_format", text, _EXPECTED)
    if "@" in parts.netloc:
        raise invalid("not_allowed", text, "an address without user name and password")
    return urlunsplit(parts._replace(netloc=parts.netloc.lower()))

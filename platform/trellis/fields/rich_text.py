"""Formatted text."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import nh3

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType
from trellis.fields.common.characters import clean_lines, reader
from trellis.fields.common.options import check_indexable, integer_option
from trellis.fields.common.problems import invalid
from trellis.storage.types import text_column
from trellis_metadata.diagnostics import Diagnostic

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot

MAX_LENGTH = 131_000
TAGS = {
    "p",
    "br",
    "div",
    "span",
    "strong",
    "b",
    "em",
    "i",
    "u",
    "s",
    "sub",
    "sup",
    "h1",
    "h2",
    "h3",
    "h4",
    "ul",
    "ol",
    "li",
    "blockquote",
    "pre",
    "code",
    "hr",
    "a",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}
_CLEANER = nh3.Cleaner(
    tags=TAGS,
    attributes={"a": {"href", "title"}, "th": {"colspan", "rowspan"}, "td": {"colspan", "rowspan"}, "ol": {"start"}},
    url_schemes={"http", "https", "mailto", "tel"},
    link_rel="noopener noreferrer nofollow",
    strip_comments=True,
)
_TAG = re.compile(r"<[^>]*>")
_PASSES = 8
# HTML drops a line break at the start of <pre>: left in, each reading would take one more away.
_PRE_START = re.compile(r"<pre>\s*\n")
_BLOCK_END = re.compile(r"<(?:br|hr)[^>]*>|</(?:p|div|h[1-4]|li|blockquote|pre|tr|td|th)>")


class RichTextField(FieldType):
    """HTML of an allow-list of elements.

    Whatever is not on the list (scripts, styles, images, handlers) is taken out on the way in.
    """

    name = "rich_text"
    label = {"en": "Rich text", "zh": "富文本"}
    icon = "file-text"
    category = "text"
    widget = "richtext"
    unique_allowed = False
    options = {"max_length": integer_option("Largest number of characters, mark-up included.", 1, MAX_LENGTH, 32_000)}

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        yield from check_indexable(field, pointer, field.get("max_length", 32_000))

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        high = field.get("max_length", 32_000)
        parse = reader(clean_html, high)
        return Codec(
            (Column(text_column()),),
            parse,
            "text",
            from_text=parse,
            search_text=plain_text,
            json_schema={
                "type": "string",
                "contentMediaType": "text/html",
                "examples": ["<p>Met at the <b>fair</b></p>"],
            },
        )

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        return frozenset({"text", "long_text"})


def clean_html(value: Any, expected: str = "a text") -> str | None:
    """Return ``value`` with nothing but allowed mark-up, None when no text is left in it.

    Broken nesting (a table cut short …) is read differently again once it is written out, so cleaning goes on until the
    text stays the same. What never does is refused.
    """
    text = clean_lines(value, expected)
    for _ in range(_PASSES):
        if text is None:
            return None
        # An entity can bring in what the text itself may not hold, so the result is looked at again.
        cleaned = clean_lines(_PRE_START.sub("<pre>", _CLEANER.clean(text)), expected)
        if cleaned == text:
            return text if plain_text(text) else None
        text = cleaned
    raise invalid("bad_format", value, "HTML whose elements are nested properly")


def plain_text(markup: str) -> str:
    """Return the words of sanitised HTML, without mark-up."""
    return " ".join(html.unescape(_TAG.sub("", _BLOCK_END.sub(" ", markup))).split())

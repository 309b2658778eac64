"""HTML of mails and documents made safe, and its plain text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import nh3

from trellis_metadata.markup import ATTRIBUTES, ELEMENTS, SCHEMES, STYLES, words

_BLOCKS = words(
    "blockquote div dl dt dd figure figcaption footer h1 h2 h3 h4 h5 h6 header hr li main ol p pre section table tr ul"
)
_APART = words("p h1 h2 h3 h4 h5 h6 table ul ol blockquote")


def sanitised(html: str) -> str:
    """Return HTML with nothing in it but the elements, attributes, styles and addresses of templates."""
    return nh3.clean(
        html,
        tags=set(ELEMENTS),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        url_schemes={*SCHEMES, "data"},
        filter_style_properties=set(STYLES),
        attribute_filter=_attribute,
        link_rel="noopener noreferrer",
    )


def _attribute(element: str, name: str, value: str) -> str | None:
    if name in ("href", "src") and value.strip().lower().startswith("data:"):
        image = name == "src" and value.lower().startswith(("data:image/png;base64,", "data:image/jpeg;base64,"))
        return value if image else None
    return None if name == "style" and "url(" in value.lower() else value


def plain_text(html: str) -> str:
    """Return HTML as text: blocks on lines of their own, list items with a dash, links with their address."""
    reader = _Text()
    reader.feed(html)
    reader.close()
    lines = [re.sub(r"[ \t\r\f\v]+", " ", line).strip() for line in "".join(reader.pieces).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "br":
            self.pieces.append("\n")
        elif tag == "hr":
            self.pieces.append("\n----\n")
        elif tag in _BLOCKS:
            self.pieces.append("\n\n" if tag in _APART else "\n")
            if tag == "li":
                self.pieces.append("- ")
        elif tag in ("td", "th"):
            self.pieces.append(" ")
        elif tag == "img":
            self.pieces.append(given.get("alt") or "")
        elif tag == "a":
            self._links.append((given.get("href") or "", len(self.pieces)))

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._links:
            address, start = self._links.pop()
            shown = "".join(self.pieces[start:]).strip()
            if address and address.removeprefix("mailto:") != shown:
                self.pieces.append(f" ({address})")
        elif tag in _APART:
            self.pieces.append("\n\n")
        elif tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        self.pieces.append(data.replace("\n", " "))

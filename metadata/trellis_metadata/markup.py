"""HTML of templates: which elements and attributes mails and documents may have.

What is not in the tables is refused when a template is published. Values are escaped where they stand, and the finished text
goes through a sanitiser with the same tables, so that no value becomes an element or an address that runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


ELEMENTS = words(
    "a abbr b blockquote br caption code col colgroup div dl dt dd em figure figcaption footer h1 h2 h3 h4 h5 h6 header hr "
    "i img li main ol p pre s section small span strong sub sup table tbody td tfoot th thead tr u ul"
)
ATTRIBUTES = {
    "*": frozenset({"class", "dir", "lang", "style", "title"}),
    "a": frozenset({"href"}),
    "img": frozenset({"src", "alt", "width", "height"}),
    "td": frozenset({"colspan", "rowspan", "align", "width"}),
    "th": frozenset({"colspan", "rowspan", "align", "scope", "width"}),
    "table": frozenset({"width", "align"}),
    "col": frozenset({"span", "width"}),
    "ol": frozenset({"start"}),
}
STYLES = words(
    "background-color border border-bottom border-collapse border-left border-radius border-right border-top color "
    "display font-family font-size font-style font-weight height letter-spacing line-height list-style-type margin "
    "margin-bottom margin-left margin-right margin-top max-width min-width padding padding-bottom padding-left "
    "padding-right padding-top page-break-after page-break-before page-break-inside text-align text-decoration "
    "text-transform vertical-align white-space width"
)
SCHEMES = frozenset({"http", "https", "mailto", "tel"})
PLACE = "{!"


def problems_of(html: str) -> Iterator[str]:
    """Yield what a template's HTML may not have, each with its line."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    yield from reader.problems


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.problems: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line = self.getpos()[0]
        if tag not in ELEMENTS:
            self.problems.append(f"Line {line}: the element <{tag[:40]}> is not one of mails and documents.")
            return
        for name, value in attrs:
            if name not in ATTRIBUTES["*"] and name not in ATTRIBUTES.get(tag, ()):
                self.problems.append(f"Line {line}: <{tag}> has no attribute '{name[:40]}' here.")
            elif name == "style":
                self.problems += [f"Line {line}: {p}" for p in _style(value or "")]
            elif name in ("href", "src"):
                self.problems += [f"Line {line}: {p}" for p in _address(name, value or "")]

    def handle_comment(self, data: str) -> None:
        if PLACE in data:
            self.problems.append(f"Line {self.getpos()[0]}: a comment cannot hold formulas.")

    def handle_decl(self, decl: str) -> None:
        self.problems.append(f"Line {self.getpos()[0]}: only what stands in the body of a page is written here.")

    def unknown_decl(self, data: str) -> None:
        self.handle_decl(data)

    def handle_pi(self, data: str) -> None:
        self.handle_decl(data)


def _style(value: str) -> Iterator[str]:
    if PLACE in value:
        yield "a style cannot hold formulas."
        return
    for entry in value.split(";"):
        name = entry.partition(":")[0].strip().lower()
        if name and name not in STYLES:
            yield f"the style '{name[:40]}' is not one of mails and documents."
    if "url(" in value.lower() or "\\" in value or "expression(" in value.lower():
        yield "a style cannot fetch anything."


def _address(name: str, value: str) -> Iterator[str]:
    if value.startswith(PLACE):
        return  # what it becomes is judged when it is known
    scheme = value.partition(":")[0].strip().lower()
    allowed = SCHEMES if name == "href" else {"http", "https", "data"}
    if scheme not in allowed or ":" not in value:
        yield f"an address in {name} begins with {', '.join(sorted(allowed))}."
    elif scheme == "data" and not value.lower().startswith(("data:image/png;base64,", "data:image/jpeg;base64,")):
        yield "only PNG and JPEG images can be written out."

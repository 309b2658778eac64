"""HYPERLINK"""

from __future__ import annotations

from trellis.formula.function import Blanks, Function
from trellis.formula.markup import element


def hyperlink(url: str | None, text: str | None, target: str | None = None) -> str | None:
    """Return a link as structured markup; blank without an address."""
    return element("link", url, text or url, target) if url else None


FUNCTION = Function(
    "HYPERLINK",
    ("text, text, text? -> text",),
    "A link. It is rendered from its parts and never as raw HTML.",
    "presentation",
    Blanks.OWN,
    python=hyperlink,
    refused="HYPERLINK is presentation",
    examples=(('ISBLANK(HYPERLINK("", "x"))', "true"),),
)

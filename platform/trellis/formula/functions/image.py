"""IMAGE"""

from __future__ import annotations

from decimal import Decimal

from trellis.formula.function import Blanks, Function
from trellis.formula.markup import element
from trellis.formula.numbers import plain


def image(
    url: str | None, alternative: str | None, height: Decimal | None = None, width: Decimal | None = None
) -> str | None:
    """Return an image as structured markup; blank without an address."""
    sizes = [None if size is None else plain(size) for size in (height, width)]
    return element("image", url, alternative, *sizes) if url else None


FUNCTION = Function(
    "IMAGE",
    ("text, text, number?, number? -> text",),
    "A picture with its alternative text. It is rendered from its parts and never as raw HTML.",
    "presentation",
    Blanks.OWN,
    python=image,
    refused="IMAGE is presentation",
    examples=(('ISBLANK(IMAGE("", "x"))', "true"),),
)

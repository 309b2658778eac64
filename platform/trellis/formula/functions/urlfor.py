"""URLFOR"""

from trellis.formula.function import Blanks, Function

FUNCTION = Function(
    "URLFOR",
    ("any, any?, any... -> text",),
    "The address of a page of the platform.",
    "presentation",
    Blanks.OWN,
    count=(1, 255),
    unavailable="URLFOR names pages of another system and cannot be evaluated.",
    refused="URLFOR has no SQL",
)

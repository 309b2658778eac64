"""ISNEW"""

from trellis.formula.function import Blanks, Function, Reads

FUNCTION = Function(
    "ISNEW",
    ("-> boolean",),
    "Whether the record is being created.",
    "change",
    Blanks.OWN,
    Reads.CHANGE,
    context=True,
    python=lambda context: context.is_new,
    examples=(("ISNEW()", "false"),),
    refused="ISNEW is known only while a record is saved",
)

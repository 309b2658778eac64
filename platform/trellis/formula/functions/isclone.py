"""ISCLONE"""

from trellis.formula.function import Blanks, Function, Reads

FUNCTION = Function(
    "ISCLONE",
    ("-> boolean",),
    "Whether the record is being created as a copy of another.",
    "change",
    Blanks.OWN,
    Reads.CHANGE,
    context=True,
    python=lambda context: context.is_clone,
    examples=(("ISCLONE()", "false"),),
    refused="ISCLONE is known only while a record is saved",
)

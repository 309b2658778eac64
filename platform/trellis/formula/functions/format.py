"""FORMAT"""

from __future__ import annotations

from trellis.formula.formats import format_value
from trellis.formula.function import Blanks, Function

FUNCTION = Function(
    "FORMAT",
    ("any, any... -> text",),
    "A message with `{0}` … replaced by the other values, or a date, time or number in a named or written "
    "form (`date`, `ldate`, `time_correct`, `#,##0.00`).",
    "text",
    Blanks.OWN,
    count=(1, 255),
    python=format_value,
    refused="FORMAT has no SQL",
    examples=(('FORMAT("{0}{1}", "Hi", "Ho")', '"HiHo"'), ('FORMAT(DATE(2005, 1, 3), "ldate")', '"January 3, 2005"')),
)

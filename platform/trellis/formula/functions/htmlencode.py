"""HTMLENCODE"""

from trellis.formula.function import Function
from trellis.formula.values import bounded

PAIRS = (
    ("&", "&amp;"),
    ("<", "&lt;"),
    (">", "&gt;"),
    ('"', "&quot;"),
    ("'", "&#39;"),
    ("\u2028", "<br>"),
    ("\u2029", "<p>"),
)
_TABLE = str.maketrans(dict(PAIRS))
_SQL = "{0}"
for _old, _new in PAIRS:
    _quoted = _old.replace("'", "''")
    _SQL = f"replace({_SQL}, '{_quoted}', '{_new}')"

FUNCTION = Function(
    "HTMLENCODE",
    ("text -> text",),
    "The text with the characters that mean something in HTML written as entities.",
    "text",
    python=lambda text: bounded(text.translate(_TABLE)),
    postgresql=f"trellis_fn.bounded({_SQL})",
    fails="null",
    examples=(('HTMLENCODE("a < b")', '"a &lt; b"'),),
)

"""JSENCODE"""

from trellis.formula.function import Function
from trellis.formula.values import bounded

PAIRS = (("\\", "\\\\"), ("'", "\\'"), ('"', '\\"'), ("/", "\\/"), ("*", "\\*"), ("<", "\\u003C"), (">", "\\u003E"))
_TABLE = str.maketrans(dict(PAIRS))
_SQL = "{0}"
for _old, _new in PAIRS:
    _from, _to = _old.replace("'", "''"), _new.replace("'", "''")
    _SQL = f"replace({_SQL}, '{_from}', '{_to}')"

FUNCTION = Function(
    "JSENCODE",
    ("text -> text",),
    "The text with backslashes before the characters that mean something in JavaScript.",
    "text",
    python=lambda text: bounded(text.translate(_TABLE)),
    postgresql=f"trellis_fn.bounded({_SQL})",
    fails="null",
    examples=(('JSENCODE("a*b")', '"a\\\\*b"'),),
)

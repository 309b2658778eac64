"""The reference page of the functions, written from their files."""

from __future__ import annotations

from trellis.formula.function import Function
from trellis.formula.functions import functions

TITLES = {
    "logic": "Logic",
    "numbers": "Numbers",
    "text": "Texts",
    "dates": "Dates and times",
    "change": "The change being saved",
    "presentation": "Presentation",
    "records": "Other records",
    "children": "Child records",
    "filters": "Filters",
}
_HEAD = """# Functions of the expression language

Written by `trellis formula functions --page`; every example is a test. Names may be written in any letter case.
Unless a function says otherwise, a blank argument gives a blank. In `T` all values have one type; `?` marks what may
be left out and `...` what may be repeated.

Examples that need other records read these: the decision table `discount` (keys `tier`: a text, `amount`: a range of
numbers; values `rate`, `label`) gives 0.2 and "Large" for gold from 1000 on, 0.1 and "Gold" for other gold, 0 and
"None" for everything else; the object `city` has the record code `SZ`, name `Suzhou`, people 12700000; the
organisation reckons in CNY, 1 USD is 7 CNY and since 1 July 2026 7.2 CNY, 1 EUR is 8 CNY; the organisation's calendar
`office` is open from 9 to 12 and from 13 to 18 o'clock in Shanghai, with the holidays and make-up workdays of China.
"""


def reference_page() -> str:
    """Return the whole page as Markdown."""
    parts = [_HEAD]
    for category, title in TITLES.items():
        found = [f for f in functions().values() if f.category == category]
        parts += [f"\n## {title}\n", *(f"\n{entry(f)}\n" for f in found)]
    return "".join(parts)


def entry(function: Function) -> str:
    """Return the entry of one function."""
    lines = [f"### {function.name}", ""]
    lines += [
        f"`{function.name}({_shown(form)}`" + ("  " if form != function.signatures[-1] else "")
        for form in function.signatures
    ]
    lines += ["", function.summary]
    notes = [n for n in (_sql_note(function), "" if function.bind else function.unavailable) if n]
    if notes:
        lines += ["", *notes]
    if function.examples:
        lines += ["", *(f"- `{formula}` gives {_result(result)}" for formula, result in function.examples)]
    return "\n".join(lines)


def _shown(form: str) -> str:
    arguments, _, result = form.partition("->")
    return f"{arguments.strip()}) → {result.strip()}"


def _result(text: str) -> str:
    return {"error": "an error", "null": "a blank"}.get(text, f"`{text}`")


def _sql_note(function: Function) -> str:
    where = "" if function.outside else " on PostgreSQL"
    return f"Cannot be filtered or sorted by{where}: {function.refused}." if function.refused else ""

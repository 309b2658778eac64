"""Typed random formulas and rows with the values that usually hurt: blanks, extremes, odd letters, ends of months."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st

from trellis.fields.common.columns import JoinedText
from trellis.formula import functions
from trellis.formula.sql.types import DecimalText
from trellis.storage.types import ScaledDecimal, UtcDateTime, text_column
from trellis_metadata.formula import FlatScope, Symbol, Type

FIELDS: Mapping[str, tuple[Symbol, sa.types.TypeEngine[Any]]] = {
    s.path: (s, kind)
    for s, kind in (
        (Symbol("money", Type.NUMBER), ScaledDecimal(18, 2)),
        (Symbol("small", Type.NUMBER), ScaledDecimal(5, 2)),
        (Symbol("share", Type.NUMBER, percent=True), ScaledDecimal(7, 3)),
        (Symbol("huge", Type.NUMBER), DecimalText()),
        (Symbol("name", Type.TEXT), text_column()),
        (Symbol("note", Type.TEXT), text_column()),
        (Symbol("done", Type.BOOLEAN), sa.Boolean()),
        (Symbol("day", Type.DATE), sa.Date()),
        (Symbol("until", Type.DATE), sa.Date()),
        (Symbol("at", Type.DATETIME), UtcDateTime()),
        (Symbol("seen", Type.DATETIME), UtcDateTime()),
        (Symbol("clock", Type.TIME), sa.Time()),
        (Symbol("tags", Type.MULTIPICKLIST, values=("a", "b", "c")), JoinedText()),
        (Symbol("owner", Type.REFERENCE), sa.BigInteger()),
        (Symbol("buddy", Type.REFERENCE), sa.BigInteger()),
        (Symbol("stage", Type.PICKLIST, values=("new", "won", "lost")), text_column()),
    )
}
_NUMBERS = ["0", "1", "-1", "0.01", "-0.5", "2.5", "-2.5", "3.335", "12345.67", "999.99", "-999.99"]
_HUGE = [
    *_NUMBERS,
    "99999999999999999999999999999999999999",
    "-12345678901234567890123456789.123456789",
    "0.00000000000000000000000000000000000001",
    "1e20",
    "33.333333333333333333333333333333333333",
]
_TEXTS = [
    "a",
    "abc",
    "ABC",
    "Straße",
    "İstanbul",
    "ısı",
    "ΑΣ",
    "中国客户",
    "🧵x🧵",
    " pad ",
    "12.5",
    "-3",
    "2024-02-29",
    "2023-2-30 1:2:3",
    "2024-03-31 02:30:00",
    "10:40:55.666",
    "a%b_c\\",
    "x'y\"z",
    "\n",
    "é",
    "e\u0301",
    "<b>&",
    "1e5",
    "zz top",
]
_DAYS = [
    date(1, 1, 1),
    date(9999, 12, 31),
    date(2024, 2, 29),
    date(2023, 2, 28),
    date(2026, 3, 29),
    date(2025, 10, 26),
    date(1900, 1, 1),
    date(2005, 12, 31),
    date(2006, 1, 1),
    date(1582, 10, 10),
]
_MOMENTS = [
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
    datetime(2024, 2, 29, 12, 0, 0, 123456, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 500000, tzinfo=UTC),
    datetime(2025, 10, 26, 0, 30, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
]
_TIMES = [time(0), time(23, 59, 59, 999000), time(10, 40, 55, 666000), time(12)]


def rows(seed: int, count: int) -> list[dict[str, Any]]:
    """Return random rows; the first is all blank."""
    source = random.Random(seed)

    def pick(values: list[Any]) -> Any:
        return None if source.random() < 0.2 else source.choice(values)

    def decimal(values: list[str], low: Decimal, places: int) -> Decimal | None:
        value = pick([Decimal(v) for v in values])
        return value if value is None else max(-low, min(low, value)).quantize(Decimal(1).scaleb(-places))

    found: list[dict[str, Any]] = [dict.fromkeys(FIELDS)]
    while len(found) < count:
        found.append(
            {
                "money": decimal(
                    [*_NUMBERS, "9999999999999999.99", "-9999999999999999.99"], Decimal("9999999999999999.99"), 2
                ),
                "small": decimal(_NUMBERS, Decimal("999.99"), 2),
                "share": decimal(_NUMBERS, Decimal("9999.999"), 3),
                "huge": pick([Decimal(v) for v in _HUGE]),
                "name": pick(_TEXTS),
                "note": pick(_TEXTS),
                "done": pick([True, False]),
                "day": pick(_DAYS),
                "until": pick(_DAYS),
                "at": pick(_MOMENTS),
                "seen": pick(_MOMENTS),
                "clock": pick(_TIMES),
                "stage": pick(["new", "won", "lost"]),
                "tags": pick([("a",), ("a", "b"), ("c",)]),
                "owner": pick([1, 2]),
                "buddy": pick([1, 2]),
            }
        )
    return found


def scope() -> FlatScope:
    """Return the scope of the random rows."""
    return FlatScope([symbol for symbol, _ in FIELDS.values()], functions())


_LEAVES = {
    "n": ["money", "small", "share", "huge", "0", "1", "2", "10", "100", "0.5", "2.25", "7", "null", "LEN(name)"],
    "t": ["name", "note", '"a"', '"abc"', '""', "'ß'", '"%"', "TEXT(stage)", "TEXT(tags)", "owner", "null"],
    "b": [
        "done",
        "true",
        "false",
        'ISPICKVAL(stage, "won")',
        'stage = "new"',
        'INCLUDES(tags, "b")',
        "ISBLANK(tags)",
        "owner = buddy",
        "owner <> buddy",
        "ISBLANK(owner)",
    ],
    "d": ["day", "until", "DATE(2024, 2, 29)", "TODAY()", "null"],
    "m": ["at", "seen", 'DATETIMEVALUE("2024-03-31 01:30:00")', "NOW()", "MOMENT('2026-03-29T01:30:00Z')"],
    "h": ["clock", 'TIMEVALUE("10:40:55.666")', "TIMENOW()"],
    "l": ["GEOLOCATION(48.1, 11.6)", "GEOLOCATION(small, money)"],
}
_FORMS = {
    "n": [
        "{n} + {n}",
        "{n} - {n}",
        "{n} * {n}",
        "{n} / {n}",
        "({n}) + {n} - {n} + {n} + ({n})",
        "({n}) / {n} * {n} / {n} * {n}",
        "({n}) * ({n} - {n})",
        "-({n})",
        "ABS({n})",
        "ROUND({n}, 2)",
        "ROUND({n}, {n})",
        "TRUNC({n}, 1)",
        "FLOOR({n})",
        "CEILING({n})",
        "MFLOOR({n})",
        "MCEILING({n})",
        "MOD({n}, {n})",
        "MAX({n}, {n})",
        "MIN({n}, {n}, {n})",
        "SQRT({n})",
        "({n}) ^ 2",
        "({n}) ^ -3",
        "FLOOR({n} / {n} * {n})",
        "LEN({t})",
        "FIND({t}, {t})",
        "FIND({t}, {t}, {n})",
        "VALUE({t})",
        "ASCII({t})",
        "YEAR({d})",
        "MONTH({d})",
        "DAY({d})",
        "WEEKDAY({d})",
        "DAYOFYEAR({d})",
        "ISOWEEK({d})",
        "ISOYEAR({m})",
        "{d} - {d}",
        "{m} - {m}",
        "{h} - {h}",
        "HOUR({h})",
        "SECOND({h})",
        "MILLISECOND({h})",
        "UNIXTIMESTAMP({m})",
        "UNIXTIMESTAMP({d})",
        "IF({b}, {n}, {n})",
        "IFS({b}, {n}, {b}, {n}, {n})",
        "CASE({t}, {t}, {n}, {t}, {n}, {n})",
        "CASE({n}, {n}, {n}, {n})",
        "IFERROR({n}, {n})",
        "BLANKVALUE({n}, {n})",
        "NULLVALUE({n}, {n})",
        "CASE(stage, 'won', {n}, 'lost', {n}, {n})",
        "LN({n})",
        "LOG({n})",
        "EXP({n})",
        "SIN({n})",
        "COS({n})",
        "TAN({n})",
        "ASIN({n})",
        "ACOS({n})",
        "ATAN({n})",
        "ATAN2({n}, {n})",
        "({n}) + PI()",
        "MINUTE({h})",
        "DISTANCE({l}, {l}, 'km')",
        "DISTANCE({l}, {l}, 'mi')",
    ],
    "l": ["GEOLOCATION({n}, {n})"],
    "t": [
        "{t} & {t}",
        "{t} + {t}",
        "LEFT({t}, {n})",
        "RIGHT({t}, {n})",
        "MID({t}, {n}, {n})",
        "SUBSTR({t}, {n})",
        "SUBSTR({t}, {n}, {n})",
        "UPPER({t})",
        "LOWER({t})",
        "TRIM({t})",
        "SUBSTITUTE({t}, {t}, {t})",
        "LPAD({t}, 5, {t})",
        "RPAD({t}, {n})",
        "REVERSE({t})",
        "TEXT({n})",
        "TEXT({d})",
        "TEXT({m})",
        "TEXT({h})",
        "IF({b}, {t}, {t})",
        "BLANKVALUE({t}, {t})",
        "CASE({n}, {n}, {t}, {t})",
        "IFERROR({t}, {t})",
        "HTMLENCODE({t})",
        "JSENCODE({t})",
        "CHR({n})",
        "FORMATDURATION({n})",
        "FORMATDURATION({n}, {b})",
        "FORMATDURATION({m}, {m})",
        'LOWER({t}, "tr")',
        "INITCAP({t})",
        "{t} & BR() & {t}",
        "CASESAFEID({t})",
        "FORMAT('{{0}} and {{1}}', {n}, {t})",
        "FORMATCURRENCY('USD', {n})",
        "FORMATCURRENCY({t}, {n})",
        "HYPERLINK({t}, {t})",
        "IMAGE({t}, {t})",
        "JSONVALUE({t}, {t})",
        'JSONVALUE(\'{{"a": [1, "x"], "b": 2.50}}\', \'b\')',
        "JSONPATHVALUE('{{\"a\": [1, \"x\"]}}', 'a[1]')",
        "PINYIN({t})",
        "URLENCODE({t})",
        "URLFOR({t})",
    ],
    "b": [
        "{n} = {n}",
        "{n} <> {n}",
        "{n} < {n}",
        "{n} >= {n}",
        "{t} = {t}",
        "{t} <> {t}",
        "{t} < {t}",
        "{t} >= {t}",
        "{d} = {d}",
        "{d} > {d}",
        "{m} <= {m}",
        "{h} < {h}",
        "({b}) = ({b})",
        "AND({b}, {b})",
        "OR({b}, {b}, {b})",
        "({b}) && ({b})",
        "({b}) || ({b})",
        "NOT({b})",
        "ISBLANK({n})",
        "ISBLANK({t})",
        "ISNULL({d})",
        "ISNULL({t})",
        "ISNUMBER({t})",
        "BEGINS({t}, {t})",
        "CONTAINS({t}, {t})",
        "{t} LIKE {t}",
        "IN({n}, {n}, {n})",
        "{t} IN ({t}, {t})",
        "({n}) NOT IN ({n}, {n})",
        "{n} BETWEEN {n} AND {n}",
        "IF({b}, {b}, {b})",
        "REGEX({t}, '[a-z]+')",
        "IFERROR({b}, {b})",
        "LIKE({t}, {t})",
        "BETWEEN({n}, {n}, {n})",
        "BETWEEN({d}, {d}, {d})",
        "DIFFERS({n}, {n})",
        "DIFFERS({t}, {t})",
        "EXCEPT({t}, {t}, {t})",
        "EXCEPT({n}, {n}, {n})",
        "ISFALSE({b})",
        "ISPRESENT({n})",
        "ISPRESENT({t})",
        "HAS({t}, {t})",
        "LACKS({t}, {t})",
        "STARTS({t}, {t})",
        "ENDS({t}, {t})",
        "HAS(stage, 'w')",
        "EXCLUDES(tags, 'a')",
        "INCLUDESALL(tags, 'a', 'b')",
        "INCLUDESANY(tags, 'b', 'c')",
        "WITHIN({d}, 'THIS_MONTH')",
        "WITHIN({m}, 'LAST_N_DAYS:3')",
        "OUTSIDE({m}, 'THIS_YEAR')",
        "AFTER({d}, 'TODAY')",
        "BEFORE({m}, 'YESTERDAY')",
        "SINCE({d}, 'THIS_WEEK')",
        "UNTIL({m}, 'NEXT_MONTH')",
    ],
    "d": [
        "({d}) + {n}",
        "({d}) - {n}",
        "ADDMONTHS({d}, {n})",
        "ADDYEARS({d}, {n})",
        "ADDDAYS({d}, {n})",
        "DATE({n}, {n}, {n})",
        "DATEVALUE({t})",
        "DATEVALUE({m})",
        "IF({b}, {d}, {d})",
        "BLANKVALUE({d}, {d})",
        "IFERROR({d}, {d})",
        "CASE({t}, {t}, {d}, {d})",
        "STARTOF('month', {d})",
        "ENDOF('fiscal_year', {d})",
        "ENDOF('quarter', {d})",
        "ENDOF('week', {d})",
        "STARTOF('half', {d})",
        "STARTOF('week', {d})",
    ],
    "m": [
        "({m}) + {n}",
        "({m}) - {n}",
        "ADDMONTHS({m}, {n})",
        "DATETIMEVALUE({t})",
        "DATETIMEVALUE({d})",
        "FROMUNIXTIME({n})",
        "IF({b}, {m}, {m})",
        "IFERROR({m}, {m})",
    ],
    "h": ["({h}) + {n}", "({h}) - {n}", "TIMEVALUE({t})", "TIMEVALUE({m})", "IF({b}, {h}, {h})"],
}


@st.composite
def formulas(draw: st.DrawFn, kind: str | None = None, depth: int = 4) -> str:
    """Draw a formula that is well typed, of one of the kinds n, t, b, d, m, h."""
    chosen = kind or draw(st.sampled_from("nntbbdmh"))
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(_LEAVES[chosen]))
    form = draw(st.sampled_from(_FORMS[chosen]))
    out, rest = "", form.replace("{{", "\0").replace("}}", "\1")
    while "{" in rest:
        before, _, rest = rest.partition("{")
        inner = draw(formulas(rest[0], depth - 1))
        bracketed = inner.isidentifier() or before.endswith("(") or before.endswith(", ")
        out += before + (inner if bracketed else f"({inner})")
        rest = rest[2:]
    return (out + rest).replace("\0", "{").replace("\1", "}")


ELSEWHERE = {
    "AVG COUNT JOIN MAX MIN SUM": "over child records: tests/ripples",
    "CONVERT CURRENCYRATE VLOOKUP": "need other records: tests/rules/test_outside.py",
    "ISCHANGED ISCLONE ISNEW PRIORVALUE": "need the change: tests/rules",
    "LOOKUP": "needs a table: tests/decision_tables",
    "NETWORKDAYS NEXT_WORKING_TIME WORKDAY WORKING_HOURS": "need a calendar: tests/calendars",
}
"""Functions that no random formula has, and where they are tested (MAX and MIN of numbers are drawn too)."""


def drawn_functions() -> set[str]:
    """Return the names of the functions that random formulas are made of."""
    texts = " ".join(text for forms in (*_FORMS.values(), *_LEAVES.values()) for text in forms)
    return {name.upper() for name in re.findall(r"(\w+)\(", texts)} & functions().keys() | {"IN", "LIKE", "BETWEEN"}

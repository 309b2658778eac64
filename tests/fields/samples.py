"""What every field type is tested with: one entry per type in ``SAMPLES``.

``values`` pairs what is written with what is read back; ``texts`` pairs a text of a file with what is read back (None:
null); ``bad`` pairs a payload with the code of its refusal; ``blank`` lists payloads that mean null; ``options`` has at
least one case for every option of the type: what ``probe`` sees with the option and must not see without it.
``elsewhere`` names options whose effect belongs to another package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from fields.environment import Tenant
from hypothesis import strategies as st

from trellis.fields import Codec, FieldType, InvalidValue, field_types
from trellis.fields.lookup import on_delete_of
from trellis.fields.picklist import dependent_problem
from trellis_metadata.snapshot import Snapshot

OBJECTS = Snapshot.of(
    [
        {"kind": "object", "name": "account", "fields": [{"name": "industry", "type": "text"}]},
        {"kind": "object", "name": "contact", "fields": []},
        {"kind": "picklist", "name": "industry", "options": [{"name": "steel"}, {"name": "retail"}]},
    ]
)


@dataclass(frozen=True)
class Probe:
    """A field under test, for the cases of options."""

    type: FieldType
    doc: dict[str, Any]

    @property
    def codec(self) -> Codec:
        """The compiled field; asked for only where its document is good."""
        return self.type.compile(self.doc, Tenant())

    def parse(self, value: Any) -> Any:
        """Return the JSON form of what ``value`` is read as, or the code of the refusal."""
        codec = self.codec
        try:
            found = codec.parse(value)
        except InvalidValue as problem:
            return problem.code
        return codec.to_json(found) if codec.to_json and found is not None else found

    def codes(self) -> list[str]:
        """Return the codes of the diagnostics of the field's document."""
        return [d.code for d in self.type.check(self.doc, "/fields/0", OBJECTS)]


@dataclass(frozen=True)
class OptionCase:
    option: str
    doc: dict[str, Any]
    probe: Callable[[Probe], Any]
    expected: Any


@dataclass(frozen=True)
class Sample:
    values: list[tuple[Any, Any]]
    bad: list[tuple[Any, str]]
    texts: list[tuple[str, Any]]
    strategy: st.SearchStrategy[Any]
    doc: dict[str, Any] = field(default_factory=dict)
    blank: list[Any] = field(default_factory=lambda: ["", "   ", "\u3000\n"])
    options: list[OptionCase] = field(default_factory=list)
    elsewhere: tuple[str, ...] = ()


def read(value: Any) -> Callable[[Probe], Any]:
    """Return the probe that reads ``value``."""
    return lambda probe: probe.parse(value)


def same(*values: Any) -> list[tuple[Any, Any]]:
    """Return values that are read back as they are written."""
    return [(value, value) for value in values]


NUL, SURROGATE = "a\x00b", "a\ud800b"
CHARACTERS = [
    (NUL, "bad_characters"),
    (SURROGATE, "bad_characters"),
    ("bell\x07", "bad_characters"),
    ("a\uffffb", "bad_characters"),
]
NOT_TEXT = [
    (5, "wrong_type"),
    (True, "wrong_type"),
    (["a"], "wrong_type"),
    ({"a": 1}, "wrong_type"),
    (1.5, "wrong_type"),
]
HUGE = [(10**5000, "out_of_range"), (-(10**5000), "out_of_range")]
NOT_FINITE = [
    (float("nan"), "bad_format"),
    (float("inf"), "bad_format"),
    (1e400, "bad_format"),
    ("NaN", "bad_format"),
    ("Infinity", "bad_format"),
]
OPTIONS = [
    {"name": "hot", "label": {"en": "Hot lead", "zh": "高意向"}},
    {"name": "cold", "label": "Cold"},
    {"name": "arctic", "label": "Arctic", "active": False},
]
words = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\uffff\ufffe"), max_size=40
)
MARKUP = [
    "<p>", "</p>", "<b>", "</b>", "<a href='javascript:x'>", "<a href=x>", "</a>", "<script>", "</script>", "<!--", "-->", "&lt;", "&amp;lt;script&gt;",
    "<svg>", "<math>", "<style>", "</style>", "<![CDATA[", "]]>", "&#0;", "&#xd800;", "<table>", "<td>", "</table>", "<li>", "<br/>", "<noscript>",
    "<template>", "<", ">", "&", '"', "<p title='>'>", "\n", "<pre>\n", "&nbsp;",
]  # fmt: skip
decimals = st.decimals(-(10**15), 10**15, places=2).map(str)


def _decimal_bad() -> list[tuple[Any, str]]:
    return [
        *HUGE, *NOT_FINITE, (True, "wrong_type"), ([], "wrong_type"), ({}, "wrong_type"), ("abc", "bad_format"), ("1.2.3", "bad_format"),
        ("１２", "bad_format"), ("0x10", "bad_format"), ("1_000", "bad_format"), (NUL, "bad_format"), ("9" * 5000, "bad_format"),
        ("1e400", "out_of_range"), ("10000000000000000", "out_of_range"), (0.1 + 0.2, "too_many_decimals"), ("1.005", "too_many_decimals"),
        ("1e-400", "too_many_decimals"),
    ]  # fmt: skip


def _decimal_options() -> list[OptionCase]:
    return [
        OptionCase("precision", {"precision": 4}, read("123.45"), "out_of_range"),
        OptionCase("scale", {"scale": 3}, read("1.005"), "1.005"),
        OptionCase("scale", {"scale": 0}, read("7"), "7"),
        OptionCase("scale", {"precision": 2, "scale": 3}, Probe.codes, ["bad_scale"]),
        OptionCase("min", {"min": "0"}, read("-0.01"), "out_of_range"),
        OptionCase("max", {"max": 100}, read("100.01"), "out_of_range"),
        OptionCase("max", {"min": 5, "max": "4"}, Probe.codes, ["bad_limit"]),
        OptionCase("min", {"min": "0.001"}, Probe.codes, ["bad_limit"]),
    ]


DECIMAL_VALUES = [
    ("-9999999999999999.99", "-9999999999999999.99"), (-1, "-1.00"), (-0.0, "0.00"), (0, "0.00"), ("0.1", "0.10"), ("0.3", "0.30"), (12.3, "12.30"),
    ("1e2", "100.00"), ("9999999999999999.99", "9999999999999999.99"),
]  # fmt: skip
ON_DELETE = [
    OptionCase("on_delete", {"on_delete": "cascade"}, lambda p: on_delete_of(p.doc), "cascade"),
    OptionCase("on_delete", {"on_delete": "set_null", "required": True}, Probe.codes, ["bad_on_delete"]),
]
REFERENCE_BAD = [
    *NOT_TEXT, *CHARACTERS, ("account_51", "bad_reference"), ("account", "bad_reference"), ("lead_55", "bad_reference"), ("account_", "bad_reference"),
    ("a" * 5000, "bad_reference"),
]  # fmt: skip
CHOICE_BAD = [
    *NOT_TEXT,
    *CHARACTERS,
    ("hott", "unknown_option"),
    ("Hot lead", "unknown_option"),
    ("HOT", "unknown_option"),
    ("a" * 5000, "too_long"),
]


def relation_cases(**extra: Any) -> list[OptionCase]:
    """Return the cases of the options that all references have."""
    return [
        OptionCase("relationship_label", {"relationship_label": "Deals", **extra}, Probe.codes, ["unused_option"]),
    ]


def dependency(value: Any) -> list[OptionCase]:
    """Return the cases of dependent choices; ``value`` holds the option 'cold'."""
    rule = {"depends_on": "season", "values_by": {"summer": ["hot"], "winter": ["hot", "cold"]}}
    return [
        OptionCase("depends_on", rule, lambda p: dependent_problem(p.doc, value, "summer"),
                   "Found 'cold' while 'season' is 'summer', expected one of hot."),
        OptionCase("values_by", rule, lambda p: (dependent_problem(p.doc, value, None) or "")[-18:], "expected no value."),
        OptionCase("depends_on", {"depends_on": "season"}, Probe.codes, ["incomplete_dependency"]),
    ]  # fmt: skip


SAMPLES: dict[str, Sample] = {
    "address": Sample(
        values=[
            ({"city": "Berlin", "country": "de"}, {"street": None, "city": "Berlin", "state": None, "postal_code": None, "country": "DE"}),
            ({"street": "长安街1号", "city": "北京市", "postal_code": "100000"},
             {"street": "长安街1号", "city": "北京市", "state": None, "postal_code": "100000", "country": "CN"}),
            ({"street": "1 Main St\r\nFloor 2", "city": "Springfield", "state": "IL", "postal_code": "62701", "country": "US"},
             {"street": "1 Main St\nFloor 2", "city": "Springfield", "state": "IL", "postal_code": "62701", "country": "US"}),
        ],
        bad=[("Berlin", "wrong_type"), (5, "wrong_type"), ([], "wrong_type"), (True, "wrong_type"), ({"town": "x"}, "not_allowed"),
             ({"city": 5}, "wrong_type"), ({"city": NUL}, "bad_characters"), ({"city": "x" * 121}, "too_long"), ({"country": "XX"}, "unknown_option"),
             ({"country": "China"}, "too_long"), ({"street": SURROGATE}, "bad_characters"), ({"postal_code": "1" * 21}, "too_long")],
        texts=[("Unter den Linden 1", {"street": "Unter den Linden 1", "city": None, "state": None, "postal_code": None, "country": "CN"}),
               ('{"city": "Bonn", "country": "DE"}', {"street": None, "city": "Bonn", "state": None, "postal_code": None, "country": "DE"})],
        blank=["", {}, {"city": " ", "street": None}],
        strategy=st.fixed_dictionaries({}, optional={"street": words, "city": words, "state": words, "postal_code": words.map(lambda t: t[:6]),
                                                     "country": st.sampled_from(["CN", "de", "US"])}),
        options=[OptionCase("country", {"country": "DE"}, lambda p: p.codec.parse({"city": "Bonn"}).country, "DE")],
    ),
    "auto_number": Sample(
        values=same("D-2026-00001", "D-2026-00010", "D-2027-00002"),
        bad=[*NOT_TEXT, *CHARACTERS, ("x" * 101, "too_long")],
        texts=[("D-1", "D-1"), ("", None)],
        strategy=words,
        options=[
            OptionCase("format", {"format": "D-{YYYY}-{00000}"}, lambda p: p.codec.json_schema["examples"], ["D-2026-00001"]),
            OptionCase("format", {"format": "D-{YYYY}"}, Probe.codes, ["bad_number_format"]),
            OptionCase("start", {"start": 500}, lambda p: p.codec.json_schema["examples"], ["00500"]),
        ],
    ),
    "boolean": Sample(
        values=same(False, True),
        bad=[("true", "wrong_type"), (1, "wrong_type"), (0, "wrong_type"), ("yes", "wrong_type"), ([], "wrong_type"), ({}, "wrong_type"),
             (1.0, "wrong_type"), (NUL, "wrong_type")],
        texts=[("yes", True), ("否", False), (" TRUE ", True), ("0", False), ("", None)],
        blank=[],
        strategy=st.booleans(),
    ),
    "currency": Sample(
        values=[
            *[(given, {"amount": shown, "currency": "CNY"}) for given, shown in DECIMAL_VALUES],
            ({"amount": "12.30", "currency": "usd"}, {"amount": "12.30", "currency": "USD"}),
            ({"amount": 5}, {"amount": "5.00", "currency": "CNY"}),
        ],
        bad=[b for b in _decimal_bad() if b[0] != {}]
        + [({"amount": 1, "currency": "EUR"}, "unknown_option"), ({"currency": "CNY"}, "missing_part"), ({"amount": 1, "curency": "CNY"}, "not_allowed"),
           ({"amount": 1, "currency": 5}, "wrong_type"), ({"amount": True}, "wrong_type"), ({"amount": "1.005"}, "too_many_decimals"),
           ({"amount": 1, "currency": "C\x00"}, "bad_characters")],
        texts=[("1,234.50", {"amount": "1234.50", "currency": "CNY"}), ("USD 7", {"amount": "7.00", "currency": "USD"}),
               ("7.5 usd", {"amount": "7.50", "currency": "USD"}), (" ", None)],
        blank=["", {}, {"amount": None}, {"amount": " ", "currency": ""}],
        strategy=st.one_of(decimals, st.fixed_dictionaries({"amount": decimals}, optional={"currency": st.sampled_from(["CNY", "USD", "JPY"])})),
        options=[
            OptionCase("precision", {"precision": 4}, read("123.45"), "out_of_range"),
            OptionCase("scale", {"scale": 4}, read("1.0005"), {"amount": "1.0005", "currency": "CNY"}),
            OptionCase("min", {"min": "0"}, read({"amount": "-1", "currency": "USD"}), "out_of_range"),
            OptionCase("max", {"max": "10"}, read(11), "out_of_range"),
            OptionCase("currencies", {"currencies": ["USD"]}, read({"amount": 1, "currency": "JPY"}), "not_allowed"),
        ],
        elsewhere=("rate_date",),
    ),
    "date": Sample(
        values=same("0001-01-01", "1969-12-31", "2024-02-29", "2026-11-22", "9999-12-31"),
        bad=[(20261122, "wrong_type"), (True, "wrong_type"), ("2026-02-30", "out_of_range"), ("2026-13-01", "out_of_range"), ("20261122", "bad_format"),
             ("2026-W01-1", "bad_format"), ("22.11.2026", "bad_format"), ("2026-11-22T00:00:00Z", "bad_format"), ("0000-01-01", "out_of_range"),
             ("２０２６-11-22", "bad_format"), (NUL, "bad_format"), ([], "wrong_type"), ("9" * 10000, "bad_format")],
        texts=[("2026/1/2", "2026-01-02"), ("2026年1月2日", "2026-01-02"), ("2026-11-22 00:00:00", "2026-11-22"), ("", None)],
        strategy=st.dates().map(str),
        options=[OptionCase("min", {"min": "2026-01-01"}, read("2025-12-31"), "out_of_range"),
                 OptionCase("max", {"max": "2026-01-01"}, read("2026-01-02"), "out_of_range"),
                 OptionCase("min", {"min": "2026-02-30"}, Probe.codes, ["bad_limit"]),
                 OptionCase("max", {"min": "2026-01-02", "max": "2026-01-01"}, Probe.codes, ["bad_limit"])],
    ),
    "datetime": Sample(
        values=[("0001-01-02T00:00Z", "0001-01-02T00:00:00Z"), ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
                ("1970-01-01T08:00+08:00", "1970-01-01T00:00:00Z"), ("2026-11-22 16:00:00.5+08:00", "2026-11-22T08:00:00.500000Z"),
                ("2026-11-22t08:00:01z", "2026-11-22T08:00:01Z"), ("9999-12-30T23:59:59.999999Z", "9999-12-30T23:59:59.999999Z")],
        bad=[("2026-11-22T08:00:00", "bad_format"), ("2026-11-22", "bad_format"), (1700000000, "wrong_type"), (True, "wrong_type"),
             ("2026-02-30T00:00:00Z", "out_of_range"), ("2026-11-22T24:00:00Z", "out_of_range"), ("2026-11-22T23:59:60Z", "out_of_range"),
             ("9999-12-31T23:00:00Z", "out_of_range"), ("0001-01-01T00:00:00+14:00", "out_of_range"), ("2026-11-22T08:00:00.1234567Z", "bad_format"),
             ("2026-11-22T08:00:00+99:00", "out_of_range"), ("now", "bad_format"), (NUL, "bad_format"), (datetime(2026, 1, 1), "bad_format")],
        texts=[("2026-11-22 08:00:00+00:00", "2026-11-22T08:00:00Z"), (" 2026-11-22T08:00:00Z ", "2026-11-22T08:00:00Z"), ("", None)],
        strategy=st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 28)).map(lambda d: d.isoformat() + "+08:00"),
        options=[OptionCase("min", {"min": "2026-01-01T00:00:00Z"}, read("2026-01-01T00:00:00+08:00"), "out_of_range"),
                 OptionCase("max", {"max": "2026-01-01T00:00:00Z"}, read("2026-01-01T00:00:01Z"), "out_of_range"),
                 OptionCase("min", {"min": "2026-01-01T00:00:00"}, Probe.codes, ["bad_limit"])],
    ),
    "duration": Sample(
        values=[("PT0S", "PT0S"), ("PT59S", "PT59S"), ("PT90M", "PT1H30M"), ("PT24H", "P1D"), ("P1DT1S", "P1DT1S"), ("P1W", "P7D"), ("P1000000D", "P1000000D")],
        bad=[("P1M", "bad_format"), ("P1Y", "bad_format"), ("P", "bad_format"), ("PT", "bad_format"), ("P1DT", "bad_format"), ("PT1.5H", "bad_format"),
             ("-P1D", "bad_format"), (90, "wrong_type"), (True, "wrong_type"), ("P1000001D", "out_of_range"), ("P" + "9" * 5000 + "D", "bad_format"),
             (NUL, "bad_format"), ([], "wrong_type")],
        texts=[("26:30", "P1DT2H30M"), ("0:00:05", "PT5S"), ("pt5m", "PT5M"), ("", None)],
        strategy=st.tuples(st.integers(0, 9999), st.integers(0, 99), st.integers(0, 99)).map(lambda t: f"P{t[0]}DT{t[1]}M{t[2]}S"),
        options=[OptionCase("min", {"min": "PT1M"}, read("PT59S"), "out_of_range"), OptionCase("max", {"max": "P1D"}, read("PT25H"), "out_of_range"),
                 OptionCase("max", {"min": "P2D", "max": "P1D"}, Probe.codes, ["bad_limit"])],
    ),
    "email": Sample(
        values=[("a@b.co", "a@b.co"), (" Wang.Li@Example.COM ", "Wang.Li@example.com"), ("x+y@sub.example.org", "x+y@sub.example.org"), ("王@例子.中国", "王@例子.中国")],
        bad=[*NOT_TEXT, *CHARACTERS, ("a@b", "bad_format"), ("@b.co", "bad_format"), ("a@@b.co", "bad_format"), ("a b@c.co", "bad_format"),
             ("a..b@c.co", "bad_format"), (".a@c.co", "bad_format"), ("a@-b.co", "bad_format"), ("a@b..co", "bad_format"), ("a@1.2.3.4", "bad_format"),
             ("A <a@b.co>", "bad_format"), ("a@b.co, c@d.co", "bad_format"), ("x" * 65 + "@b.co", "bad_format"), ("x" * 60 + "@" + "b." * 100 + "co", "too_long"),
             ("x" * 300 + "@b.co", "too_long")],
        texts=[("a@B.co", "a@b.co"), ("", None)],
        strategy=st.emails().filter(lambda e: len(e) < 200 and "'" not in e),
    ),
    "file": Sample(
        values=same("file_0h3k5", "x-Y_9"),
        bad=[*NOT_TEXT, *CHARACTERS, ("../etc/passwd", "bad_reference"), ("a b", "bad_reference"), ("x" * 65, "bad_reference"), ("ü", "bad_reference")],
        texts=[(" file_1 ", "file_1"), ("", None)],
        strategy=st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    ),
    "geolocation": Sample(
        values=[({"latitude": "31.230416", "longitude": 121.4737}, {"latitude": "31.230416", "longitude": "121.473700"}),
                ({"latitude": -90, "longitude": "-180"}, {"latitude": "-90.000000", "longitude": "-180.000000"})],
        bad=[({"latitude": "90.000001", "longitude": 0}, "out_of_range"), ({"latitude": 0, "longitude": 181}, "out_of_range"),
             ({"latitude": 0}, "missing_part"), ({"lat": 0, "lng": 0}, "not_allowed"), ([31.2, 121.4], "wrong_type"), ("31,121", "wrong_type"),
             ({"latitude": True, "longitude": 0}, "wrong_type"), ({"latitude": "1.0000001", "longitude": 0}, "too_many_decimals"),
             ({"latitude": 10**5000, "longitude": 0}, "out_of_range"), ({"latitude": float("nan"), "longitude": 0}, "bad_format"), (5, "wrong_type")],
        texts=[("31.230416, 121.473701", {"latitude": "31.230416", "longitude": "121.473701"}), ("", None), (" , ", None)],
        blank=["", {}, {"latitude": None, "longitude": ""}],
        strategy=st.fixed_dictionaries({"latitude": st.decimals(-90, 90, places=6).map(str), "longitude": st.decimals(-180, 180, places=6).map(str)}),
    ),
    "image": Sample(
        values=same("file_0h3k5", "x-Y_9"),
        bad=[*NOT_TEXT, *CHARACTERS, ("../etc/passwd", "bad_reference"), ("a b", "bad_reference"), ("x" * 65, "bad_reference")],
        texts=[(" file_1 ", "file_1"), ("", None)],
        strategy=st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    ),
    "integer": Sample(
        values=[(-(2**63), -(2**63)), ("-5", -5), (0, 0), (5.0, 5), ("+9", 9), (2**53 + 1, 2**53 + 1), ("9223372036854775807", 2**63 - 1)],
        bad=[(1.5, "too_many_decimals"), (2**63, "out_of_range"), (-(2**63) - 1, "out_of_range"), (1e300, "out_of_range"), *HUGE,
             *[(v, c) for v, c in NOT_FINITE], (True, "wrong_type"), ("1.5", "bad_format"), ("1e3", "bad_format"), ("9" * 5000, "bad_format"),
             ("１２", "bad_format"), ([], "wrong_type"), ({}, "wrong_type"), (NUL, "bad_format"), (Decimal("1.5"), "too_many_decimals")],
        texts=[("1,234", 1234), (" 7 ", 7), ("", None)],
        strategy=st.integers(-(2**63), 2**63 - 1),
        options=[OptionCase("min", {"min": 1}, read(0), "out_of_range"), OptionCase("max", {"max": 9}, read("10"), "out_of_range"),
                 OptionCase("min", {"min": 2, "max": 1}, Probe.codes, ["bad_limit"])],
    ),
    "json": Sample(
        values=[({"b": [1, 2.5, None, True], "a": {}}, {"b": [1, 2.5, None, True], "a": {}}), ([], []), ({}, {}), ([1.0, 1e15, -0.0], [1, 10**15, 0]),
                ({"文": "字", "": "\n\t"}, {"文": "字", "": "\n\t"}), ([5e-324, 1e-7, 0.1, 1.7976931348623157e-300], [5e-324, 1e-7, 0.1, 1.7976931348623157e-300])],
        bad=[("text", "wrong_type"), (5, "wrong_type"), (True, "wrong_type"), ([float("nan")], "bad_format"), ([1e300], "out_of_range"),
             ([10**5000], "out_of_range"), ({"a": NUL}, "bad_characters"), ({SURROGATE: 1}, "bad_characters"), ({1: 1}, "wrong_type"),
             (["x" * 70000], "too_large"), ([object()], "wrong_type"), (["中" * 30000], "too_large"), ([0] * 10**6, "too_large")],
        texts=[('{"a": [1]}', {"a": [1]}), ("", None)],
        blank=["", " "],
        strategy=st.recursive(st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(-1e15, 1e15) | words,
                              lambda inner: st.lists(inner, max_size=5) | st.dictionaries(words, inner, max_size=5), max_leaves=15)
        .filter(lambda v: isinstance(v, list | dict)),
        options=[OptionCase("max_bytes", {"max_bytes": 5}, read([1, 23, 4]), "too_large"), OptionCase("max_depth", {"max_depth": 1}, read([[]]), "too_large")],
    ),
    "long_text": Sample(
        values=[("a", "a"), ("  one\r\n  two \rthree\n", "one\n  two \nthree"), ("Ü", "Ü"), ("e\u0301\tx", "é\tx"), ("中文\n第二行", "中文\n第二行"), ("😀", "😀")],
        bad=[*NOT_TEXT, *CHARACTERS, ("x" * 32001, "too_long"), ("x" * 5_000_000, "too_long")],
        texts=[("a\nb", "a\nb"), ("", None)],
        strategy=words,
        options=[OptionCase("max_length", {"max_length": 3}, read("abcd"), "too_long"),
                 OptionCase("max_length", {"max_length": 1000, "indexed": True}, Probe.codes, ["too_long_for_index"])],
    ),
    "lookup": Sample(
        doc={"target": ["account", "contact"]},
        values=same("account_11", "contact_55", "account_92233720368547758070"),
        bad=REFERENCE_BAD,
        texts=[(" account_55 ", "account_55"), ("", None)],
        strategy=st.tuples(st.sampled_from(["account", "contact"]), st.integers(1, 2**63 - 1)).map(lambda t: f"{t[0]}_{t[1]}{t[1] % 7}"),
        options=[OptionCase("target", {"target": "account"}, read("contact_55"), "bad_reference"), *ON_DELETE, *relation_cases()],
        elsewhere=("filter", "relationship"),
    ),
    "master_detail": Sample(
        doc={"target": "account"},
        values=same("account_11", "account_55", "account_92233720368547758070"),
        bad=[*REFERENCE_BAD, ("contact_55", "bad_reference")],
        texts=[(" account_55 ", "account_55"), ("", None)],
        strategy=st.integers(1, 2**63 - 1).map(lambda n: f"account_{n}{n % 7}"),
        options=[OptionCase("target", {"target": "contact"}, read("contact_55"), "contact_55"), *relation_cases()],
        elsewhere=("filter", "relationship"),
    ),
    "multi_picklist": Sample(
        doc={"options": OPTIONS},
        values=[(["hot"], ["hot"]), (["cold", "hot", "cold"], ["hot", "cold"]), (["arctic"], ["arctic"]), (["cold", ""], ["cold"])],
        bad=[(5, "wrong_type"), ("hot", "wrong_type"), ({"hot": True}, "wrong_type"), (["hott"], "unknown_option"), ([5], "wrong_type"),
             ([["hot"]], "wrong_type"), (["hot", None], "wrong_type"), (["hot"] * 501, "too_long"), ([NUL], "bad_characters"), (["hot;cold"], "unknown_option")],
        texts=[("cold;Hot Lead", ["hot", "cold"]), ("高意向；cold", ["hot", "cold"]), ("", None), (" ; ", None)],
        blank=["", [], [""]],
        strategy=st.lists(st.sampled_from(["hot", "cold", "arctic"])),
        options=[OptionCase("options", {"options": [{"name": "warm"}]}, read(["warm"]), ["warm"]),
                 OptionCase("picklist", {"picklist": "industry"}, Probe.codes, ["options_or_picklist"]),
                 OptionCase("restricted", {"restricted": False}, read(["zzz", "hot"]), ["hot", "zzz"]),
                 OptionCase("max_selected", {"max_selected": 1}, read(["hot", "cold"]), "too_long"), *dependency(("hot", "cold"))],
    ),
    "number": Sample(
        values=DECIMAL_VALUES, bad=_decimal_bad(), options=_decimal_options(), strategy=decimals,
        texts=[("1,234.5", "1234.50"), ("-.5", "-0.50"), ("", None)],
    ),
    "percent": Sample(
        values=DECIMAL_VALUES, bad=_decimal_bad(), options=_decimal_options(), strategy=decimals,
        texts=[("12.5%", "12.50"), ("12.5 ％", "12.50"), ("100", "100.00"), ("", None)],
    ),
    "person_name": Sample(
        values=[(dict(first="Anna", last="Smith"), dict(salutation=None, first="Anna", middle=None, last="Smith", suffix=None)),
                (dict(salutation="Dr.", first="Bo", middle="M", last="Li", suffix="Jr."), dict(salutation="Dr.", first="Bo", middle="M", last="Li", suffix="Jr.")),
                (dict(last="陈", first="思远"), dict(salutation=None, first="思远", middle=None, last="陈", suffix=None))],
        bad=[("Anna Smith", "wrong_type"), (5, "wrong_type"), ([], "wrong_type"), (True, "wrong_type"), ({"surname": "x"}, "not_allowed"),
             ({"salutation": "Dr."}, "missing_part"), ({"last": NUL}, "bad_characters"), ({"last": 5}, "wrong_type"), ({"last": "x" * 81}, "too_long"),
             ({"first": SURROGATE}, "bad_characters")],
        texts=[("陈思远", dict(salutation=None, first="思远", middle=None, last="陈", suffix=None)),
               ("欧阳修", dict(salutation=None, first="修", middle=None, last="欧阳", suffix=None)),
               ("Smith, Anna", dict(salutation=None, first="Anna", middle=None, last="Smith", suffix=None)),
               ("Anna Maria Smith", dict(salutation=None, first="Anna", middle="Maria", last="Smith", suffix=None)), ("", None)],
        blank=["", {}, {"first": " ", "last": None}],
        strategy=st.fixed_dictionaries({"last": words.filter(str.strip)}, optional={"first": words, "middle": words, "suffix": words, "salutation": words}),
    ),
    "phone": Sample(
        values=[("13812345678", "+8613812345678"), ("+86 138-1234-5678", "+8613812345678"), ("021 6234 5678 ext. 801", "+862162345678;ext=801"),
                ("+44 20 7946 0958", "+442079460958"), ("tel:+1-201-555-0123", "+12015550123"), ("+39 06 6982", "+39066982")],
        bad=[*NOT_TEXT, *CHARACTERS, ("abc", "bad_format"), ("12", "out_of_range"), ("+999 123456", "bad_format"), ("1" * 90, "bad_format"),
             ("1" * 5000, "too_long"), ("+", "bad_format")],
        texts=[("(0)138 1234 5678", "+8613812345678"), ("", None)],
        strategy=st.integers(13000000000, 13999999999).map(str),
        options=[OptionCase("country", {"country": "DE"}, read("030 123456"), "+4930123456"),
                 OptionCase("country", {"country": "XX"}, Probe.codes, ["unknown_country"]),
                 OptionCase("display", {"display": "national"}, lambda p: p.codec.to_text("+8613812345678"), "138 1234 5678"),
                 OptionCase("strict", {"strict": True}, read("+1 201 055 0123"), "out_of_range")],
    ),
    "picklist": Sample(
        doc={"options": OPTIONS},
        values=same("arctic", "cold", "hot"),
        bad=CHOICE_BAD,
        texts=[("hot", "hot"), ("HOT lead", "hot"), ("高意向", "hot"), ("", None)],
        strategy=st.sampled_from(["hot", "cold", "arctic"]),
        options=[OptionCase("options", {"options": [{"name": "warm"}]}, read("warm"), "warm"),
                 OptionCase("picklist", {"picklist": "industry"}, Probe.codes, ["options_or_picklist"]),
                 OptionCase("restricted", {"restricted": False}, read("Tepid"), "Tepid"), *dependency("cold")],
    ),
    "rating": Sample(
        values=[(1, 1), ("3", 3), (5.0, 5)],
        bad=[(0, "out_of_range"), (6, "out_of_range"), (-1, "out_of_range"), (2.5, "too_many_decimals"), (True, "wrong_type"), ("five", "bad_format"),
             (10**5000, "out_of_range"), (float("nan"), "bad_format"), ([], "wrong_type"), (NUL, "bad_format")],
        texts=[(" 4 ", 4), ("", None)],
        strategy=st.integers(1, 5),
        options=[OptionCase("max", {"max": 10}, read(10), 10)],
    ),
    "rich_text": Sample(
        values=[("<p>Hi <b>you</b></p>", "<p>Hi <b>you</b></p>"), ("<p onclick='x()'>a</p>", "<p>a</p>"), ("b<script>alert(1)</script>", "b"),
                ('<a href="https://x.cn">l</a>', '<a href="https://x.cn" rel="noopener noreferrer nofollow">l</a>'),
                ('<a href="javascript:x">l</a>', '<a rel="noopener noreferrer nofollow">l</a>'), ("a<img src=x onerror=alert(1)>", "a"),
                ("<style>p{}</style>c", "c"), ("1 < 2 & 3", "1 &lt; 2 &amp; 3"), ("<div>x<!-- c --></div>", "<div>x</div>")],
        bad=[*NOT_TEXT, *CHARACTERS, ("<p>a&#1;</p>", "bad_characters"), ("x" * 32001, "too_long"), ("x" * 5_000_000, "too_long")],
        texts=[("<i>a</i>", "<i>a</i>"), ("", None)],
        blank=["", "<p></p>", "<p> &nbsp; <br></p>", "<script>x</script>"],
        strategy=st.lists(st.sampled_from(MARKUP) | words, max_size=12).map("".join),
        options=[OptionCase("max_length", {"max_length": 8}, read("<b>abc</b>"), "too_long")],
    ),
    "secret": Sample(
        values=[("s3cret ", {"set": True}), ("a\u0301", {"set": True})],
        bad=[(5, "wrong_type"), (True, "wrong_type"), ([], "wrong_type"), ({"set": True}, "wrong_type"), (1.5, "wrong_type"), (NUL, "bad_characters"),
             (SURROGATE, "bad_characters"), ("x" * 4001, "too_long")],
        texts=[("abc", {"set": True}), ("", None)],
        strategy=words,
        options=[OptionCase("max_length", {"max_length": 3}, read("abcd"), "too_long")],
    ),
    "stage": Sample(
        doc={"options": OPTIONS},
        values=same("arctic", "cold", "hot"),
        bad=CHOICE_BAD,
        texts=[("hot", "hot"), ("高意向", "hot"), ("", None)],
        strategy=st.sampled_from(["hot", "cold", "arctic"]),
        options=[OptionCase("options", {"options": [{"name": "warm"}]}, read("warm"), "warm"),
                 OptionCase("options", {"options": [{"name": "warm"}, {"name": "warm"}]}, Probe.codes, ["duplicate_name"])],
        elsewhere=("pipelines",),
    ),
    "tags": Sample(
        values=[(["VIP", "vip", " trade  fair "], ["trade  fair", "VIP"]), (["展会"], ["展会"]), (["a%", "a_"], ["a%", "a_"])],
        bad=[("VIP", "wrong_type"), (5, "wrong_type"), ({}, "wrong_type"), ([5], "wrong_type"), ([None], "wrong_type"), (["a;b"], "bad_characters"), (["x" * 61], "too_long"),
             ([str(i) for i in range(51)], "too_long"), ([NUL], "bad_characters"), (["x"] * 100000, "too_long")],
        texts=[("b;a;；A", ["a", "b"]), ("", None)],
        blank=["", [], [""]],
        strategy=st.lists(words.filter(lambda w: ";" not in w), max_size=20),
        options=[OptionCase("max_tags", {"max_tags": 1}, read(["a", "b"]), "too_long")],
    ),
    "text": Sample(
        values=[("A", "A"), ("Z", "Z"), ("a", "a"), (" b\n c ", "b  c"), ("e\u0301", "é"), ("陈思远", "陈思远"), ("\uff21", "\uff21"), ("😀", "😀"), ("x' OR 1=1 --", "x' OR 1=1 --")],
        bad=[*NOT_TEXT, *CHARACTERS, ("x" * 256, "too_long"), ("x" * 5_000_000, "too_long")],
        texts=[(" a ", "a"), ("", None)],
        strategy=words,
        options=[OptionCase("max_length", {"max_length": 3}, read("abcd"), "too_long"), OptionCase("min_length", {"min_length": 3}, read("ab"), "too_short"),
                 OptionCase("min_length", {"min_length": 300}, Probe.codes, ["bad_limit"]),
                 OptionCase("pattern", {"pattern": "[A-Z]{2}"}, read("ABC"), "pattern"),
                 OptionCase("pattern", {"pattern": "(?=a)"}, Probe.codes, ["bad_pattern"]),
                 OptionCase("pattern_message", {"pattern_message": "x"}, Probe.codes, ["unused_option"]),
                 OptionCase("max_length", {"max_length": 601, "unique": True}, Probe.codes, ["too_long_for_index"])],
    ),
    "time": Sample(
        values=[("00:00", "00:00:00"), ("08:30:15", "08:30:15"), ("08:30:15.5", "08:30:15.500000"), ("23:59:59.999999", "23:59:59.999999")],
        bad=[("24:00", "out_of_range"), ("12:60", "out_of_range"), ("8:30", "bad_format"), ("08:30Z", "bad_format"), ("08:30+08:00", "bad_format"),
             (830, "wrong_type"), (True, "wrong_type"), ("0830", "bad_format"), (NUL, "bad_format"), ([], "wrong_type"), ("08:30:00.1234567", "bad_format")],
        texts=[("8:30", "08:30:00"), ("", None)],
        strategy=st.times().map(str),
        options=[OptionCase("min", {"min": "08:00"}, read("07:59"), "out_of_range"), OptionCase("max", {"max": "20:00"}, read("20:01"), "out_of_range"),
                 OptionCase("min", {"min": "25:00"}, Probe.codes, ["bad_limit"])],
    ),
    "url": Sample(
        values=[("https://Example.com/A?b=c#d", "https://example.com/A?b=c#d"), ("example.com", "https://example.com"), ("HTTP://x.cn:8080/", "http://x.cn:8080/"),
                ("mailto:a@b.co", "mailto:a@b.co"), ("tel:+8613812345678", "tel:+8613812345678"), ("http://[::1]/x", "http://[::1]/x"), ("例子.中国/路", "https://例子.中国/路")],
        bad=[*NOT_TEXT, *CHARACTERS, ("javascript:alert(1)", "not_allowed"), ("JaVaScRiPt:alert(1)", "not_allowed"), ("java\nscript:alert(1)", "bad_characters"),
             ("data:text/html,x", "not_allowed"), ("ftp://x.cn", "not_allowed"), ("vbscript:x", "not_allowed"), ("https://", "bad_format"), ("https:///x", "bad_format"),
             ("//x.cn", "bad_format"), ("https://a:b@x.cn", "not_allowed"), ("https://x.cn\\@y.cn", "bad_characters"), ("http://x y.cn", "bad_characters"),
             ("https://x.cn:99999", "bad_format"), ("word", "bad_format"), ("mailto:", "bad_format"), ("http://[::1", "bad_format"), ("https://x.cn/" + "a" * 2048, "too_long")],
        texts=[("x.cn", "https://x.cn"), ("", None)],
        strategy=st.from_regex(r"https?://[a-z]{1,9}\.[a-z]{2,5}(/[A-Za-z0-9._~-]{0,9})?(\?[a-z]=[0-9])?", fullmatch=True),
        options=[OptionCase("schemes", {"schemes": ["https"]}, read("http://x.cn"), "not_allowed")],
    ),
    "user": Sample(
        values=same("user_11", "user_55"),
        bad=[*REFERENCE_BAD, ("account_55", "bad_reference")],
        texts=[(" user_55 ", "user_55"), ("", None)],
        strategy=st.integers(1, 2**63 - 1).map(lambda n: f"user_{n}{n % 7}"),
        options=[*ON_DELETE, OptionCase("relationship_label", {"relationship_label": "Deals"}, Probe.codes, ["unused_option"])],
        elsewhere=("filter", "relationship"),
    ),
}  # fmt: skip


def doc_of(name: str, **extra: Any) -> dict[str, Any]:
    """Return the field document that the samples of type ``name`` belong to."""
    return {"name": "probe", "type": name, **SAMPLES[name].doc, **extra}


def codec_of(name: str, **extra: Any) -> Codec:
    """Return the compiled sample field of type ``name``."""
    return field_types()[name].compile(doc_of(name, **extra), Tenant())


def probe_of(name: str, **extra: Any) -> Probe:
    """Return the sample field of type ``name`` for the cases of options."""
    return Probe(field_types()[name], doc_of(name, **extra))

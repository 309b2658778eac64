"""Values as cells: escaped, in the reader's language, and only safe addresses as links."""

from __future__ import annotations

import json

import pytest

from trellis.fields import field_types
from trellis_admin.assets import DIST
from trellis_admin.i18n import LANGUAGES
from trellis_admin.renderers import RenderContext, columns, render_value
from trellis_admin.renderers.registry import renderers

EN, ZH = RenderContext(LANGUAGES["en"]), RenderContext(LANGUAGES["zh"])
HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'


def _text(kind, value, context=EN, **more):
    return str(render_value({"name": "f", "type": kind, **more}, value, context))


@pytest.mark.parametrize("kind", sorted(field_types()))
def test_no_type_lets_markup_of_a_value_through(kind):
    value = {"tags": [HOSTILE], "multi_picklist": [HOSTILE], "address": {"street": HOSTILE}, "person_name": {"first": HOSTILE},
             "geolocation": {"latitude": HOSTILE, "longitude": HOSTILE}, "rating": 3, "boolean": True,
             "currency": {"amount": HOSTILE, "currency": HOSTILE}}.get(kind, HOSTILE)  # fmt: skip
    html = _text(kind, value)
    assert "<script" not in html
    assert "<img src=x" not in html


def test_every_field_type_has_a_renderer():
    assert set(field_types()) - set(renderers()) == set()


@pytest.mark.skipif(not (DIST / "manifest.json").exists(), reason="the front end is not built")
def test_every_field_type_has_its_icon_in_the_sprite():
    icons = set(json.loads((DIST / "manifest.json").read_text())["icons"])
    assert {t.icon for t in field_types().values()} - icons == set()


@pytest.mark.parametrize("address", ["javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "data:text/html,x",
                                     "vbscript:x", "//evil.example", "\tjavascript:alert(1)"])  # fmt: skip
def test_an_unsafe_address_is_shown_as_text(address):
    assert "<a" not in _text("url", address)


@pytest.mark.parametrize(
    "address", ["https://example.com", "http://example.com/a?b=c", "mailto:a@example.com", "tel:+861"]
)
def test_a_safe_address_is_a_link(address):
    assert _text("url", address).startswith("<a ")


@pytest.mark.parametrize(
    ("kind", "value", "english", "chinese"),
    [
        # Formats of CLDR for en and zh_Hans_CN.
        ("integer", "1234567", "1,234,567", "1,234,567"),
        ("number", "12.500", "12.500", "12.500"),
        ("percent", "37.50", "37.5%", "37.5%"),
        ("percent", "100", "100%", "100%"),
        ("currency", {"amount": "120200.00", "currency": "CNY"}, "CN¥120,200", "¥120,200"),
        ("currency", {"amount": "0.30", "currency": "USD"}, "$0.30", "US$0.30"),
        ("currency", {"amount": "9999999999999999.99", "currency": "CNY"}, "CN¥9,999,999,999,999,999.99", "¥9,999,999,999,999,999.99"),
    ],
)  # fmt: skip
def test_numbers_are_exact_and_follow_the_language(kind, value, english, chinese):
    assert english in _text(kind, value)
    assert chinese in _text(kind, value, ZH)


def test_dates_follow_the_language():
    assert "Nov 26, 2026" in _text("date", "2026-11-26")
    assert "2026-11-26" in _text("date", "2026-11-26", ZH)


def test_a_moment_is_shown_in_the_readers_time_zone():
    from zoneinfo import ZoneInfo

    context = RenderContext(LANGUAGES["zh"], time_zone=ZoneInfo("Asia/Shanghai"))
    assert "2026-11-22 16:30" in _text("datetime", "2026-11-22T08:30:00Z", context)


def test_a_chinese_name_has_the_family_name_first():
    assert "王建国" in _text("person_name", {"first": "建国", "last": "王"})
    assert "Grace Hopper" in _text("person_name", {"first": "Grace", "last": "Hopper"})


def test_nothing_is_a_dash():
    assert "–" in _text("text", None)


def test_a_record_without_a_name_can_still_be_opened():
    column = columns([{"name": "name", "type": "text"}], ["Name"], EN, name_field="name", row_url=lambda r: "/o/x/x_1",
                     editable=lambda n: True)[0]  # fmt: skip
    html = column.cell({"id": "x_1", "name": None})
    assert 'href="/o/x/x_1"' in html
    assert "x_1</a>" in html

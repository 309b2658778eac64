"""The foot of a list says when a total was converted, and when a count is an estimate."""

from __future__ import annotations

import html
import re

import pytest

from trellis_admin.views import lists


def _foot(client, url: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", client.get(url).text.split('class="t-foot"')[1].split("<nav")[0]))


@pytest.mark.parametrize(("language", "word"), [("en", "(converted)"), ("zh", "（已折算）")])
def test_total_over_several_currencies_is_called_converted(admin, language, word):
    admin.set_cookie("lang", language)
    foot = _foot(admin, "/o/deal")
    assert re.search(r"≈ (CN)?¥[\d,.]+ ?" + re.escape(word), foot), foot


def test_total_over_the_organisations_currency_is_exact(admin):
    foot = _foot(admin, "/o/deal?f=amount.currency:%3D:CNY")
    assert "¥" in foot and "≈" not in foot


def test_estimated_count_is_marked(admin, monkeypatch):
    real = lists.run

    def estimated(query):
        from dataclasses import replace

        return replace(real(query), total=1_200_000, total_exact=False)

    monkeypatch.setattr(lists, "run", estimated)
    assert "≈ 1,200,000 records" in _foot(admin, "/o/deal")

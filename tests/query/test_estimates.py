"""Totals: exact when asked, estimated for large counts where the database can."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from support.kernel import page

from trellis.query import InvalidQuery, estimates
from trellis.tenant import Tenant

TENTH = {"field": "k", "op": "<", "value": 6}


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates, "EXACT_UP_TO", 20)


def analyse(tenant: Tenant) -> None:
    with tenant.database.writing() as connection:
        connection.execute(sa.text("ANALYZE"))


def test_small_count_is_exact(shop: Tenant) -> None:
    answer = page(shop, "item", filter=TENTH, total="estimate")
    assert (answer.total, answer.total_exact) == (6, True)


def test_large_count_is_estimated_near_the_truth_or_counted(shop: Tenant) -> None:
    analyse(shop)
    answer = page(shop, "item", total="estimate", limit=5)
    assert len(answer.rows) == 5
    if shop.database.is_sqlite:
        assert (answer.total, answer.total_exact) == (60, True)
    else:
        assert answer.total_exact is False
        assert 21 <= answer.total <= 90


def test_estimate_never_falls_below_what_was_counted(shop: Tenant) -> None:
    # Without statistics the planner guesses; with this filter far too little.
    same = {"and": [{"field": f, "op": "is_not_blank"} for f in ("k", "created_at", "modified_at", "owner.name")]}
    everything = {"or": [same, {"field": "k", "op": ">=", "value": 0}]}
    answer = page(shop, "item", filter=everything, total="estimate")
    assert answer.total is not None and answer.total >= 21


def test_exact_count_stays_exact(shop: Tenant) -> None:
    answer = page(shop, "item", total=True)
    assert (answer.total, answer.total_exact) == (60, True)


@pytest.mark.parametrize("asked", ["roughly", 1, []])
def test_other_words_are_refused(shop: Tenant, asked: object) -> None:
    with pytest.raises(InvalidQuery, match="'total'"):
        page(shop, "item", total=asked)

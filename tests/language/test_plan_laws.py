"""Laws of plans, for any two snapshots."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from language.strategies import LANGUAGE, snapshots

from trellis_metadata.plan import Plan, diff
from trellis_metadata.snapshot import Snapshot

pytestmark = pytest.mark.slow
laws = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=120)


def as_json(snapshot: Snapshot) -> object:
    return [json.loads(json.dumps(d)) for d in snapshot]


@laws
@given(snapshots(), snapshots())
def test_plan_leads_from_base_to_target(a: Snapshot, b: Snapshot) -> None:
    reached = diff(a, b, LANGUAGE).apply(a)
    assert (reached.hash, as_json(reached)) == (b.hash, as_json(b))


@laws
@given(snapshots(), snapshots())
def test_inverse_plan_leads_back(a: Snapshot, b: Snapshot) -> None:
    plan = diff(a, b, LANGUAGE)
    back = plan.inverse(a).apply(b)
    assert (back.hash, as_json(back)) == (a.hash, as_json(a))


@laws
@given(snapshots())
def test_nothing_leads_from_a_snapshot_to_itself(a: Snapshot) -> None:
    assert diff(a, a, LANGUAGE).operations == ()


@laws
@given(snapshots(), snapshots())
def test_plan_survives_json(a: Snapshot, b: Snapshot) -> None:
    plan = diff(a, b, LANGUAGE)
    again = Plan.from_json(json.loads(json.dumps(plan.to_json())))
    assert (again, again.hash) == (plan, plan.hash)


@laws
@given(snapshots(), snapshots(), st.randoms())
def test_order_of_documents_does_not_change_the_plan(a: Snapshot, b: Snapshot, random: object) -> None:
    shuffled = list(b)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    checked, _ = LANGUAGE.check(shuffled)
    assert checked is not None
    assert diff(a, checked, LANGUAGE).to_json() == diff(a, b, LANGUAGE).to_json()


@laws
@given(snapshots(), snapshots())
def test_every_operation_describes_itself_in_one_line(a: Snapshot, b: Snapshot) -> None:
    for language in ("en", "zh"):
        lines = diff(a, b, LANGUAGE).describe(language)
        assert all(line and "\n" not in line for line in lines)


@laws
@given(snapshots())
def test_definitions_give_their_documents_back(a: Snapshot) -> None:
    assert [LANGUAGE.kind(d["kind"]).read(d).to_json() for d in a] == list(a)

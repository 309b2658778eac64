"""What the demo's generator tells, before anything is written."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import phonenumbers
import pytest

from trellis.packs.demo import DemoRecord, NoDemo, Ref, generate, generators
from trellis.packs.demo.crm.times import YEARS_BACK_DAYS

TODAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def records() -> list[DemoRecord]:
    return generate("crm", TODAY)


def of(records: list[DemoRecord], name: str) -> list[dict[str, Any]]:
    return [r.values for r in records if r.object == name]


def test_same_day_and_seed_tell_the_same_story(records: list[DemoRecord]) -> None:
    assert generate("crm", TODAY) == records


@pytest.mark.slow
def test_story_does_not_depend_on_the_hash_seed_of_the_process(records: list[DemoRecord]) -> None:
    code = (
        "from datetime import date; from hashlib import sha256; from trellis.packs.demo import generate;"
        f"print(sha256(repr(generate('crm', date({TODAY.year}, {TODAY.month}, {TODAY.day}))).encode()).hexdigest())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, env={"PYTHONHASHSEED": seed}, timeout=60
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def test_other_seed_tells_another_story(records: list[DemoRecord]) -> None:
    assert generate("crm", TODAY, seed=1) != records


def test_story_has_about_two_thousand_records(records: list[DemoRecord]) -> None:
    assert 1800 <= len(records) <= 2300


def test_every_reference_leads_to_a_record(records: list[DemoRecord]) -> None:
    known = {r.ref for r in records}
    assert [ref for r in records for ref in r.references() if ref not in known] == []


def test_records_are_spread_over_two_years_and_none_is_from_the_future(records: list[DemoRecord]) -> None:
    days = sorted(r.values["created_at"][:10] for r in records if r.object in ("account", "lead", "deal"))
    oldest, newest = TODAY - timedelta(days=YEARS_BACK_DAYS + 60), TODAY
    assert oldest.isoformat() <= days[0] < (TODAY - timedelta(days=600)).isoformat()
    assert days[-1] < newest.isoformat()


def test_no_record_was_changed_before_it_was_made(records: list[DemoRecord]) -> None:
    assert [r for r in records if r.values["modified_at"] < r.values["created_at"]] == []


def test_nothing_is_about_a_record_that_came_later(records: list[DemoRecord]) -> None:
    made = {r.ref: r.values["created_at"][:10] for r in records}
    activities = [r for r in records if isinstance(r.values.get("regarding"), Ref)]
    assert [r for r in activities if made[r.values["regarding"]] > made[r.ref]] == []


def test_half_of_the_accounts_are_chinese(records: list[DemoRecord]) -> None:
    countries = Counter(a["address"]["country"] == "CN" for a in of(records, "account"))
    assert countries == {True: 60, False: 60}


def test_every_telephone_number_is_valid_in_its_country(records: list[DemoRecord]) -> None:
    written = [r.values[k] for r in records for k in ("phone", "mobile") if k in r.values]
    assert [n for n in written if not phonenumbers.is_valid_number(phonenumbers.parse(n))] == []


def test_some_open_deals_are_overdue_and_some_are_big(records: list[DemoRecord]) -> None:
    is_open = [d for d in of(records, "deal") if d["stage"] not in ("won", "lost")]
    assert len([d for d in is_open if d["close_date"] < TODAY.isoformat()]) >= 5
    assert len([d for d in of(records, "deal") if float(d["amount"]["amount"]) >= 1_000_000]) >= 5


def test_good_channels_bring_better_leads(records: list[DemoRecord]) -> None:
    def mean(channel: str) -> float:
        scores = [lead["score"] for lead in of(records, "lead") if lead["lead_channel"] == channel]
        return sum(scores) / len(scores)

    assert mean("referral") > mean("webinar") > mean("new_media")


def test_amounts_are_in_two_currencies(records: list[DemoRecord]) -> None:
    assert {d["amount"]["currency"] for d in of(records, "deal")} == {"CNY", "USD"}


def test_eight_users_form_a_hierarchy_with_one_head(records: list[DemoRecord]) -> None:
    managers = [u.get("manager") for u in of(records, "user")]
    assert (len(managers), managers.count(None)) == (8, 1)


def test_pack_without_generator_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(generators, "pack_folder", lambda name: tmp_path)
    with pytest.raises(NoDemo):
        generate("education", TODAY)

"""Odd lives of packs: parts that come and go, migrations that stop, packs removed in any order. On both databases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from packs.samples import base_pack, label, school_pack, write_pack
from packs.test_life import customise, doc, put, take
from support.copies import OpenCopy
from support.kernel import create, undo, values

from trellis.packs import apply, migrations, plan_install
from trellis.packs.migrations import MigrationFailed, run_pending
from trellis.packs.planning import PackConflict
from trellis.tenant import Tenant


@pytest.fixture
def tenant(open_copy: OpenCopy) -> Tenant:
    return open_copy()


@pytest.fixture
def with_base(open_copy: OpenCopy, tmp_path: Path) -> Tenant:
    return open_copy("pack base", lambda tenant: put(tenant, base_pack(tmp_path / "first")))


@pytest.fixture
def with_school(open_copy: OpenCopy, tmp_path: Path) -> Tenant:
    def build(tenant: Tenant) -> None:
        put(tenant, base_pack(tmp_path / "first"))
        put(tenant, school_pack(tmp_path / "first"))

    return open_copy("packs base and school", build)


def test_part_that_was_left_out_stays_out_at_an_upgrade(with_base: Tenant, tmp_path: Path) -> None:
    put(with_base, school_pack(tmp_path), slices=[])
    put(with_base, school_pack(tmp_path, "1.1.0"))
    assert doc(with_base, "object", "lesson") is None


def test_part_that_the_vendor_no_longer_names_does_not_stop_the_upgrade(with_school: Tenant, tmp_path: Path) -> None:
    put(with_school, school_pack(tmp_path, "1.1.0", lambda d, p: p.pop("slices")))
    assert doc(with_school, "object", "lesson") is not None


def test_part_that_is_new_in_a_version_comes_as_it_recommends(with_school: Tenant, tmp_path: Path) -> None:
    part = {"name": "lists", "label": label("Lists", "列表"), "documents": ["list_view/students"]}
    put(with_school, school_pack(tmp_path, "1.1.0", lambda d, p: p["slices"].append(part)))
    assert doc(with_school, "list_view", "students") is not None
    assert doc(with_school, "pack", "school")["installed"]["slices"] == ["lessons", "lists"]


def test_refused_migration_is_run_before_those_of_a_later_version(with_school: Tenant, tmp_path: Path) -> None:
    create(with_school, "student", {"name": "A", "grade": 1})
    first = {"version": "1.1.0", "steps": [{"object": "student", "set": {"grade": 13}}]}
    with pytest.raises(MigrationFailed):
        put(with_school, school_pack(tmp_path, "1.1.0", migrations=[first]))
    second = {
        "version": "1.2.0",
        "steps": [{"object": "student", "where": {"field": "grade", "op": "=", "value": 13}, "set": {"hours": 7}}],
    }
    put(
        with_school,
        school_pack(tmp_path, "1.2.0", lambda d, p: d["student"].pop("validation"), migrations=[first, second]),
    )
    assert (values(with_school, "student", "grade"), values(with_school, "student", "hours")) == ([13], [7])


def test_refused_migration_waits_through_a_change_of_options(with_school: Tenant, tmp_path: Path) -> None:
    create(with_school, "student", {"name": "A", "grade": 1})
    first = {"version": "1.1.0", "steps": [{"object": "student", "set": {"grade": 13}}]}
    source = school_pack(tmp_path, "1.1.0", migrations=[first])
    with pytest.raises(MigrationFailed):
        put(with_school, source)
    customise(with_school, "student", lambda d: d.update(validation=[]))
    put(with_school, source, options={"pool_hours": 30})
    assert values(with_school, "student", "grade") == [13]


def test_resumed_step_does_not_treat_a_record_twice(
    with_school: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "BATCH", 2)
    create(
        with_school, "student", *({"name": n, "grade": 1, "step": "lead"} for n in "ABC"), {"name": "D", "step": "paid"}
    )
    customise(
        with_school,
        "student",
        lambda d: d["validation"].append({"name": "x_d", "when": "name = 'D' && step = 'lead'", "message": "No."}),
    )
    steps = [{"version": "1.1.0", "steps": [{"object": "student", "map": {"step": {"lead": "paid", "paid": "lead"}}}]}]
    with pytest.raises(MigrationFailed):
        put(with_school, school_pack(tmp_path, "1.1.0", migrations=steps))
    customise(with_school, "student", lambda d: d["validation"].pop())
    run_pending(with_school)
    assert values(with_school, "student", "step") == ["paid", "paid", "paid", "lead"]


def other_pack(folder: Path) -> Any:
    part = {
        "kind": "object",
        "name": "client",
        "validation": [{"name": "oth_rule", "when": "LEN(name) > 90", "message": label("Long.", "过长。")}],
    }
    pack = {"name": "other", "label": label("Other", "其他"), "prefix": "oth", "requires": [{"name": "base"}]}
    return write_pack(folder / "other", pack, [], {"base": [part]})


@pytest.mark.parametrize("order", [("school", "other"), ("other", "school")])
def test_packs_removed_in_any_order_leave_the_metadata_of_before(
    with_base: Tenant, tmp_path: Path, order: tuple[str, str]
) -> None:
    before = with_base.model().snapshot
    put(with_base, school_pack(tmp_path))
    put(with_base, other_pack(tmp_path))
    for name in order:
        take(with_base, name)
    after = with_base.model().snapshot
    assert [json.dumps(d) for d in after] == [json.dumps(d) for d in before]


def test_dropped_values_in_objects_of_others_do_not_come_back(with_school: Tenant, tmp_path: Path) -> None:
    create(with_school, "client", {"name": "A", "edu_children": 2})
    take(with_school, data="drop")
    put(with_school, school_pack(tmp_path))
    assert values(with_school, "client", "edu_children") == [None]


def test_values_in_objects_of_others_are_written_out(with_school: Tenant, tmp_path: Path) -> None:
    create(with_school, "client", {"name": "A", "edu_children": 2}, {"name": "B"})
    take(with_school, data="export", export=tmp_path / "out")
    lines = (tmp_path / "out" / "client.ndjson").read_text(encoding="utf-8").splitlines()
    assert not any("city" in json.loads(line) for line in lines)
    assert [json.loads(line)["edu_children"] for line in lines] == [2, None]


def test_records_that_were_kept_are_migrated_when_a_later_version_brings_them_back(
    with_school: Tenant, tmp_path: Path
) -> None:
    create(with_school, "student", {"name": "A", "grade": 3})
    take(with_school)
    steps = [{"version": "1.1.0", "steps": [{"object": "student", "set": {"hours": 7}}]}]
    put(with_school, school_pack(tmp_path, "1.1.0", migrations=steps))
    assert (values(with_school, "student", "grade"), values(with_school, "student", "hours")) == ([3], [7])


def test_undo_of_a_removal_that_dropped_gives_empty_objects(with_school: Tenant) -> None:
    create(with_school, "student", {"name": "A", "grade": 3})
    take(with_school, data="drop")
    undo(with_school)
    assert values(with_school, "student", "name") == []
    create(with_school, "student", {"name": "B"})
    assert values(with_school, "student", "name") == ["B"]


def test_step_over_a_part_that_is_not_installed_is_passed_over(with_base: Tenant, tmp_path: Path) -> None:
    put(with_base, school_pack(tmp_path), slices=[])
    create(with_base, "student", {"name": "A"})
    steps = [{"object": "lesson", "set": {"name": "B"}}, {"object": "student", "set": {"hours": 7}}]
    put(with_base, school_pack(tmp_path, "1.1.0", migrations=[{"version": "1.1.0", "steps": steps}]))
    assert values(with_base, "student", "hours") == [7]


def test_upgrade_that_gives_the_pack_another_prefix_is_refused(with_school: Tenant, tmp_path: Path) -> None:
    with pytest.raises(PackConflict, match="keeps its prefix"):
        plan_install(with_school, school_pack(tmp_path, "1.1.0", lambda d, p: p.update(prefix="sch")))


TWICE = {"name": "x_twice", "type": "formula", "returns": "number", "formula": "grade * 2"}
ABOVE = {"field": "grade", "op": ">", "value": 1}
REFERRERS: dict[str, Any] = {
    "formula": ("student", "object", lambda d: d["fields"].append(TWICE)),
    "filter": ("students", "list_view", lambda d: d.update(filter=ABOVE)),
    "rule": (
        "student",
        "object",
        lambda d: d["validation"].append({"name": "x_r", "when": "grade = 7", "message": "No."}),
    ),
}


@pytest.mark.parametrize("what", REFERRERS)
def test_field_the_vendor_removes_stays_where_something_uses_it(with_school: Tenant, tmp_path: Path, what: str) -> None:
    create(with_school, "student", {"name": "A", "grade": 3})
    name, kind, change = REFERRERS[what]
    customise(with_school, name, change, kind)

    def theirs(d: Any, p: Any) -> None:
        d["student"]["fields"].pop(2)
        d["student"].pop("validation")
        d["student_page"]["sections"][0]["cells"] = [["name", "parent"], ["step"]]
        d["students"]["columns"] = ["name", "step"]

    newer = school_pack(tmp_path, "1.1.0", theirs)
    plan = plan_install(with_school, newer)
    assert [c.reason for c in plan.conflicts] == ["still_used"]
    apply(with_school, plan, confirm=plan.hash)
    assert values(with_school, "student", "grade") == [3]

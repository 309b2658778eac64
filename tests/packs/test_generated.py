"""Walks through pipelines and the permission matrix, as metadata give them: what they find, and that faults are found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packs.samples import label, write_pack

from trellis.access import writing
from trellis.packs.checking import check_pack
from trellis.packs.generated import run_generated
from trellis.packs.generated.check import Check
from trellis.packs.generated.rights import field_level, granted, rights_on
from trellis.packs.scratch import Scratch, scratch
from trellis.pipelines import guarding
from trellis.pipelines.pipeline import Pipeline

PIPELINE: dict[str, Any] = {
    "kind": "pipeline",
    "name": "course_way",
    "object": "course",
    "field": "stage",
    "label": label("Way", "路径"),
    "stages": [
        {"name": "plan", "label": label("Plan", "计划")},
        {
            "name": "open",
            "label": label("Open", "开放"),
            "requires": ["room", "teacher"],
            "activities": [{"name": "paint", "label": label("Paint", "粉刷"), "required": True}],
        },
        {"name": "full", "label": label("Full", "满员"), "enter_when": "seats >= 8", "requires": ["plan_file"]},
        {"name": "done", "label": label("Done", "完成"), "closed": "won", "enter_when": 'AND(seats > 3, room != "x")'},
        {"name": "off", "label": label("Off", "取消"), "closed": "lost"},
        {"name": "never", "label": label("Never", "从不"), "enter_when": "AND(seats > 5, seats < 4)"},
    ],
    "moves": [
        ["plan", "open"],
        ["open", "full"],
        ["open", "plan"],
        ["full", "done"],
        ["plan", "off"],
        ["open", "off"],
        ["plan", "never"],
    ],
}
DOCUMENTS: list[dict[str, Any]] = [
    {
        "kind": "object",
        "name": "teacher",
        "label": label("Teacher", "教师"),
        "fields": [{"name": "name", "type": "text", "required": True, "label": label("Name", "姓名")}],
    },
    {
        "kind": "object",
        "name": "course",
        "label": label("Course", "课程"),
        "sharing": {"default": "private"},
        "fields": [
            {"name": "name", "type": "text", "required": True, "unique": True, "label": label("Name", "名称")},
            {"name": "seats", "type": "integer", "label": label("Seats", "座位")},
            {"name": "room", "type": "text", "label": label("Room", "教室")},
            {"name": "fee", "type": "number", "label": label("Fee", "费用")},
            {"name": "teacher", "type": "lookup", "target": "teacher", "label": label("Teacher", "教师")},
            {"name": "plan_file", "type": "file", "label": label("Plan", "计划")},
            {"name": "stage", "type": "stage", "pipelines": ["course_way"], "label": label("Stage", "阶段")},
        ],
    },
    PIPELINE,
    {
        "kind": "permission_set",
        "name": "reader",
        "label": label("Reader", "读者"),
        "objects": [{"name": "course", "rights": ["read"], "fields": [{"name": "fee", "access": "none"}]}],
    },
    {
        "kind": "permission_set",
        "name": "planner",
        "label": label("Planner", "计划员"),
        "includes": ["reader"],
        "every_object": ["read"],
        "objects": [
            {"name": "course", "rights": ["create", "edit"], "fields": [{"name": "fee", "access": "read"}]},
            {"name": "teacher", "rights": ["create"]},
        ],
    },
]


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scratch]:
    pack = write_pack(tmp_path_factory.mktemp("school"), {"name": "school", "prefix": "sch"}, DOCUMENTS)
    snapshot, found = check_pack(pack, {})
    assert found == []
    with scratch(snapshot) as made:
        yield made


@pytest.fixture(scope="module")
def checks(maker: Scratch) -> dict[str, Check]:
    return {c.what: c for c in run_generated(maker, ["course"])}


def failed(maker: Scratch) -> set[str]:
    return {c.what for c in run_generated(maker, ["course"]) if c.result == "failed"}


def test_walks_reach_every_stage_that_can_be_reached(checks: dict[str, Check]) -> None:
    found = {w: c for w, c in checks.items() if "is reached" in w}
    assert len(found) == 6
    unreached = {w: c.detail for w, c in found.items() if c.result != "passed"}
    assert list(unreached) == ["pipeline 'course_way': stage 'never' is reached"]
    assert all(unreached.values()), "it says why"


def test_forbidden_moves_were_tried_and_refused(checks: dict[str, Check]) -> None:
    check = checks["pipeline 'course_way': what it forbids is refused"]
    assert check.result == "passed"
    assert int(check.detail.split()[0]) >= 10


def test_walks_find_an_engine_that_lets_records_go_anywhere(maker: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pipeline, "may_move", lambda self, old, new: True)
    assert "pipeline 'course_way': what it forbids is refused" in failed(maker)


@pytest.mark.parametrize("part", ["_judge_fields", "_judge_activities"])
def test_walks_find_an_engine_that_asks_for_nothing(maker: Scratch, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    monkeypatch.setattr(guarding, part, lambda *args: None)
    assert "pipeline 'course_way': required fields and activities hold" in failed(maker)


def test_matrix_says_what_each_set_may(checks: dict[str, Check]) -> None:
    found = {w for w, c in checks.items() if c.result == "passed" and "may" in w}
    assert {
        "'reader' may read",
        "'reader' may not create",
        "'reader' may not edit",
        "'reader' may not delete",
        "'planner' may create",
        "'planner' may edit",
        "'planner' may not delete",
    } <= found
    assert [w for w, c in checks.items() if c.result == "failed"] == []


def test_matrix_finds_fields_that_are_not_protected(maker: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_judge_fields", lambda *args: None)
    assert "'planner': hidden and protected fields" in failed(maker)


def test_rights_of_a_set_are_those_of_the_sets_within_it_too(maker: Scratch) -> None:
    with maker.tenant() as tenant:
        snapshot = tenant.model().snapshot
    planner = granted(snapshot, "planner")
    assert rights_on(planner, "course") == {"read", "create", "edit"}
    assert rights_on(planner, "teacher") == {"read", "create"}
    assert field_level(planner, "course", "fee") == "read"
    assert field_level(granted(snapshot, "reader"), "course", "fee") == "none"


def test_pipelines_and_rights_of_crm_hold(tmp_path: Path) -> None:
    from trellis.packs import source_of

    source = source_of("crm")
    snapshot, _ = check_pack(source, {})
    objects = [d["name"] for d in source.documents if d["kind"] == "object"]
    with scratch(snapshot) as made:
        found = run_generated(made, objects)
    assert [c for c in found if c.result == "failed"] == []
    assert [c for c in found if "is reached" in c.what and c.result != "passed"] == []
    # Who may edit a note is who may edit what it is about, which not every set may.
    assert [c for c in found if " may " in c.what and c.result != "passed" and c.object != "note"] == []

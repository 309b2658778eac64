"""Cases and generated tests: what holds is said to hold, what does not is told in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packs.samples import base_pack, school_pack

from trellis.packs import PackSource, apply, plan_install
from trellis.packs.cases import run_cases
from trellis.packs.checking import check_pack
from trellis.packs.generated import run_generated
from trellis.packs.installing import BrokenCases
from trellis.packs.scratch import Scratch, scratch
from trellis.packs.trying import rehearse, with_case_reports
from trellis.runtime import Runtime
from trellis.tenant import Tenant


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scratch]:
    folder = tmp_path_factory.mktemp("packs")
    snapshot, _ = check_pack(school_pack(folder), {"base": base_pack(folder)})
    with scratch(snapshot) as made:
        yield made


def failures(maker: Scratch, **case: Any) -> list[str]:
    return run_cases(maker, [{"name": "c", "story": {"en": "A story."}, **case}])[0].failures


PEOPLE = [{"name": "ann"}, {"name": "ada", "admin": True}]
MEI = {"id": "mei", "object": "student", "values": {"name": "Mei", "grade": 3}}


def test_case_that_holds_has_no_failures(maker: Scratch) -> None:
    assert (
        failures(
            maker,
            people=PEOPLE,
            given=[{"id": "li", "object": "client", "values": {"name": "Li"}}, MEI],
            when=[
                {"as": "ada", "update": "mei", "values": {"parent": "@li", "grade": 4}},
                {
                    "as": "ada",
                    "create": "student",
                    "values": {"name": "X", "grade": 13},
                    "refused": {"grade": "grade_small"},
                },
                {"as": "ada", "create": "lesson", "id": "l", "values": {"name": "One", "student": "@mei"}},
                {"as": "ada", "delete": "l"},
            ],
            then=[
                {"record": "mei", "values": {"grade": 4, "parent": "@li", "parent.name": "Li"}},
                {"find": "student", "count": 1},
                {"find": "lesson", "count": 0},
            ],
        )
        == []
    )


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ({"then": [{"record": "mei", "values": {"grade": 5}}]}, "'grade' must be 5, found 3"),
        ({"then": [{"find": "student", "count": 2}]}, "expected 2 of 'student', found 1"),
        ({"then": [{"record": "mei", "missing": True}]}, "can be seen, but must not"),
        ({"when": [{"create": "student", "values": {}}]}, "was refused: name"),
        ({"when": [{"create": "student", "values": {"name": "A"}, "refused": {"name": "required"}}]}, "was accepted"),
        ({"when": [{"create": "student", "values": {}, "refused": {"grade": "x"}}]}, "found name: required"),
        ({"when": [{"update": "nobody", "values": {}}]}, "nobody and nothing is called 'nobody'"),
        ({"when": [{"as": "zoe", "delete": "mei"}]}, "nobody and nothing is called 'zoe'"),
        ({"when": [{"update": "mei", "values": {"grade": 4}, "denied": True}]}, "was accepted, but must be refused"),
        ({"then": [{"find": "nothing"}]}, "There is no object 'nothing'"),
        ({"wen": [], "then": [{"find": "student"}]}, "Unknown key 'wen'"),
    ],
)
def test_case_that_does_not_hold_says_why(maker: Scratch, case: Any, said: str) -> None:
    assert any(said in text for text in failures(maker, given=[MEI], **case))


def test_every_case_begins_without_records_of_the_others(maker: Scratch) -> None:
    empty = {"name": "c", "story": "s", "then": [{"find": "student", "count": 0}]}
    reports = run_cases(
        maker, [{"name": "a", "story": "s", "given": [MEI], "then": [{"find": "student", "count": 1}]}, empty]
    )
    assert [r.passed for r in reports] == [True, True]


def test_clock_stands_where_the_case_says_and_moves_when_it_waits(maker: Scratch) -> None:
    assert (
        failures(
            maker,
            clock="2026-11-20T09:00:00Z",
            given=[MEI],
            when=[{"wait": "P1DT2H30M"}, {"update": "mei", "values": {"grade": 4}}],
            then=[
                {
                    "record": "mei",
                    "values": {"created_at": "2026-11-20T09:00:00Z", "modified_at": "2026-11-21T11:30:00Z"},
                }
            ],
        )
        == []
    )


# -- at upgrade ---------------------------------------------------------------------------------------------------

SMALL = {
    "name": "small_grades",
    "story": {"en": "Grade 12 is accepted.", "zh": "接受 12 年级。"},
    "when": [{"create": "student", "id": "s", "values": {"name": "A", "grade": 12}}],
    "then": [{"record": "s", "values": {"grade": 12}}],
}


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    runtime = Runtime(tmp_path / "home")
    made = runtime.create_tenant("acme")
    for source in (base_pack(tmp_path), school_pack(tmp_path, cases=[SMALL])):
        plan = plan_install(made, source)
        apply(made, plan, confirm=plan.hash)
    made.__dict__["runtime"] = runtime
    yield made
    runtime.close()


def stricter(tenant: Tenant, tmp_path: Path) -> PackSource:
    student = tenant.model().snapshot.get("object", "student") or {}
    rule = {"name": "x_ten", "when": "grade > 10", "message": "Ten is enough.", "at": "grade"}
    plan = tenant.publisher.plan_documents([{**student, "validation": [*student["validation"], rule]}])
    tenant.publisher.apply(plan)
    return school_pack(tmp_path, "1.1.0", cases=[SMALL])


def test_case_that_the_customers_rule_breaks_stops_the_upgrade_unless_accepted(tenant: Tenant, tmp_path: Path) -> None:
    source = stricter(tenant, tmp_path)
    plan = with_case_reports(tenant, plan_install(tenant, source), source)
    assert [(c["story"], c["passed"]) for c in plan.cases] == [("Grade 12 is accepted.", False)]
    assert "Ten is enough." in plan.cases[0]["failures"][0]
    with pytest.raises(BrokenCases, match="Grade 12 is accepted"):
        apply(tenant, plan, confirm=plan.hash)
    apply(tenant, plan, confirm=plan.hash, broken_cases=True)
    assert (tenant.model().snapshot.get("pack", "school") or {})["version"] == "1.1.0"


def test_rehearsal_reports_and_changes_nothing(tenant: Tenant, tmp_path: Path) -> None:
    runtime: Runtime = tenant.__dict__["runtime"]
    migration = {"version": "1.1.0", "steps": [{"object": "student", "delete": True}]}
    source = school_pack(tmp_path, "1.1.0", migrations=[migration])
    from support.kernel import create

    create(tenant, "student", {"name": "Mei"}, {"name": "Li"})
    before = tenant.model().snapshot
    report = rehearse(tenant, lambda copy: plan_install(copy, source))
    assert (report["records_before"]["student"], report["records_after"]["student"]) == (2, 0)
    assert (tenant.model().snapshot, runtime.names()) == (before, ["acme"])


# -- generated tests ----------------------------------------------------------------------------------------------


def test_generated_tests_find_both_sides_of_a_rule(maker: Scratch) -> None:
    found = {(c.object, c.what): c for c in run_generated(maker, ["student", "client"])}
    assert {c.result for c in found.values()} == {"passed"}
    broken = found["student", "rule 'grade_small' is broken by a record"]
    assert "13" in broken.detail
    assert ("client", "rule 'edu_few' is satisfied by a record") in found
    assert ("student", "'name' is required") in found


def test_generated_tests_say_when_no_record_was_found(tmp_path: Path) -> None:
    def edit(documents: Any, pack: Any) -> None:
        rule = {"name": "never", "when": "AND(grade > 3, grade < 3)", "message": {"en": "x", "zh": "y"}}
        documents["student"]["validation"] = [rule]

    snapshot, _ = check_pack(school_pack(tmp_path, edit=edit), {"base": base_pack(tmp_path)})
    with scratch(snapshot) as made:
        checks = run_generated(made, ["student"])
    assert [(c.what, c.result) for c in checks if c.result != "passed"] == [
        ("rule 'never' is broken by a record", "not_found")
    ]


def test_cases_of_crm_hold() -> None:
    from trellis.packs import source_of

    source = source_of("crm")
    snapshot, found = check_pack(source, {})
    assert found == []
    with scratch(snapshot) as made:
        reports = run_cases(made, source.cases)
    assert len(reports) >= 10
    assert [(r.name, r.failures) for r in reports if not r.passed] == []

"""The life of a pack in a tenant: installed, changed by the customer, upgraded, undone, removed. On both databases."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from packs.samples import base_pack, label, school_pack
from support.copies import OpenCopy
from support.kernel import codes, create, publish, rows, undo, values, write

from trellis.packs import apply, plan_install, plan_uninstall, remember_choices
from trellis.packs.migrations import MigrationFailed
from trellis.packs.options import BadOption
from trellis.packs.planning import MissingPack, OlderVersion, PackConflict, StillRequired
from trellis.packs.source import PackSource
from trellis.packs.state import layer_of
from trellis.publishing.publisher import NotConfirmed
from trellis.storage import system
from trellis.tenant import Tenant
from trellis_metadata.merge import Side
from trellis_metadata.snapshot import Snapshot


def put(tenant: Tenant, source: PackSource, **options: Any) -> Any:
    """Install or upgrade, confirming the plan; return it."""
    plan = plan_install(tenant, source, **options)
    apply(tenant, plan, confirm=plan.hash)
    return plan


def take(tenant: Tenant, name: str = "school", **options: Any) -> Any:
    plan = plan_uninstall(tenant, name)
    apply(tenant, plan, confirm=plan.hash, **options)
    return plan


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


def doc(tenant: Tenant, kind: str, name: str) -> Any:
    found = tenant.model().snapshot.get(kind, name)
    return json.loads(json.dumps(found)) if found is not None else None


def names(elements: list[Any]) -> list[str]:
    return [e["name"] for e in elements]


def field(tenant: Tenant, name: str, of: str = "student") -> Any:
    return next(f for f in doc(tenant, "object", of)["fields"] if f["name"] == name)


# -- installing ---------------------------------------------------------------------------------------------------


def test_pack_adds_to_documents_of_others_what_carries_its_prefix(with_school: Tenant) -> None:
    client = doc(with_school, "object", "client")
    assert names(client["fields"]) == ["name", "stage", "city", "edu_children"]
    assert names(client["fields"][1]["options"]) == ["new", "won", "edu_trial"]
    assert names(client["validation"]) == ["edu_few"]
    assert doc(with_school, "layout", "client_page")["sections"][0]["cells"][-1] == ["edu_children"]
    assert doc(with_school, "list_view", "clients")["columns"] == ["name", "stage", "edu_children"]


def test_every_element_belongs_to_a_layer(with_school: Tenant) -> None:
    client = doc(with_school, "object", "client")
    client["fields"].append({"name": "x_own", "type": "text"})
    publish(with_school, client)
    layers = [
        layer_of(with_school, "object", "client", path)
        for path in ((), ("fields", "city"), ("fields", "edu_children"), ("fields", "x_own"))
    ]
    layers += [layer_of(with_school, "object", name) for name in ("student", "user")]
    assert layers == ["base", "base", "school", "local", "school", "core"]


def test_options_are_filled_in_and_checked(with_base: Tenant, tmp_path: Path) -> None:
    put(with_base, school_pack(tmp_path), options={"pool_hours": 36, "steps": []})
    assert field(with_base, "hours")["default"] == 36
    assert names(field(with_base, "step")["options"]) == ["lead", "paid"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pool_hours": 100}, "1..72"),
        ({"pool_hours": "24"}, "expected integer"),
        ({"steps": ["other"]}, "Choices: trial"),
        ({"pool_hour": 3}, "Did you mean 'pool_hours'"),
    ],
)
def test_wrong_option_is_refused(with_base: Tenant, tmp_path: Path, options: Any, said: str) -> None:
    with pytest.raises(BadOption, match=said):
        plan_install(with_base, school_pack(tmp_path), options=options)


def test_parts_can_be_left_out_and_added_later(with_base: Tenant, tmp_path: Path) -> None:
    source = school_pack(tmp_path)
    put(with_base, source, slices=[])
    assert doc(with_base, "object", "lesson") is None
    put(with_base, source, slices=["lessons"])
    assert doc(with_base, "object", "lesson") is not None


def test_pack_whose_requirement_is_missing_or_too_old_is_refused(tenant: Tenant, tmp_path: Path) -> None:
    with pytest.raises(MissingPack, match="requires pack 'base'"):
        plan_install(tenant, school_pack(tmp_path))
    put(tenant, base_pack(tmp_path, version="2.0.0"))
    with pytest.raises(MissingPack, match=r"\^1.0; version 2.0.0"):
        plan_install(tenant, school_pack(tmp_path))


def test_packs_that_conflict_are_refused_whichever_says_so(tenant: Tenant, tmp_path: Path) -> None:
    put(tenant, base_pack(tmp_path, conflicts=[{"name": "school"}]))
    with pytest.raises(PackConflict, match="together"):
        plan_install(tenant, school_pack(tmp_path))


def test_name_that_the_organisation_has_given_is_not_taken_over(with_base: Tenant, tmp_path: Path) -> None:
    publish(
        with_base, {"kind": "object", "name": "student", "label": "Pupil", "fields": [{"name": "x", "type": "text"}]}
    )
    with pytest.raises(PackConflict, match="this organisation"):
        plan_install(with_base, school_pack(tmp_path))


def test_upgrade_that_a_dependent_pack_does_not_accept_is_refused(with_school: Tenant, tmp_path: Path) -> None:
    with pytest.raises(StillRequired, match="accepts 'base'"):
        plan_install(with_school, base_pack(tmp_path / "new", version="2.0.0"))


def test_older_version_is_refused(with_base: Tenant, tmp_path: Path) -> None:
    put(with_base, school_pack(tmp_path, "1.1.0"))
    with pytest.raises(OlderVersion, match=r"1\.1\.0"):
        plan_install(with_base, school_pack(tmp_path))


# -- upgrading ----------------------------------------------------------------------------------------------------


def customise(tenant: Tenant, name: str, change: Any, kind: str = "object") -> None:
    document = doc(tenant, kind, name)
    change(document)
    publish(tenant, document)


def test_customer_changes_survive_and_vendor_changes_arrive(with_school: Tenant, tmp_path: Path) -> None:
    def ours(student: Any) -> None:
        student["label"] = label("Pupil", "学员")
        student["fields"].append({"name": "x_hobby", "type": "text"})
        student["fields"][4]["options"].append({"name": "x_left"})
        student["validation"].append({"name": "x_named", "when": "LEN(name) < 2", "message": "Longer."})

    customise(with_school, "student", ours)
    customise(with_school, "students", lambda d: d["columns"].append("x_hobby"), "list_view")
    customise(with_school, "student_page", lambda d: d["sections"][1]["cells"].append(["x_hobby"]), "layout")

    def theirs(documents: Any, pack: Any) -> None:
        documents["student"]["fields"].insert(1, {"name": "email", "type": "email", "label": label("Mail", "邮箱")})
        documents["student"]["fields"][5]["options"].insert(1, {"name": "call", "label": label("Call", "电话")})
        documents["students"]["columns"].insert(1, "email")
        documents["student_page"]["sections"][0]["cells"].append(["email"])
        documents["client"]["fields"][0]["label"] = label("Kids", "孩子数")

    plan = put(with_school, school_pack(tmp_path, "1.1.0", theirs))
    student = doc(with_school, "object", "student")
    assert plan.conflicts == ()
    assert (student["label"]["en"], names(student["fields"])) == (
        "Pupil",
        ["name", "email", "parent", "grade", "hours", "step", "x_hobby"],
    )
    assert names(field(with_school, "step")["options"]) == ["lead", "call", "trial", "paid", "x_left"]
    assert names(student["validation"]) == ["grade_small", "x_named"]
    assert doc(with_school, "list_view", "students")["columns"] == ["name", "email", "grade", "step", "x_hobby"]
    assert [s["cells"] for s in doc(with_school, "layout", "student_page")["sections"]] == [
        [["name", "parent"], ["grade", "step"], ["email"]],
        [["hours"], ["x_hobby"]],
    ]
    assert field(with_school, "edu_children", "client")["label"]["en"] == "Kids"


def test_conflict_needs_the_confirmed_plan_and_remembers_the_answer(with_school: Tenant, tmp_path: Path) -> None:
    customise(with_school, "student", lambda d: d["fields"][2].update(min=2))
    newer = school_pack(tmp_path, "1.1.0", lambda d, p: d["student"]["fields"][2].update(min=3))
    plan = plan_install(with_school, newer)
    conflict = plan.conflicts[0]
    assert (conflict.theirs, conflict.ours) == (3, 2)
    with pytest.raises(NotConfirmed):
        apply(with_school, plan)
    remember_choices(with_school, "school", {conflict.key: Side.THEIRS})
    again = plan_install(with_school, newer)
    assert (again.open_conflicts, again.hash == plan.hash) == ((), False)
    apply(with_school, again, confirm=again.hash)
    assert field(with_school, "grade")["min"] == 3


def test_undo_of_an_upgrade_gives_back_metadata_and_state_of_the_pack(with_school: Tenant, tmp_path: Path) -> None:
    before = with_school.model().snapshot
    newer = school_pack(tmp_path, "1.1.0", lambda d, p: d["student"]["fields"].pop(3))
    put(with_school, newer)
    undo(with_school)
    assert with_school.model().snapshot == before
    assert plan_install(with_school, newer).before == "1.0.0"


def test_upgrading_twice_is_upgrading_once(with_school: Tenant, tmp_path: Path) -> None:
    newer = school_pack(tmp_path, "1.1.0", lambda d, p: d["student"]["fields"][2].update(min=3))
    put(with_school, newer)
    assert plan_install(with_school, newer).action == "nothing"


def test_records_keep_their_values_when_the_vendor_renames_a_field(with_school: Tenant, tmp_path: Path) -> None:
    create(with_school, "student", {"name": "Mei", "grade": 3})

    def theirs(documents: Any, pack: Any) -> None:
        text = json.dumps(documents["student"]).replace('"name": "grade"', '"name": "level", "was": ["grade"]')
        text = text.replace("grade > 12", "level > 12").replace('"at": "grade"', '"at": "level"')
        documents["student"].clear()
        documents["student"].update(json.loads(text))
        documents["student_page"]["sections"][0]["cells"][1][0] = "level"
        documents["students"]["columns"][1] = "level"

    customise(with_school, "students", lambda d: d.update(sort=[{"field": "grade"}]), "list_view")
    put(with_school, school_pack(tmp_path, "1.1.0", theirs))
    assert values(with_school, "student", "level") == [3]
    assert doc(with_school, "list_view", "students")["sort"] == [{"field": "level"}]


def test_data_migrations_run_in_order_over_skipped_versions(with_school: Tenant, tmp_path: Path) -> None:
    create(with_school, "student", {"name": "A", "grade": 1, "step": "lead"}, {"name": "B", "grade": 2, "step": "paid"})
    steps = [
        {
            "version": "1.2.0",
            "steps": [{"object": "student", "where": {"field": "grade", "op": "=", "value": 5}, "set": {"hours": 7}}],
        },
        {
            "version": "1.1.0",
            "steps": [
                {"object": "student", "map": {"step": {"lead": "trial"}}},
                {"object": "student", "where": {"field": "step", "op": "=", "value": "trial"}, "set": {"grade": 5}},
            ],
        },
        {"version": "0.9.0", "steps": [{"object": "student", "delete": True}]},
    ]
    plan = put(with_school, school_pack(tmp_path, "1.2.0", migrations=steps))
    assert plan.to_json()["migrations"] == ["1.1.0", "1.2.0"]
    found = rows(with_school, "student", fields=["step", "grade", "hours"])
    assert [(r["step"], r["grade"], r["hours"]) for r in found] == [("trial", 5, 7), ("paid", 2, 24)]


def test_refused_data_migration_can_be_resumed(with_school: Tenant, tmp_path: Path) -> None:
    from trellis.packs.migrations import run_pending

    create(with_school, "student", {"name": "A", "grade": 1})
    steps = [{"version": "1.1.0", "steps": [{"object": "student", "set": {"grade": 13}}]}]
    with pytest.raises(MigrationFailed, match="Step 1"):
        put(with_school, school_pack(tmp_path, "1.1.0", migrations=steps))
    assert doc(with_school, "pack", "school")["version"] == "1.1.0"
    customise(with_school, "student", lambda d: d.update(validation=[]))
    assert (run_pending(with_school), values(with_school, "student", "grade")) == (1, [13])
    assert run_pending(with_school) == 0


def test_deleted_records_of_a_migration_are_gone(with_school: Tenant, tmp_path: Path) -> None:
    create(with_school, "student", {"name": "A", "grade": 1}, {"name": "B", "grade": 2})
    steps = [
        {
            "version": "1.1.0",
            "steps": [{"object": "student", "where": {"field": "grade", "op": "=", "value": 1}, "delete": True}],
        }
    ]
    put(with_school, school_pack(tmp_path, "1.1.0", migrations=steps))
    assert values(with_school, "student", "name") == ["B"]


def test_option_that_the_vendor_takes_back_leaves_the_field_of_another_pack(
    with_school: Tenant, tmp_path: Path
) -> None:
    put(with_school, school_pack(tmp_path, "1.1.0", lambda d, p: d["client"]["fields"].pop(1)))
    assert names(field(with_school, "stage", "client")["options"]) == ["new", "won"]


# -- removing -----------------------------------------------------------------------------------------------------


def test_removal_gives_the_metadata_of_before(with_base: Tenant, tmp_path: Path) -> None:
    before = with_base.model().snapshot
    put(with_base, school_pack(tmp_path))
    take(with_base)
    after = with_base.model().snapshot
    assert after.hash == before.hash
    assert [json.dumps(d) for d in after] == [json.dumps(d) for d in before]


def test_removal_takes_what_cannot_be_without_the_pack_and_says_so(with_base: Tenant, tmp_path: Path) -> None:
    before = with_base.model().snapshot
    put(with_base, school_pack(tmp_path))
    publish(with_base, {"kind": "list_view", "name": "x_mine", "object": "student", "columns": ["name"]})
    customise(with_base, "office", lambda d: d["items"].append({"list_view": "x_mine"}), "app")
    plan = take(with_base)
    assert plan.to_json()["removed"] == ["item 1 of app 'Office'", "list view 'x_mine'"] or len(plan.removed) == 2
    assert with_base.model().snapshot == before


def test_own_additions_beside_the_pack_survive_its_removal(with_school: Tenant) -> None:
    customise(with_school, "client", lambda d: d["fields"].append({"name": "x_own", "type": "text"}))
    create(with_school, "client", {"name": "A", "x_own": "kept", "edu_children": 2})
    take(with_school)
    assert names(doc(with_school, "object", "client")["fields"]) == ["name", "stage", "city", "x_own"]
    assert values(with_school, "client", "x_own") == ["kept"]


def test_pack_that_another_requires_is_not_removed(with_school: Tenant) -> None:
    with pytest.raises(StillRequired, match="required by school"):
        plan_uninstall(with_school, "base")


def test_records_come_back_with_the_pack_when_they_were_kept(with_school: Tenant, tmp_path: Path) -> None:
    create(with_school, "student", {"name": "Mei", "grade": 3})
    take(with_school)
    put(with_school, school_pack(tmp_path))
    assert values(with_school, "student", "name") == ["Mei"]


def test_records_are_written_out_on_request(with_school: Tenant, tmp_path: Path) -> None:
    create(with_school, "student", {"name": "Mei", "grade": 3}, {"name": "Li"})
    take(with_school, data="export", export=tmp_path / "out")
    lines = (tmp_path / "out" / "student.ndjson").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["Mei", "Li"]


def test_dropped_records_leave_nothing(with_school: Tenant, tmp_path: Path) -> None:
    from support.kernel import table

    create(with_school, "student", {"name": "Mei", "grade": 3})
    take(with_school, data="drop")
    assert table(with_school, system.change, object="student") == []
    put(with_school, school_pack(tmp_path))
    assert values(with_school, "student", "name") == []


def test_removal_needs_confirmation(with_school: Tenant) -> None:
    with pytest.raises(NotConfirmed):
        apply(with_school, plan_uninstall(with_school, "school"))


def test_rules_of_the_pack_judge_records(with_school: Tenant) -> None:
    found = write(with_school, lambda tx: tx.create("student", [{"name": "A", "grade": 13}], mode="partial"))
    assert codes(found[0].errors) == {"grade": ["grade_small"]}


def test_installing_writes_no_statement_per_document(with_base: Tenant, tmp_path: Path) -> None:
    from support.kernel import counting

    source = school_pack(tmp_path)
    plan_install(with_base, source)
    with counting(with_base) as seen:
        plan_install(with_base, source)
    documents = len(source.documents)
    source_more = copy.deepcopy(list(source.documents))
    more = [{**d, "name": f"view{i}"} for i in range(20) for d in source_more if d["name"] == "students"]
    larger = PackSource(source.document, [*source.documents, *more], source.extensions, (), (), source.folder)
    with counting(with_base) as seen_more:
        plan_install(with_base, larger)
    assert (len(larger.documents) - documents, len(seen_more) - len(seen)) == (20, 0)


def test_snapshot_of_a_tenant_holds_the_state_of_its_packs(with_school: Tenant) -> None:
    record = doc(with_school, "pack", "school")["installed"]
    assert (record.get("options"), record["slices"]) == (None, ["lessons"])
    assert record["began"] == ["object/client/validation"]
    assert isinstance(with_school.model().snapshot, Snapshot)

"""The written walk-through of ``docs/packs.md``, executed: an upgrade over a customised pack, and a partner's own pack."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from packs.samples import base_pack, label, school_pack

from trellis.cli import root
from trellis.packs import apply, archive, plan_install
from trellis.packs.shelf import Shelf, sign_archive
from trellis.packs.signing import TrustList, new_key
from trellis.packs.trying import with_case_reports
from trellis.tenant import Tenant
from trellis_metadata.addresses import ABSENT, find
from trellis_metadata.merge import Side, Verdict

Json = dict[str, Any]
OpenCopy = Callable[[str, Callable[[Tenant], object]], Tenant]
Place = tuple[str, str, tuple[str, ...]]


@pytest.fixture
def tenant(open_copy: OpenCopy, tmp_path: Path) -> Tenant:
    def build(tenant: Tenant) -> None:
        for source in (base_pack(tmp_path / "first"), school_pack(tmp_path / "first", edit=lambda d, p: RICHER(d))):
            plan = plan_install(tenant, source)
            apply(tenant, plan, confirm=plan.hash)

    return open_copy("walk-through", build)


def RICHER(documents: dict[str, Json]) -> None:
    """Give version 1.0 a second view and a rule more."""
    documents["students"]["sort"] = [{"field": "name"}]
    documents["student"]["validation"].append(
        {"name": "hours_few", "when": "hours > 500", "message": label("Too many hours.", "课时过多。"), "at": "hours"}
    )


def named(elements: list[Json], name: str) -> Json:
    return next(e for e in elements if e["name"] == name)


def customer(documents: dict[str, Json]) -> list[Place]:
    """Change ten things; return where."""
    student = documents["student"]
    student["label"] = label("Pupil", "学员")  # 1
    named(student["fields"], "grade")["max"] = 12  # 2
    named(student["fields"], "step")["options"].append({"name": "x_left", "label": label("Left", "流失")})  # 3
    named(student["validation"], "grade_small")["when"] = "grade > 10"  # 4
    named(student["validation"], "hours_few")["message"] = label("At most 500 hours.", "最多 500 课时。")  # 5
    student["fields"].append({"name": "x_hobby", "type": "text", "label": label("Hobby", "爱好")})  # 6
    documents["students"]["columns"] = ["name", "step", "grade"]  # 7
    documents["student_page"]["sections"][1]["cells"].append(["x_hobby"])  # 8
    student["sharing"] = {"default": "read"}  # 9
    named(student["fields"], "parent")["label"] = label("Guardian", "监护人")  # 10
    return [
        ("object", "student", ("label",)),
        ("object", "student", ("fields", "grade", "max")),
        ("object", "student", ("fields", "step", "options", "x_left")),
        ("object", "student", ("validation", "grade_small", "when")),
        ("object", "student", ("validation", "hours_few", "message")),
        ("object", "student", ("fields", "x_hobby")),
        ("list_view", "students", ("columns",)),
        ("layout", "student_page", ("sections", "more", "cells")),
        ("object", "student", ("sharing", "default")),
        ("object", "student", ("fields", "parent", "label")),
    ]


def vendor(documents: dict[str, Json], pack: Json) -> list[Place]:
    """Change twenty things for version 1.1, three of them where the customer did; return where."""
    RICHER(documents)
    student, client, lesson = documents["student"], documents["client"], documents["lesson"]
    named(student["fields"], "grade")["max"] = 9  # 1, in conflict
    named(student["validation"], "grade_small")["when"] = "grade > 9"  # 2, in conflict
    named(student["fields"], "parent")["label"] = label("Contact", "联系人")  # 3, in conflict
    student["plural"] = label("Students", "学生")  # 4
    student["fields"].insert(1, {"name": "email", "type": "email", "label": label("Mail", "邮箱")})  # 5
    student["fields"].append({"name": "born_on", "type": "date", "label": label("Born", "生日")})  # 6
    named(student["fields"], "hours")["min"] = 0  # 7
    named(student["fields"], "hours")["help"] = label("Lessons of 45 minutes", "每课 45 分钟")  # 8
    named(student["fields"], "step")["options"].insert(1, {"name": "call", "label": label("Call", "电话")})  # 9
    named(named(student["fields"], "step")["options"], "paid")["color"] = "green"  # 10
    named(student["validation"], "hours_few")["at"] = "step"  # 11
    student["validation"].append(
        {"name": "born", "when": "born_on > TODAY()", "message": label("Born later?", "生日有误")}
    )  # 12
    student["indexes"] = [{"name": "by_grade", "fields": ["grade"]}]  # 13
    documents["students"]["sort"] = [{"field": "grade", "direction": "desc"}]  # 14
    documents["students"]["columns"].append("email")  # 15
    documents["student_page"]["sections"][0]["cells"].append(["email", "born_on"])  # 16
    documents["student_page"]["sections"][1]["label"] = label("Lessons", "课时")  # 17
    lesson["fields"].append({"name": "held_on", "type": "date", "label": label("Held", "上课日")})  # 18
    lesson["label"] = label("Class", "课堂")  # 19
    named(client["fields"], "edu_children")["label"] = label("Kids", "孩子数")  # 20
    pack["changes"].insert(0, {"version": "1.1.0", "text": label("Mail and birthday.", "邮箱与生日。")})
    return [
        ("object", "student", ("fields", "grade", "max")),
        ("object", "student", ("validation", "grade_small", "when")),
        ("object", "student", ("fields", "parent", "label")),
        ("object", "student", ("plural",)),
        ("object", "student", ("fields", "email")),
        ("object", "student", ("fields", "born_on")),
        ("object", "student", ("fields", "hours", "min")),
        ("object", "student", ("fields", "hours", "help")),
        ("object", "student", ("fields", "step", "options", "call")),
        ("object", "student", ("fields", "step", "options", "paid", "color")),
        ("object", "student", ("validation", "hours_few", "at")),
        ("object", "student", ("validation", "born")),
        ("object", "student", ("indexes",)),
        ("list_view", "students", ("sort",)),
        ("list_view", "students", ("columns",)),
        ("layout", "student_page", ("sections", "main", "cells")),
        ("layout", "student_page", ("sections", "more", "label")),
        ("object", "lesson", ("fields", "held_on")),
        ("object", "lesson", ("label",)),
        ("object", "client", ("fields", "edu_children", "label")),
    ]


def value(documents: Any, place: Place) -> Any:
    kind, name, path = place
    return find(documents[kind, name], path)


def test_upgrade_over_ten_changes_shows_three_conflicts_and_keeps_all_thirty(tenant: Tenant, tmp_path: Path) -> None:
    before = {k: copy.deepcopy(dict(d)) for k, d in tenant.model().snapshot.documents.items()}
    by_name = {k[1]: d for k, d in before.items() if k[0] != "pack"}
    ours = customer(by_name)
    plan = tenant.publisher.plan_documents(
        [d for k, d in before.items() if k[1] in ("student", "students", "student_page")]
    )
    tenant.publisher.apply(plan, confirm=plan.hash)
    mine = dict(tenant.model().snapshot.documents)

    told: list[Place] = []
    newer = school_pack(tmp_path, "1.1.0", lambda d, p: told.extend(vendor(d, p)))
    upgrade = plan_install(tenant, newer)
    assert {(c.kind, c.name, c.path) for c in upgrade.conflicts} == set(told[:3])
    assert len(upgrade.conflicts) == 3
    assert (len(ours), len(told)) == (10, 20)

    # The customer keeps two of his values and takes the vendor's label.
    answers = {c.key: Side.THEIRS if "label" in c.path else Side.OURS for c in upgrade.conflicts}
    upgrade = plan_install(tenant, newer, choices=answers)
    assert upgrade.open_conflicts == ()
    apply(tenant, upgrade, confirm=upgrade.hash)
    now = tenant.model().snapshot.documents
    content = {**newer.content({}, ["lessons"]).own.documents}

    kept = [place for place in ours if place not in told]
    for place in kept:
        if place[2][-1] not in ("cells", "columns"):
            assert value(now, place) == value(mine, place), place
    for place in told[3:19]:
        if place[2][-1] not in ("cells", "columns"):
            assert value(now, place) == value(content, place) is not ABSENT, place
    assert value(now, told[19]) == label("Kids", "孩子数")
    assert value(now, told[0]) == 12
    assert value(now, told[1]) == "grade > 10"
    assert value(now, told[2]) == label("Contact", "联系人")
    assert value(now, ("list_view", "students", ("columns",))) == ["name", "step", "email", "grade"]
    page = now["layout", "student_page"]["sections"]
    assert [s["cells"] for s in page] == [
        [["name", "parent"], ["grade", "step"], ["email", "born_on"]],
        [["hours"], ["x_hobby"]],
    ]
    assert upgrade.merge is not None and upgrade.merge.count(Verdict.CONFLICT) == 3


# -- a partner's pack ----------------------------------------------------------------------------------------------


def run(home: Path, *arguments: str, code: int = 0) -> Any:
    found = CliRunner().invoke(root, ["--home", str(home), "--json", *arguments])
    assert found.exit_code == code, found.output
    return json.loads(found.output)


def test_partner_makes_builds_signs_and_installs_a_pack(tmp_path: Path) -> None:
    home, folder, file = tmp_path / "home", tmp_path / "pets", tmp_path / "pets-1.0.0.trellis"
    run(home, "pack", "new", str(folder), "--prefix", "pet")
    pet = json.loads((folder / "objects" / "pet_item.json").read_text(encoding="utf-8"))
    pet["fields"].append({"name": "age", "type": "integer", "label": label("Age", "年龄")})
    pet["validation"] = [
        {"name": "age_known", "when": "age < 0", "message": label("Not yet born?", "尚未出生？"), "at": "age"}
    ]
    (folder / "objects" / "pet_item.json").write_text(json.dumps(pet), encoding="utf-8")
    assert run(home, "pack", "check", str(folder))["valid"] is True
    tested = run(home, "pack", "test", str(folder))
    assert {c["result"] for c in tested["generated"]} == {"passed"}
    run(home, "pack", "build", str(folder), "--output", str(file))
    public = run(home, "pack", "key", str(tmp_path / "vendor.pem"))["public_key"]
    run(home, "pack", "sign", str(file), "--key", str(tmp_path / "vendor.pem"))
    run(home, "init")
    assert run(home, "pack", "install", str(file), code=1)["error"]["code"] == "bad_signature"
    run(home, "pack", "trust", "Pets Ltd", public)
    plan = run(home, "pack", "install", str(file))["plan"]
    assert (plan["signed_by"], plan["to"], {c["passed"] for c in plan["cases"]}) == ("Pets Ltd", "1.0.0", {True})
    assert {p["name"]: p["installed"] for p in run(home, "pack", "list")}["pets"] == "1.0.0"
    assert run(home, "pack", "upgrade", str(file), "--rehearse")["plan"]["action"] == "nothing"
    assert run(home, "pack", "diff", str(file))["action"] == "nothing"
    assert {c["result"] for c in run(home, "test")["generated"]} == {"passed"}
    assert run(home, "pack", "uninstall", "pets", code=4)["error"]["code"] == "confirmation_required"
    assert run(home, "pack", "uninstall", "pets", "--yes")["plan"]["action"] == "uninstall"


def test_development_follows_the_folder(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "pets"
    run(home, "pack", "new", str(folder), "--prefix", "pet")
    first = run(home, "pack", "dev", str(folder), "--once")
    view = folder / "list_views" / "all_pet_items.json"
    document = json.loads(view.read_text(encoding="utf-8"))
    view.write_text(json.dumps({**document, "columns": ["name", "created_at"]}), encoding="utf-8")
    second = run(home, "pack", "dev", str(folder), "--once")
    assert (first["tenant"], second["version"], second["changes"] > 0) == ("dev_pets", first["version"] + 1, True)
    view.write_text(json.dumps({**document, "columns": ["nothing"]}), encoding="utf-8")
    assert "error" in run(home, "pack", "dev", str(folder), "--once")


def test_plan_of_an_installation_is_readable(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "pets"
    run(home, "pack", "new", str(folder), "--prefix", "pet")
    run(home, "init")
    found = CliRunner().invoke(root, ["--home", str(home), "pack", "install", str(folder)])
    assert found.exit_code == 0, found.output
    assert "holds  An item without a name is refused." in found.output
    assert "Add object 'pet_item'" in found.output


def test_one_command_installs_what_a_pack_requires_first(tmp_path: Path) -> None:
    home = tmp_path / "home"
    run(home, "init")
    public = run(home, "pack", "key", str(tmp_path / "vendor"))["public_key"]
    run(home, "pack", "trust", "vendor", public)
    shelf = home / "packs"
    for source in (base_pack(tmp_path), school_pack(tmp_path)):
        file = shelf / f"{source.name}-{source.version}.trellis"
        run(home, "pack", "build", str(source.folder), "--output", str(file))
        run(home, "pack", "sign", str(file), "--key", str(tmp_path / "vendor"))
    alone = CliRunner().invoke(root, ["--home", str(home), "pack", "install", "school", "--yes"])
    assert alone.exit_code == 1
    assert "requires pack 'base'" in alone.output
    run(home, "pack", "install", "school", "--with-required", "--yes")
    assert {e["name"]: e["installed"] for e in run(home, "pack", "list") if e["installed"]} == {
        "base": "1.0.0",
        "school": "1.0.0",
    }


def test_upgrade_runs_the_cases_of_the_other_packs_too(tenant: Tenant, tmp_path: Path) -> None:
    case = {
        "name": "student_begins",
        "story": {"en": "A student is created.", "zh": "创建学员。"},
        "when": [{"create": "student", "values": {"name": "Mei", "grade": 3}}],
        "then": [{"find": "student", "count": 1}],
    }
    kept = school_pack(tmp_path / "kept", edit=lambda d, p: RICHER(d), cases=[case])
    shelf = Shelf.of(tenant)
    file = shelf.folder / f"{kept.name}-{kept.version}.trellis"
    file.parent.mkdir(parents=True)
    assert kept.folder is not None
    archive.build(kept.folder, file)
    public = new_key(tmp_path / "vendor")
    sign_archive(file, tmp_path / "vendor")
    TrustList({}).with_key("vendor", public).write(shelf.trust_file)
    newer = base_pack(tmp_path / "newer", version="1.1.0")
    plan = with_case_reports(tenant, plan_install(tenant, newer), newer)
    assert [(c["pack"], c["story"], c["passed"]) for c in plan.cases] == [("school", "A student is created.", True)]

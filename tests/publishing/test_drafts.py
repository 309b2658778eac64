"""Drafts are kept until they are published; what was published meanwhile is merged, and conflicts are listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.app import World
from support.copies import OpenWorld
from support.kernel import create, field, obj, publish, values

from trellis.publishing.drafts import BadDraft, DraftChanged, DraftConflict, DraftExists, Drafts, UnknownDraft
from trellis.publishing.publisher import InvalidMetadata, NotConfirmed, StalePlan
from trellis.runtime import Runtime
from trellis.tenant import Tenant

NAME = field("name", required=True)
BASE = obj("deal", NAME, field("size", "integer"), field("gone"))


@pytest.fixture
def deals(tenant: Tenant) -> Tenant:
    publish(tenant, BASE)
    return tenant


def names(tenant: Tenant) -> list[str]:
    return list(tenant.model().object("deal").fields)


def with_fields(*fields: dict[str, Any]) -> dict[str, Any]:
    return {**BASE, "fields": [*BASE["fields"], *fields]}


def test_draft_changes_nothing_until_it_is_published_and_goes_then(deals: Tenant) -> None:
    drafts = Drafts(deals)
    made = drafts.create([with_fields(field("note"))], label="Notes", note="because", author=7)
    assert names(deals) == ["name", "size", "gone"]
    plan = drafts.plan(made.name)
    assert [op.describe() for op in plan.plan.operations] == ["Add field 'note' (text) to object 'deal'"]
    number, _ = drafts.publish(made.name, author=7)
    assert names(deals) == ["name", "size", "gone", "note"]
    assert deals.publisher.log(1)[0] | {"number": number, "note": "because", "author": 7} == deals.publisher.log(1)[0]
    assert drafts.list() == []


def test_draft_survives_a_restart_word_for_word(deals: Tenant, tmp_path: Path) -> None:
    odd = {
        "name": "z",
        "kind": "object",
        "label": {"zh": "客户\u0000", "en": "\\u0000"},
        "fields": "not yet",
        "b": 1,
        "a": 2,
    }
    made = Drafts(deals).create(
        [odd], name="odd", removed=[("object", "deal")], renames=[("object", "a", ("fields", "x"), "y")]
    )
    again = Runtime(tmp_path / "home", database_url=None if deals.database.is_sqlite else str(_url(deals)))
    read = Drafts(again.tenant("acme")).get("odd")
    again.close()
    assert read == made
    assert list(read.documents[0]) == list(odd)


def _url(tenant: Tenant) -> str:
    return tenant.database.url.render_as_string(hide_password=False)


def test_wrong_documents_are_kept_and_judged_by_the_plan(deals: Tenant) -> None:
    drafts = Drafts(deals)
    made = drafts.create([{**BASE, "fields": [field("name", "nonsense")]}])
    with pytest.raises(InvalidMetadata) as problem:
        drafts.plan(made.name)
    assert [d.pointer for d in problem.value.diagnostics] == ["/fields/0/type"]
    with pytest.raises(InvalidMetadata):
        drafts.publish(made.name)
    assert drafts.get(made.name) == made


@pytest.mark.parametrize(
    "documents",
    [["text"], [{"kind": "object"}], [{"kind": 1, "name": "x"}], [{"kind": "a", "name": "b", "c": float("nan")}]],
)
def test_what_is_no_document_is_not_kept(deals: Tenant, documents: list[Any]) -> None:
    with pytest.raises(BadDraft):
        Drafts(deals).create(documents)
    assert Drafts(deals).list() == []


def test_names_are_given_checked_and_unique(deals: Tenant) -> None:
    drafts = Drafts(deals)
    assert [drafts.create([]).name, drafts.create([]).name] == ["draft_1", "draft_2"]
    drafts.delete("draft_1")
    assert drafts.create([]).name == "draft_1"
    with pytest.raises(DraftExists):
        drafts.create([], name="draft_2")
    with pytest.raises(BadDraft, match="API name"):
        drafts.create([], name="Not a name")
    with pytest.raises(UnknownDraft, match="draft_2"):
        drafts.get("draft_x")


def test_two_who_change_one_draft_do_not_overwrite_each_other(deals: Tenant) -> None:
    drafts = Drafts(deals)
    made = drafts.create([])
    changed = drafts.update(made.name, 1, label="Mine", documents=[BASE])
    assert (changed.version, changed.label, list(changed.documents)) == (2, "Mine", [BASE])
    with pytest.raises(DraftChanged):
        drafts.update(made.name, 1, label="Theirs")
    assert drafts.get(made.name).label == "Mine"


def test_destructive_draft_needs_the_hash_of_its_plan(deals: Tenant) -> None:
    create(deals, "deal", {"name": "a", "gone": "value"})
    drafts = Drafts(deals)
    made = drafts.create([obj("deal", NAME, field("size", "integer"))])
    with pytest.raises(NotConfirmed):
        drafts.publish(made.name)
    with pytest.raises(StalePlan):
        drafts.publish(made.name, confirm="0" * 64)
    assert values(deals, "deal", "gone") == ["value"]
    drafts.publish(made.name, confirm=drafts.plan(made.name).hash)
    assert names(deals) == ["name", "size"]


def test_outdated_draft_is_refused_and_rebased_element_by_element(deals: Tenant) -> None:
    drafts = Drafts(deals)
    made = drafts.create([with_fields(field("mine")), obj("visit", NAME)])
    publish(deals, with_fields(field("theirs")))
    assert drafts.is_outdated(made)
    for refused in (drafts.plan, drafts.publish):
        with pytest.raises(StalePlan, match="Rebase"):
            refused(made.name)
    rebased, _ = drafts.rebase(made.name)
    assert not drafts.is_outdated(rebased)
    drafts.publish(made.name)
    assert sorted(names(deals)) == ["gone", "mine", "name", "size", "theirs"]
    assert "visit" in deals.model().object_names


@pytest.mark.parametrize(("answer", "label"), [("draft", "Mine"), ("published", "Theirs")])
def test_conflict_is_listed_with_both_values_and_settled_by_an_answer(deals: Tenant, answer: str, label: str) -> None:
    drafts = Drafts(deals)
    made = drafts.create([{**BASE, "label": "Mine"}])
    publish(deals, {**BASE, "label": "Theirs"})
    with pytest.raises(DraftConflict) as problem:
        drafts.rebase(made.name)
    conflicts: Any = problem.value.details["conflicts"]
    assert [(c["name"], c["path"], c["draft"], c["published"]) for c in conflicts] == [
        ("deal", ["label"], "Mine", "Theirs")
    ]
    assert drafts.get(made.name) == made
    with pytest.raises(BadDraft, match="draft"):
        drafts.rebase(made.name, {conflicts[0]["key"]: "ours"})
    drafts.rebase(made.name, {conflicts[0]["key"]: answer})
    drafts.publish(made.name)
    assert deals.model().object("deal").label("en") == label


def test_removal_and_rename_in_a_draft_are_kept_by_a_rebase(deals: Tenant) -> None:
    publish(deals, obj("old", NAME))
    create(deals, "deal", {"name": "a", "size": 3})
    renamed = {**BASE, "fields": [NAME, field("amount", "integer"), field("gone")]}
    drafts = Drafts(deals)
    made = drafts.create(
        [renamed], removed=[("object", "old")], renames=[("object", "deal", ("fields", "size"), "amount")]
    )
    publish(deals, with_fields(field("theirs")))
    drafts.rebase(made.name)
    drafts.publish(made.name, confirm=drafts.plan(made.name).hash)
    assert sorted(names(deals)) == ["amount", "gone", "name", "theirs"]
    assert values(deals, "deal", "amount") == [3]
    assert "old" not in deals.model().object_names


# -- over HTTP -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def world(open_world: OpenWorld) -> World:
    return open_world([BASE])


def test_draft_goes_its_way_over_http(world: World) -> None:
    made = world.ada.post("/metadata/drafts", {"label": "Notes", "documents": [with_fields(field("note"))]})
    assert made.status_code == 201
    draft = made.get_json()
    place = f"/metadata/drafts/{draft['name']}"
    assert made.headers["Location"] == f"/api/v1{place}"
    assert (
        world.ada.get("/metadata/drafts").get_json()["drafts"][0] | {"documents": 1, "label": "Notes"}
        == (world.ada.get("/metadata/drafts").get_json()["drafts"][0])
    )
    assert world.ada.get(place).get_json() == draft
    changed = world.ada.patch(place, {"version": 1, "note": "why", "documents": [with_fields(field("remark"))]})
    assert (changed.status_code, changed.get_json()["version"]) == (200, 2)
    assert world.ada.patch(place, {"version": 1, "label": "late"}).status_code == 409
    plan = world.ada.post(f"{place}/plan").get_json()
    assert [op["text"] for op in plan["operations"]] == ["Add field 'remark' (text) to object 'deal'"]
    assert world.ada.post(f"{place}/publish", {"confirm": "wrong"}).status_code == 409
    assert world.ada.post(f"{place}/publish", {}).status_code == 200
    assert names(world.tenant)[-1] == "remark"
    assert world.ada.get(place).status_code == 404


def test_conflict_over_http_lists_both_values(world: World) -> None:
    world.ada.post("/metadata/drafts", {"name": "mine", "documents": [{**BASE, "label": "Mine"}]})
    world.ada.post("/metadata/apply", {"documents": [{**BASE, "label": "Theirs"}]})
    assert world.ada.post("/metadata/drafts/mine/plan").status_code == 409
    refused = world.ada.post("/metadata/drafts/mine/rebase", {})
    assert refused.status_code == 409
    error = refused.get_json()["error"]
    assert error["code"] == "draft_conflict"
    conflict = error["details"]["conflicts"][0]
    assert (conflict["draft"], conflict["published"]) == ("Mine", "Theirs")
    done = world.ada.post("/metadata/drafts/mine/rebase", {"choices": {conflict["key"]: "draft"}})
    assert done.get_json()["draft"]["outdated"] is False
    assert world.ada.delete("/metadata/drafts/mine").status_code == 204
    assert world.ada.delete("/metadata/drafts/mine").status_code == 404


@pytest.mark.parametrize("path", ["/metadata/drafts", "/metadata/drafts/mine"])
def test_drafts_are_for_administrators(world: World, path: str) -> None:
    world.ada.post("/metadata/drafts", {"name": "mine", "documents": []})
    assert world.bob.get(path).status_code == 403
    assert world.nobody.get(path).status_code == 401
    assert world.bob.post("/metadata/drafts/mine/publish", {}).status_code == 403
    assert world.bob.delete("/metadata/drafts/mine").status_code == 403
    assert world.token(world.ada.user, "read", "write").post("/metadata/drafts", {"documents": []}).status_code == 403
    assert [d.name for d in Drafts(world.tenant).list()] == ["mine"]

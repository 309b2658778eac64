"""Compare two tenants and take over what was chosen, on both databases, by API and command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.app import World
from support.copies import OpenHome, OpenWorld
from support.kernel import create, field, obj, publish, values

from trellis.cli import root
from trellis.publishing.errors import InvalidMetadata
from trellis.publishing.promotion import CannotPromote, UnknownDifference, compare, plan_promotion
from trellis.runtime import Runtime
from trellis.tenant import Tenant

NAME = field("name", required=True)
LIVE = [obj("deal", NAME, field("size"), field("own")), obj("mine", NAME)]
TEST = [
    obj("deal", NAME, field("size", max_length=20), field("fresh"), label={"en": "Opportunity"}),
    obj("visit", NAME, field("deal", "lookup", target="deal")),
    obj("trip", NAME, field("visit", "lookup", target="visit")),
]


@pytest.fixture
def both(open_home: OpenHome) -> tuple[Tenant, Tenant]:
    """The tenant where changes are made, and the one where people work."""

    def build(runtime: Runtime) -> None:
        test, live = runtime.create_tenant("test"), runtime.create_tenant("live")
        publish(test, *TEST)
        publish(live, *LIVE)
        create(live, "deal", {"name": "a", "own": "kept"})

    runtime, _ = open_home("test and live", build)
    return runtime.tenant("test"), runtime.tenant("live")


def promote(test: Tenant, live: Tenant, **options: Any) -> list[str]:
    """Take over differences and return what that did."""
    plan = plan_promotion(live, test.model().snapshot, **options)
    live.publisher.apply(plan, confirm=plan.hash)
    return [op.describe() for op in plan.plan.operations]


def test_comparison_names_every_difference(both: tuple[Tenant, Tenant]) -> None:
    test, live = both
    found = {d.name: d.removes for d in compare(live, test.model().snapshot)}
    assert found == {
        "object/deal/label": False,
        "object/deal/fields/size/max_length": False,
        "object/deal/fields/fresh": False,
        "object/deal/fields/own": True,
        "object/mine": True,
        "object/trip": False,
        "object/visit": False,
    }
    assert compare(live, live.model().snapshot) == []


def test_everything_is_taken_over_but_nothing_removed(both: tuple[Tenant, Tenant]) -> None:
    test, live = both
    promote(test, live)
    assert sorted(live.model().object("deal").fields) == ["fresh", "name", "own", "size"]
    assert {"mine", "visit", "trip"} <= set(live.model().object_names)
    assert values(live, "deal", "own") == ["kept"]
    assert {d.name for d in compare(live, test.model().snapshot) if not d.removes} == set()


def test_with_removals_the_target_becomes_the_source(both: tuple[Tenant, Tenant]) -> None:
    test, live = both
    promote(test, live, removals=True)
    assert compare(live, test.model().snapshot) == []
    assert live.model().snapshot.hash == test.model().snapshot.hash


def test_only_what_is_named_is_taken_over(both: tuple[Tenant, Tenant]) -> None:
    test, live = both
    assert promote(test, live, only=["object/deal/fields/fresh"]) == ["Add field 'fresh' (text) to object 'deal'"]
    assert promote(test, live, only=["object/visit", "object/mine"]) == ["Add object 'visit'", "Remove object 'mine'"]
    assert live.model().object("deal").label("en") == "Deal"
    promote(test, live, only=["object/deal"])
    assert live.model().object("deal").label("en") == "Opportunity"
    assert "own" in live.model().object("deal").fields


def test_what_does_not_differ_cannot_be_chosen(both: tuple[Tenant, Tenant]) -> None:
    test, live = both
    with pytest.raises(UnknownDifference, match="object/deal/fields/fresh"):
        plan_promotion(live, test.model().snapshot, only=["object/deal/fields/frehs"])


def test_choice_that_lacks_what_it_needs_is_refused(both: tuple[Tenant, Tenant]) -> None:
    test, live = both
    before = live.model().snapshot.hash
    with pytest.raises((InvalidMetadata, CannotPromote), match="visit"):
        plan_promotion(live, test.model().snapshot, only=["object/trip"])
    assert live.model().snapshot.hash == before


# -- the command line ------------------------------------------------------------------------------------------------------


def run(runtime: Runtime, url: str, *args: str) -> Result:
    options = ["--home", str(runtime.home)] + ([] if url.startswith("sqlite") else ["--database-url", url])
    return CliRunner().invoke(root, [*options, "metadata", *args])


def test_command_line_compares_and_promotes_after_confirmation(
    both: tuple[Tenant, Tenant], runtime: Runtime, database_url: str
) -> None:
    _, live = both
    way = ("--from", "test", "--to", "live")
    listed = run(runtime, database_url, "compare", *way, "--json")
    assert "object/deal/label" in {d["name"] for d in json.loads(listed.stdout)["differences"]}
    only = ("promote", *way, "--only", "object/deal/label")
    before = live.model().snapshot.hash
    refused = run(runtime, database_url, *only, "--json")
    assert (refused.exit_code, json.loads(refused.stdout)["error"]["code"]) == (4, "confirmation_required")
    plan = json.loads(run(runtime, database_url, *only, "--plan", "--json").stdout)
    assert run(runtime, database_url, *only, "--confirm", "0" * 64).exit_code == 4
    assert live.model().snapshot.hash == before
    assert run(runtime, database_url, *only, "--confirm", plan["hash"]).exit_code == 0
    assert live.model().object("deal").label("en") == "Opportunity"
    assert live.publisher.log(1)[0]["note"] == "promoted from test"
    assert run(runtime, database_url, "promote", "--from", "nobody", "--to", "live").exit_code == 3


def test_command_line_keeps_a_draft_from_a_folder_to_its_publication(
    runtime: Runtime, database_url: str, tmp_path: Path
) -> None:
    live = runtime.create_tenant("live")
    publish(live, *LIVE)
    folder = tmp_path / "meta" / "objects"
    folder.mkdir(parents=True)
    for document in (obj("deal", NAME, field("amount"), field("own")), LIVE[1]):
        (folder / f"{document['name']}.json").write_text(json.dumps(document))
    made = run(
        runtime,
        database_url,
        "draft",
        "create",
        str(folder.parent),
        "--name",
        "wish",
        "--rename",
        "deal.size=amount",
        "--json",
    )
    assert [d["name"] for d in json.loads(made.stdout)["documents"]] == ["deal"]
    assert "wish: 1 document(s)" in run(runtime, database_url, "draft", "list").stdout
    assert "Rename field 'size'" in run(runtime, database_url, "draft", "plan", "wish").stdout
    publish(live, {**LIVE[0], "label": "Theirs"})
    assert run(runtime, database_url, "draft", "publish", "wish", "--yes").exit_code == 4
    assert run(runtime, database_url, "draft", "rebase", "wish").exit_code == 0
    assert run(runtime, database_url, "draft", "publish", "wish", "--yes").exit_code == 0
    assert list(live.model().object("deal").fields) == ["name", "amount", "own"]
    assert live.model().object("deal").label("en") == "Theirs"
    assert json.loads(run(runtime, database_url, "draft", "list", "--json").stdout) == []
    assert run(runtime, database_url, "draft", "show", "wish").exit_code == 3
    run(runtime, database_url, "draft", "create", str(folder.parent), "--name", "other")
    assert run(runtime, database_url, "draft", "delete", "other").exit_code == 4
    assert run(runtime, database_url, "draft", "delete", "other", "--yes").exit_code == 0


# -- over HTTP ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def world(open_world: OpenWorld) -> World:
    return open_world(LIVE)


def test_documents_of_another_tenant_are_compared_and_promoted_over_http(world: World) -> None:
    sent = {"documents": TEST}
    found = world.ada.post("/metadata/compare", sent).get_json()["differences"]
    assert {"object/deal/label", "object/visit"} <= {d["name"] for d in found}
    chosen = {**sent, "select": ["object/deal/label"]}
    plan = world.ada.post("/metadata/promote/plan", chosen).get_json()
    assert len(plan["operations"]) == 1
    assert world.ada.post("/metadata/promote", chosen).status_code == 409
    assert world.ada.post("/metadata/promote", {**sent, "confirm": plan["hash"]}).status_code == 409
    assert world.tenant.model().object("deal").label("en") == "Deal"
    assert world.ada.post("/metadata/promote", {**chosen, "confirm": plan["hash"]}).status_code == 200
    assert world.tenant.model().object("deal").label("en") == "Opportunity"
    assert world.ada.post("/metadata/promote/plan", {**sent, "select": ["object/x"]}).status_code == 422
    for path in ("/metadata/compare", "/metadata/promote/plan", "/metadata/promote"):
        assert world.bob.post(path, sent).status_code == 403

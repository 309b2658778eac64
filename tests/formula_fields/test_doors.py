"""Formulas over HTTP and at the command line: filters as text, both forms of a filter, explanations."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from click.testing import CliRunner, Result
from formula_fields.data import formula
from support.app import World
from support.copies import OpenWorld
from support.kernel import field, obj

from trellis.cli import root

DOCUMENTS = [
    obj("secret", field("name"), field("size", "number"), sharing={"default": "private"}),
    obj(
        "deal",
        field("name"),
        field("amount", "number"),
        field("cost", "number"),
        field("secret", "lookup", target="secret"),
        formula("margin", "percent", "IF(amount = 0, NULL, (amount - cost) / amount)"),
        formula("size", "number", "secret.size + 1", scale=0),
        formula("ratio", "number", "amount / cost"),
        formula("due", "number", "margin * 2 + LEN(name)"),
        sharing={"default": "read"},
    ),
]


@pytest.fixture
def world(open_world: OpenWorld) -> World:
    made = open_world(DOCUMENTS)
    secret = made.ada.create("secret", name="s", size="41")
    made.ada.create("deal", name="alpha", amount="200", cost="120", secret=secret["id"])
    made.ada.create("deal", name="beta", amount="50", cost="0")
    return made


def deals(response: Any) -> list[str]:
    assert response.status_code == 200, response.get_data(as_text=True)
    return [r["name"] for r in response.get_json()["records"]]


def test_answer_of_a_write_and_of_a_read_show_the_formulas(world: World) -> None:
    made = world.ada.create("deal", name="gamma", amount="10", cost="4")
    assert (made["margin"], made["size"], made["ratio"]) == ("60.00", "1", "2.50")
    changed = world.ada.patch(f"/records/deal/{made['id']}", {"cost": "5"}).get_json()
    assert changed["margin"] == "50.00"
    assert world.ada.get(f"/records/deal/{made['id']}").get_json() == changed


def test_filter_of_a_list_is_a_formula_or_a_tree(world: World) -> None:
    text = quote("margin > 0.3 && name = 'alpha'")
    assert deals(world.ada.get(f"/records/deal?filter={text}")) == ["alpha"]
    tree = {"field": "margin", "op": ">", "value": "50"}
    assert deals(world.ada.get(f"/records/deal?filter={quote(json.dumps(tree))}")) == ["beta"]
    assert deals(world.ada.post("/records/deal/query", {"filter": "ratio > 1"})) == ["alpha"]
    assert deals(world.ada.post("/records/deal/query", {"filter": {"formula": "cost = 0"}})) == ["beta"]


def test_problem_of_a_filter_text_has_its_place(world: World) -> None:
    refused = world.ada.post("/records/deal/query", {"filter": "margn > 0.3"})
    assert refused.status_code == 422
    (problem,) = refused.get_json()["error"]["details"]["problems"]
    assert (problem["start"], problem["end"]) == (0, 5) and "Did you mean 'margin'?" in problem["message"]


def test_description_and_schema_tell_that_formulas_are_read_only(world: World) -> None:
    described = {f["name"]: f for f in world.ada.get("/objects/deal").get_json()["fields"]}
    assert described["margin"]["read_only"] and ">" in described["margin"]["operators"]
    assert described["margin"]["parts"] == ["error"]
    body = world.ada.get("/objects/deal").get_json()
    assert "margin" not in body["create_schema"]["properties"]
    refused = world.ada.post("/records/deal", {"name": "x", "margin": "1"})
    assert refused.status_code == 422
    assert "is a formula" in refused.get_json()["error"]["fields"]["margin"][0]["message"]


def test_both_forms_of_a_filter_are_answered(world: World) -> None:
    tree = {
        "and": [{"field": "margin", "op": ">", "value": "30.00"}, {"field": "name", "op": "contains", "value": "a"}]
    }
    text = 'margin > 0.3 && HAS(name, "a")'
    for given in (tree, text):
        assert world.bob.post("/objects/deal/filter", {"filter": given}).get_json() == {"filter": tree, "text": text}
    none = world.bob.post("/objects/deal/filter", {"filter": {"field": "name", "op": "contains", "value": "a\nb"}})
    assert none.get_json()["text"] is None and "line break" in none.get_json()["reason"]
    wrong = world.bob.post("/objects/deal/filter", {"filter": "amount >"})
    assert wrong.get_json()["error"]["details"]["problems"][0]["start"] == 8
    assert world.bob.post("/objects/deal/filter", {"filter": {"field": "name"}}).status_code == 422


def test_formula_of_a_record_is_explained_part_by_part(world: World) -> None:
    (deal,) = world.ada.post("/records/deal/query", {"filter": 'name = "alpha"'}).get_json()["records"]
    tree = world.ada.get(f"/records/deal/{deal['id']}/explain/margin").get_json()
    assert (tree["label"], tree["value"]) == ("IF", "0.4")
    assert [(p["label"], p["value"]) for p in tree["parts"]] == [("equal", False), ("null", None), ("product", "0.4")]
    assert [(p["label"], p["value"]) for p in tree["parts"][2]["parts"]] == [("sum", "80"), ("amount", "200")]


def test_error_of_a_record_is_explained_where_it_arises(world: World) -> None:
    (deal,) = world.ada.post("/records/deal/query", {"filter": 'name = "beta"'}).get_json()["records"]
    assert deal["ratio"] is None
    tree = world.ada.get(f"/records/deal/{deal['id']}/explain/ratio").get_json()
    assert "error" in tree and "value" not in tree and [p["value"] for p in tree["parts"]] == ["50", "0"]


def test_explanation_shows_nothing_that_the_asker_may_not_read(world: World) -> None:
    (deal,) = world.bob.post("/records/deal/query", {"filter": 'name = "alpha"'}).get_json()["records"]
    assert deal["size"] == "1"
    tree = world.bob.get(f"/records/deal/{deal['id']}/explain/size").get_json()
    assert [(p["label"], p["value"]) for p in tree["parts"]] == [("secret.size", "0"), ("1", "1")]
    assert world.ada.get(f"/records/deal/{deal['id']}/explain/size").get_json()["value"] == "42"
    unknown = world.bob.get(f"/records/deal/{deal['id']}/explain/amount")
    assert unknown.status_code == 422 and "no formula field 'amount'" in unknown.get_json()["error"]["message"]
    (secret,) = world.ada.get("/records/secret").get_json()["records"]
    assert world.bob.get(f"/records/secret/{secret['id']}/explain/size").status_code == 404


@pytest.fixture
def cli(database_url: str, tmp_path: Path) -> Callable[..., Result]:
    options = ["--home", str(tmp_path / "home")]
    if not database_url.startswith("sqlite"):
        options += ["--database-url", database_url]
    folder = tmp_path / "meta" / "objects"
    folder.mkdir(parents=True)
    for document in DOCUMENTS:
        (folder / f"{document['name']}.json").write_text(json.dumps(document))

    def run(*args: str) -> Result:
        return CliRunner().invoke(root, [*options, *args])

    assert run("init", "shop", "--password", "correct horse").exit_code == 0
    assert run("metadata", "apply", str(tmp_path / "meta")).exit_code == 0
    return run


def test_command_line_filters_and_explains(cli: Callable[..., Result], tmp_path: Path) -> None:
    rows = tmp_path / "deals.json"
    rows.write_text(json.dumps([{"name": "alpha", "amount": "200", "cost": "120"}, {"name": "beta", "amount": "3"}]))
    imported = cli("import", str(rows), "deal")
    assert imported.exit_code == 0, imported.output
    found = cli("--json", "query", "deal", "--filter", "margin < 0.5", "--fields", "name,margin")
    (row,) = json.loads(found.output)["records"]
    assert (row["name"], row["margin"]) == ("alpha", "40.00")
    assert cli("export", "deal", "--filter", "margin = 1", "--fields", "name").output.splitlines()[1:] != []
    explained = cli("formula", "explain", "--object", "deal", "--record", row["id"], "--field", "margin")
    assert explained.output.splitlines()[0] == "IF = 0.4", explained.output
    assert cli("formula", "explain", "--object", "deal", "--field", "margin").exit_code == 2

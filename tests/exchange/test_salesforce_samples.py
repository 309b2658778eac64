"""Sample data of two published Salesforce applications, from definition to query, through the command line.

The files stand beside a checkout, in ``../shared/corpus`` (another place: ``TRELLIS_CORPUS``). The expected numbers were
counted in the files by hand and with ``jq``.
"""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from trellis.cli import root

REPOSITORY = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("TRELLIS_CORPUS", REPOSITORY.parent / "shared" / "corpus"))
DEFINITIONS = Path(__file__).parent / "definitions"
Cli = Callable[..., Any]


def sample(application: str, copy_to: Path) -> Path:
    """Return a copy of an application's data folder, or skip the test with a notice that cannot be overlooked."""
    folder = CORPUS / "sfdx" / application / "data"
    if not folder.is_dir():
        notice = f"REAL INPUT IS MISSING: no sample data of '{application}'. Set TRELLIS_CORPUS to the folder that has sfdx/{application}/data."
        warnings.warn(notice, stacklevel=2)
        pytest.skip(notice)
    shutil.copytree(folder, copy_to)
    return copy_to / "sample-data-plan.json"


@pytest.fixture
def cli(database_url: str, tmp_path: Path) -> Cli:
    options = ["--home", str(tmp_path / "home"), "--json"]
    if not database_url.startswith("sqlite"):
        options += ["--database-url", database_url]

    def run(*args: str) -> Any:
        result = CliRunner().invoke(root, [*options, *args])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run


def loaded(cli: Cli, application: str, folder: Path, *options: str) -> list[dict[str, Any]]:
    plan = sample(application, folder)
    cli("init", application)
    cli("metadata", "apply", str(DEFINITIONS / application))
    imports: list[dict[str, Any]] = cli("import", str(plan), *options)["imports"]
    return imports


def test_ebikes_products_find_their_families(cli: Cli, tmp_path: Path) -> None:
    imports = loaded(cli, "ebikes", tmp_path / "data")
    assert [(i["object"], i["created"], i["refused"]) for i in imports] == [
        ("account", 3, 0),
        ("product_family", 4, 0),
        ("product", 16, 0),
    ]
    rows = cli(
        "query",
        "product",
        "--fields",
        "name,product_family.name,msrp,level",
        "--sort",
        "name",
        "--filter",
        '{"field": "product_family.name", "op": "=", "value": "Fuse"}',
    )["records"]
    assert [(r["name"], r["product_family.name"]) for r in rows] == [(f"FUSE X{n}", "Fuse") for n in (1, 2, 3, 4)]
    assert rows[0]["msrp"] == {"amount": "2500.00", "currency": "USD"}
    assert rows[0]["level"] == "beginner"


def test_ebikes_prices_add_up_per_family(cli: Cli, tmp_path: Path) -> None:
    loaded(cli, "ebikes", tmp_path / "data")
    source = json.loads((tmp_path / "data" / "Product__cs.json").read_text())["records"]
    expected: dict[str, Decimal] = {}
    for record in source:
        family = record["Product_Family__c"].removeprefix("@").removesuffix("Ref")
        expected[family] = expected.get(family, Decimal()) + Decimal(record["MSRP__c"])
    rows = cli(
        "query", "product", "--group-by", "product_family.name", "--aggregate", "count", "--aggregate", "sum:msrp"
    )["records"]
    assert {r["product_family.name"]: Decimal(r["sum(msrp)"]) for r in rows} == expected
    assert sum(r["count"] for r in rows) == 16


def test_dreamhouse_compound_fields_are_put_together(cli: Cli, tmp_path: Path) -> None:
    imports = loaded(cli, "dreamhouse", tmp_path / "data")
    assert [(i["object"], i["created"], i["refused"]) for i in imports] == [
        ("broker", 8, 0),
        ("property", 12, 0),
        ("contact", 5, 0),
    ]
    house = cli(
        "query",
        "property",
        "--filter",
        '{"field": "address", "op": "=", "value": "18 Henry St"}',
        "--fields",
        "location,broker.name,broker.phone,status,price",
    )["records"][0]
    assert {k: Decimal(v) for k, v in house["location"].items()} == {
        "latitude": Decimal("42.35663"),
        "longitude": Decimal("-71.11095"),
    }
    assert (house["broker.name"], house["status"], house["price"]["amount"]) == (
        "Caroline Kingsley",
        "available",
        "975000.00",
    )
    assert house["broker.phone"].startswith("+1")
    contact = cli("query", "contact", "--search", "Holmes", "--fields", "name")["records"][0]
    assert (contact["name"]["first"], contact["name"]["last"]) == ("Brad", "Holmes")


def test_dreamhouse_properties_count_per_status(cli: Cli, tmp_path: Path) -> None:
    loaded(cli, "dreamhouse", tmp_path / "data")
    rows = cli("query", "property", "--group-by", "status", "--aggregate", "count")["records"]
    records = json.loads((tmp_path / "data" / "properties-data.json").read_text())["records"]
    expected = [r["Status__c"].lower().replace(" ", "_") for r in records]
    assert {r["status"]: r["count"] for r in rows} == {s: expected.count(s) for s in expected}


def test_reference_names_as_external_ids_make_a_plan_repeatable(cli: Cli, tmp_path: Path) -> None:
    loaded(cli, "ebikes", tmp_path / "data", "--key", "external:sample")
    again = cli("import", str(tmp_path / "data" / "sample-data-plan.json"), "--key", "external:sample")["imports"]
    assert [(i["created"], i["unchanged"]) for i in again] == [(0, 3), (0, 4), (0, 16)]

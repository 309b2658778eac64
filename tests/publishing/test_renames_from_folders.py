"""A rename that was answered once is remembered, however often the same folder is applied."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner
from support.kernel import create, field, obj, publish, values

from trellis.cli import root
from trellis.tenant import Tenant

NAME = field("name", required=True)


def test_old_names_stay_when_the_same_documents_are_applied_again(tenant: Tenant) -> None:
    publish(tenant, obj("deal", NAME, field("size", "integer")))
    create(tenant, "deal", {"name": "a", "size": 3})
    renamed = obj("deal", NAME, field("amount", "integer"))
    publish(tenant, renamed, renames=[("object", "deal", ("fields", "size"), "amount")])
    version = tenant.model().version
    assert publish(tenant, renamed) == version
    assert tenant.model().object("deal").fields["amount"].doc["was"] == ["size"]
    publish(tenant, obj("deal", NAME, field("amount", "integer"), field("more")))
    assert tenant.model().object("deal").fields["amount"].doc["was"] == ["size"]
    publish(tenant, obj("deal", NAME, field("size", "integer", was=["amount"]), field("more")))
    assert values(tenant, "deal", "size") == [3]
    assert tenant.model().object("deal").fields["size"].doc["was"] == ["amount"]


def test_old_name_that_a_neighbour_claims_is_not_remembered(tenant: Tenant) -> None:
    publish(tenant, obj("deal", NAME, field("amount", "integer", was=["size", "sum"])))
    publish(tenant, obj("deal", NAME, field("amount", "integer"), field("width", "integer", was=["size"])))
    fields = tenant.model().object("deal").fields
    assert (fields["amount"].doc["was"], fields["width"].doc["was"]) == (["sum"], ["size"])


def test_renamed_object_replaces_the_old_one_without_naming_it_removed(tenant: Tenant) -> None:
    publish(tenant, obj("deal", NAME))
    create(tenant, "deal", {"name": "a"})
    publish(tenant, obj("chance", NAME), renames=[("object", "deal", (), "chance")])
    assert "deal" not in tenant.model().object_names
    assert values(tenant, "chance", "name") == ["a"]


def test_command_line_says_that_nothing_changes_and_keeps_the_version(tmp_path: Path) -> None:
    home = ["--home", str(tmp_path / "home")]
    CliRunner().invoke(root, [*home, "init", "shop", "--password", "correct horse"])
    folder = tmp_path / "meta" / "objects"
    folder.mkdir(parents=True)
    (folder / "deal.json").write_text(json.dumps(obj("deal", NAME)))
    first = CliRunner().invoke(root, [*home, "metadata", "apply", str(folder.parent)])
    assert first.stdout.endswith("Version 2.\n")
    again = CliRunner().invoke(root, [*home, "metadata", "apply", str(folder.parent)])
    assert again.stdout == "No changes.\nStill version 2.\n"

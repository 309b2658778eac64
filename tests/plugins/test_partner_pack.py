"""A partner's pack with a script: made from the template, tested, built, signed, installed and used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.kernel import create, rows

from trellis.cli import root
from trellis.runtime import Runtime
from trellis_plugins.scripts.host.sandbox import shared

Cli = Callable[..., Result]


@pytest.fixture(autouse=True)
def development() -> None:
    """The strongest sandbox that the machine offers."""
    shared(production=False)


@pytest.fixture
def cli(tenant: Any) -> Cli:
    options = ["--home", str(tenant.files.parent.parent)]
    if not tenant.database.is_sqlite:
        options += ["--database-url", tenant.database.url.render_as_string(False)]

    def run(*args: str, code: int = 0) -> Any:
        done = CliRunner().invoke(root, [*options, *args, "--json"])
        assert done.exit_code == code, done.output
        return json.loads(done.stdout)

    return run


def test_pack_of_the_template_with_its_script_is_built_signed_installed_and_used(
    tenant: Any, cli: Cli, tmp_path: Path
) -> None:
    folder, file, key = tmp_path / "pets", tmp_path / "pets.trellis", tmp_path / "key.pem"
    cli("pack", "new", str(folder), "--prefix", "pet")
    cli("pack", "check", str(folder))
    tested: Any = cli("pack", "test", str(folder))
    assert {"pet_tidy_name.spaces", "name_is_tidied", "item_needs_a_name"} <= {c["name"] for c in tested["cases"]}
    cli("pack", "build", str(folder), "--output", str(file))
    public: Any = cli("pack", "key", str(key))
    cli("pack", "sign", str(file), "--key", str(key))
    cli("pack", "trust", "Partner", public["public_key"])
    installed: Any = cli("pack", "install", str(file), "--yes")
    assert installed
    runtime = Runtime(tenant.files.parent.parent, database_url=tenant.database.url.render_as_string(False))
    try:
        found = runtime.tenant(tenant.name)
        create(found, "pet_item", {"name": "  two   words "})
        assert [r["name"] for r in rows(found, "pet_item")] == ["two words"]
    finally:
        runtime.close()


def test_script_whose_test_fails_is_told_before_the_pack_is_installed(tenant: Any, cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    cli("pack", "new", str(folder), "--prefix", "pet")
    place = folder / "scripts" / "pet_tidy_name.json"
    script = json.loads(place.read_text())
    script["tests"][0]["expect"] = {"name": "something else"}
    place.write_text(json.dumps(script))
    tested: Any = cli("pack", "test", str(folder), code=1)
    (broken,) = [c for c in tested["cases"] if not c["passed"]]
    assert broken["name"] == "pet_tidy_name.spaces" and "something else" in broken["failures"][0]

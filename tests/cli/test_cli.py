"""The command line: exit codes, one JSON document per answer, messages instead of tracebacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from trellis.cli import root
from trellis.cli.discovery import commands

Cli = Callable[..., Result]
REPOSITORY = Path(__file__).parents[2]
DEAL: dict[str, Any] = {
    "kind": "object",
    "name": "deal",
    "label": "Deal",
    "fields": [
        {"name": "name", "type": "text", "required": True},
        {"name": "number", "type": "text", "unique": True},
        {"name": "note", "type": "text"},
    ],
}


@pytest.fixture
def cli(database_url: str, tmp_path: Path) -> Cli:
    options = ["--home", str(tmp_path / "home")]
    if not database_url.startswith("sqlite"):
        options += ["--database-url", database_url]

    def run(*args: str) -> Result:
        return CliRunner().invoke(root, [*options, *args])

    return run


def written(folder: Path, *documents: dict[str, Any]) -> str:
    for document in documents:
        place = folder / "meta" / "objects" / f"{document['name']}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(document))
    return str(folder / "meta")


@pytest.fixture
def shop(cli: Cli, tmp_path: Path) -> Cli:
    assert cli("init", "shop", "--password", "correct horse").exit_code == 0
    assert cli("metadata", "apply", written(tmp_path, DEAL)).exit_code == 0
    return cli


def answer(result: Result) -> Any:
    """The one JSON document on standard output."""
    return json.loads(result.stdout)


# -- the frame ---------------------------------------------------------------------------------------------------------


def leaves(command: click.Command, path: tuple[str, ...]) -> list[tuple[str, ...]]:
    if isinstance(command, click.Group):
        return [leaf for name, inner in command.commands.items() for leaf in leaves(inner, (*path, name))]
    return [path]


@pytest.mark.parametrize("path", [leaf for name, c in commands().items() for leaf in leaves(c, (name,))], ids=" ".join)
def test_every_command_explains_itself_and_takes_json(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(root, [*path, "--help"])
    assert result.exit_code == 0
    assert "--json" in result.stdout


def test_the_commands_that_the_product_promises_are_there() -> None:
    assert {
        "init",
        "run",
        "worker",
        "tenant",
        "user",
        "metadata",
        "import",
        "export",
        "query",
        "doctor",
        "backup",
        "restore",
        "shell",
    } <= set(commands())
    metadata: Any = commands()["metadata"]
    assert {"pull", "validate", "plan", "apply", "undo", "log", "diff"} <= set(metadata.commands)


@pytest.mark.parametrize(
    ("args", "code", "name"),
    [
        (("query", "nothing"), 3, "unknown_object"),
        (("--tenant", "nobody", "query", "deal"), 3, "unknown_tenant"),
        (("import", "no.csv", "deal"), 3, "file_not_found"),
        (("--as", "nobody", "query", "deal"), 3, "not_found"),
        (("query", "deal", "--filter", "{"), 1, "invalid_query"),
        (("query", "deal", "--fields", "nam"), 1, "invalid_query"),
        (("metadata", "undo", "--confirm", "wrong"), 4, "stale_plan"),
        (("tenant", "create", "shop"), 4, "tenant_exists"),
        (("tenant", "create", "Bad Name"), 1, "bad_tenant_name"),
        (("tenant", "drop", "shop"), 4, "confirmation_required"),
        (("tenant", "move", "shop", "--to", "mysql://x/y", "--yes"), 1, "bad_database_url"),
        (("user", "create", "bob", "--password", "short"), 1, "weak_password"),
        (("user", "token", "admin", "--scope", "all"), 1, "bad_scope"),
        (("export", "deal", "--format", "pdf"), 1, "unknown_format"),
        (("query", "deal", "--limit", "0"), 2, "usage"),
        (("nonsense",), 2, "usage"),
        (("export", "deal"), 2, "usage"),
        (("metadata", "plan", "nowhere"), 3, "file_not_found"),
        (("metadata", "plan", ".", "--rename", "x"), 1, "bad_rename"),
        (("restore", __file__), 1, "bad_archive"),
    ],
)
def test_a_problem_has_its_exit_code_and_one_json_document(
    shop: Cli, args: tuple[str, ...], code: int, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path / "meta")
    result = shop(*args, "--json") if args[0] != "nonsense" else shop("--json", *args)
    assert (result.exit_code, answer(result)["error"]["code"]) == (code, name)
    assert answer(result)["error"]["message"]


def test_a_problem_is_told_to_people_on_standard_error_without_traceback(shop: Cli) -> None:
    result = shop("query", "dael")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "There is no object 'dael'. Did you mean 'deal'?" in result.stderr
    assert "Traceback" not in result.stderr


def test_without_a_tenant_the_way_out_is_named(cli: Cli) -> None:
    result = cli("query", "deal")
    assert result.exit_code == 1
    assert "trellis init" in result.stderr


def test_several_tenants_must_be_told_apart(shop: Cli) -> None:
    assert shop("tenant", "create", "other").exit_code == 0
    assert "--tenant" in shop("query", "deal").stderr
    assert shop("--tenant", "shop", "query", "deal").exit_code == 0


@pytest.mark.slow
def test_a_real_process_returns_the_exit_codes(tmp_path: Path) -> None:
    env = {
        **os.environ,
        "TRELLIS_HOME": str(tmp_path / "home"),
        "PYTHONPATH": os.pathsep.join(str(REPOSITORY / p) for p in ("platform", "metadata")),
    }
    env.pop("TRELLIS_DATABASE_URL", None)

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from trellis.cli import main; main()", *args],
            env=env,
            capture_output=True,
            text=True,
        )

    assert run("init", "shop", "--json").returncode == 0
    listed = run("tenant", "list", "--json")
    assert (listed.returncode, [t["name"] for t in json.loads(listed.stdout)]) == (0, ["shop"])
    assert run("query", "nothing").returncode == 3
    assert run("tenant", "drop", "shop").returncode == 4
    assert run("--no-such-option").returncode == 2
    assert "Traceback" not in run("--database-url", "postgresql://127.0.0.1:1/none", "tenant", "list").stderr


# -- accounts ----------------------------------------------------------------------------------------------------------


def test_init_gives_a_login_once(cli: Cli) -> None:
    made = answer(cli("init", "--json"))
    assert (made["tenant"], made["login"], len(made["password"]) >= 12) == ("main", "admin", True)
    assert cli("init", "--json").exit_code == 4


def test_a_failed_init_leaves_nothing(cli: Cli) -> None:
    assert cli("init", "shop", "--password", "short").exit_code == 1
    assert answer(cli("tenant", "list", "--json")) == []


def test_a_person_acts_with_own_rights(shop: Cli, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("name\nMine\n")
    assert shop("user", "create", "bob", "--password", "correct horse").exit_code == 0
    assert shop("import", str(tmp_path / "d.csv"), "deal").exit_code == 0
    assert answer(shop("--as", "bob", "query", "deal", "--json"))["records"] == []
    assert shop("--as", "bob", "import", str(tmp_path / "d.csv"), "user", "--map", "name=name").exit_code == 1


def test_a_token_is_shown(shop: Cli) -> None:
    made = answer(shop("user", "token", "admin", "--scope", "read", "--days", "2", "--json"))
    assert made["token"].startswith("trl_")
    assert made["scopes"] == ["read"]


# -- metadata ----------------------------------------------------------------------------------------------------------


def test_pull_and_apply_are_the_identity(shop: Cli, tmp_path: Path) -> None:
    assert answer(shop("metadata", "pull", str(tmp_path / "out"), "--json"))["files"] == ["objects/deal.json"]
    assert answer(shop("metadata", "plan", str(tmp_path / "out"), "--json"))["operations"] == []
    assert answer(shop("metadata", "diff", str(tmp_path / "out"), "--json")) == []


def test_all_problems_of_a_folder_are_told_and_nothing_is_applied(shop: Cli, tmp_path: Path) -> None:
    folder = written(
        tmp_path, {**DEAL, "fields": [{"name": "a", "type": "txt"}, {"name": "b", "type": "text", "max_length": -1}]}
    )
    found = shop("metadata", "validate", folder, "--json")
    assert (found.exit_code, answer(found)["valid"]) == (1, False)
    assert {d["pointer"].split("/")[2] for d in answer(found)["diagnostics"]} == {"0", "1"}
    applied = shop("metadata", "apply", folder, "--yes")
    assert applied.exit_code == 1
    assert "/fields/0/type" in applied.stderr
    assert answer(shop("metadata", "log", "--json"))[0]["number"] == 2


def test_a_destructive_plan_needs_its_hash_or_yes(shop: Cli, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("name,note\nA,keep\n")
    shop("import", str(tmp_path / "d.csv"), "deal")
    folder = written(tmp_path, {**DEAL, "fields": DEAL["fields"][:2]})
    plan = answer(shop("metadata", "plan", folder, "--json"))
    assert plan["destructive"]
    assert shop("metadata", "apply", folder).exit_code == 4
    assert shop("metadata", "apply", folder, "--confirm", "0" * 64).exit_code == 4
    assert shop("metadata", "apply", folder, "--confirm", plan["hash"]).exit_code == 0
    assert answer(shop("metadata", "undo", "--yes", "--json"))["version"] == 4
    assert answer(shop("query", "deal", "--fields", "note", "--json"))["records"][0]["note"] == "keep"


def test_a_rename_keeps_the_values(shop: Cli, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("name,note\nA,keep\n")
    shop("import", str(tmp_path / "d.csv"), "deal")
    folder = written(tmp_path, {**DEAL, "fields": [*DEAL["fields"][:2], {"name": "remark", "type": "text"}]})
    assert shop("metadata", "apply", folder, "--rename", "deal.note=remark").exit_code == 0
    assert answer(shop("query", "deal", "--fields", "remark", "--json"))["records"][0]["remark"] == "keep"


# -- records -----------------------------------------------------------------------------------------------------------


def test_refused_rows_give_exit_code_1_and_an_error_file(shop: Cli, tmp_path: Path) -> None:
    (tmp_path / "deal.csv").write_text("name,number\nA,1\nB,1\n")
    result = shop("import", str(tmp_path / "deal.csv"), "--json")
    assert result.exit_code == 1
    report = answer(result)["imports"][0]
    assert (report["created"], report["refused"], report["errors"][0]["row"]) == (1, 1, 3)
    assert "_reason" in (tmp_path / "deal.csv.errors.csv").read_text()


def test_a_mapping_is_saved_and_used_again(shop: Cli, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("Title,No\nA,1\n")
    saved = str(tmp_path / "map.json")
    shown = shop(
        "import",
        str(tmp_path / "d.csv"),
        "deal",
        "--map",
        "Title=name",
        "--save-mapping",
        saved,
        "--show-mapping",
        "--json",
    )
    assert answer(shown)["mapping"] == {"Title": "name", "No": ""}
    assert answer(shop("query", "deal", "--json"))["records"] == []
    assert shop("import", str(tmp_path / "d.csv"), "deal", "--mapping", saved).exit_code == 0
    assert shop("import", str(tmp_path / "d.csv"), "deal", "--map", "Title").exit_code == 1


def test_export_goes_to_a_file_or_to_standard_output(shop: Cli, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("name\nA\n")
    shop("import", str(tmp_path / "d.csv"), "deal")
    assert shop("export", "deal", "--fields", "name", "--format", "ndjson").stdout.endswith('"name":"A"}\n')
    assert answer(shop("export", "deal", "-o", str(tmp_path / "out.json"), "--json"))["format"] == "json"
    assert shop("export", "deal", "-o", str(tmp_path / "bad.json"), "--fields", "nam").exit_code == 1
    assert not list(tmp_path.glob("*bad.json*"))


def test_query_shows_a_table(shop: Cli, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("name\n[bold]A\n")
    shop("import", str(tmp_path / "d.csv"), "deal")
    assert "[bold]A" in shop("query", "deal", "--fields", "name", "--total").stdout


# -- whole tenants -----------------------------------------------------------------------------------------------------


def test_backup_restore_clone_and_doctor(shop: Cli, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("name\nA\n")
    shop("import", str(tmp_path / "d.csv"), "deal")
    archive = str(tmp_path / "b.zip")
    assert shop("backup", archive).exit_code == 0
    assert shop("backup", archive).exit_code == 4
    assert answer(shop("restore", archive, "--check", "--json"))["valid"]
    assert shop("restore", archive).exit_code == 4
    assert shop("restore", archive, "--name", "again").exit_code == 0
    assert shop("tenant", "clone", "again", "copy").exit_code == 0
    assert [r["name"] for r in answer(shop("--tenant", "copy", "query", "deal", "--json"))["records"]] == ["A"]
    assert all(t["healthy"] for t in answer(shop("doctor", "--all", "--json")))
    assert shop("tenant", "drop", "copy", "--yes").exit_code == 0


def test_shell_runs_a_text(shop: Cli) -> None:
    result = shop(
        "shell",
        "-c",
        "write(lambda tx: tx.create('deal', [{'name': 'A'}])); print(query('deal', fields='name')[0]['name'])",
    )
    assert (result.exit_code, result.stdout) == (0, "A\n")

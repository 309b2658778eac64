"""The author's tools: check, run, test, runs, grant, resume; what doctor says; the guide and the stubs."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.kernel import create, field, obj, publish, ref

from trellis.cli import root
from trellis.runtime import Runtime
from trellis_plugins.scripts import harness
from trellis_plugins.scripts.host.sandbox import Sandbox
from trellis_plugins.scripts.jail import builtins, engine

ROOT = Path(__file__).parents[2]
SCRIPT: dict[str, Any] = {
    "kind": "script",
    "name": "total",
    "object": "deal",
    "events": ["before_create"],
    "source": "if record.price < 0: reject('below zero', 'price')\nrecord.total = record.price * 2\nlog.info('did', record.name)",
    "rights": [{"object": "deal", "verbs": ["read"]}],
    "tests": [
        {"name": "doubles", "given": {"price": "2.50"}, "expect": {"total": "5.00"}},
        {"name": "refuses", "given": {"price": "-1"}, "rejects": "below"},
    ],
}
Trellis = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, sandbox: Sandbox) -> Path:
    """A home with one tenant, a script and a deal."""
    runtime = Runtime(tmp_path / "home")
    tenant = runtime.create_tenant("acme")
    fields = [field("name"), field("price", "number", scale=2), field("total", "number", scale=2)]
    publish(tenant, obj("deal", *fields))
    [number] = create(tenant, "deal", {"name": "x", "price": "4"})
    (tmp_path / "id").write_text(ref(tenant, "deal", number))
    publish(tenant, SCRIPT)
    runtime.close()
    return tmp_path / "home"


@pytest.fixture
def trellis(home: Path) -> Trellis:
    def call(*arguments: str) -> Result:
        return CliRunner().invoke(root, ["--home", str(home), *arguments])

    return call


def test_check_names_lines_of_files_and_documents(trellis: Trellis, tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.py", tmp_path / "good.json"
    bad.write_text("x = 1\nimport os\n")
    good.write_text(json.dumps(SCRIPT))
    done = trellis("script", "check", str(good), str(bad))
    assert done.exit_code == 1
    assert "line 2, column 1: Module 'os' is not available" in done.output
    assert trellis("script", "check", str(good)).exit_code == 0
    assert trellis("script", "check").exit_code == 0


def test_run_shows_changes_log_and_gauges_and_saves_nothing(trellis: Trellis, home: Path) -> None:
    record = (home.parent / "id").read_text()
    done = trellis("script", "run", "total", record)
    assert done.exit_code == 0, done.output
    assert "total = '8.00'" in done.output and "info: did x" in done.output and "steps: 1" not in done.output
    assert re.search(r"queries: 0 of 100", done.output)
    shown = json.loads(trellis("--json", "query", "deal").output)
    assert [r["total"] for r in shown["records"]] == [None]
    assert json.loads(trellis("--json", "script", "runs").output) == []


def test_tests_of_scripts_pass_and_fail(trellis: Trellis, home: Path) -> None:
    assert trellis("script", "test").exit_code == 0
    runtime = Runtime(home)
    publish(runtime.tenant("acme"), {**SCRIPT, "source": "record.total = record.price * 3"})
    runtime.close()
    done = trellis("script", "test")
    assert done.exit_code == 1
    assert "failed total.doubles" in done.output and "failed total.refuses" in done.output


def test_runs_are_listed_with_cost_and_log(trellis: Trellis, home: Path) -> None:
    runtime = Runtime(home)
    create(runtime.tenant("acme"), "deal", {"name": "y", "price": "1"})
    runtime.close()
    done = trellis("script", "runs", "total", "--log")
    assert "total before_create x1 ok" in done.output and "info: did y" in done.output


def test_doctor_names_rights_that_nobody_approved(trellis: Trellis) -> None:
    assert "asks for rights that no administrator approved" in trellis("doctor").output
    assert "Granted to 'total': deal: read." in trellis("script", "grant", "total").output
    assert "rights that no administrator" not in trellis("doctor").output
    assert trellis("script", "revoke", "total").output.strip() == "Taken back."
    assert trellis("script", "resume", "total").output.strip() == "It was not suspended."
    assert "0 run(s) removed." in trellis("script", "prune").output
    assert trellis("script", "grant", "nothing").exit_code != 0


def test_doctor_names_a_missing_wall(trellis: Trellis, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    from trellis_plugins.scripts.host import walls

    monkeypatch.setattr(sandbox, "offered", walls.Walls(0, True, True))
    assert "Landlock is not offered by this machine" in trellis("doctor").output


def test_stubs_name_what_a_script_finds() -> None:
    stub = ROOT / "plugins/trellis_plugins/scripts/trellis_script.pyi"
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    named = {n.target.id for n in tree.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)}
    named |= {n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    named |= {a.asname or a.name for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names}
    source = Path(engine.__file__).read_text(encoding="utf-8")
    offered = set(re.findall(r'"(\w+)": (?:lambda|self\.log)', source)) - {"print", "http", "secret"}
    assert offered - named == set()
    assert {"ApiError", "NotFound", "AccessDenied", "InvalidRecord"} <= named & set(builtins.EXCEPTIONS)


def test_examples_of_the_guide_work(sandbox: Sandbox) -> None:
    text = (ROOT / "docs/scripts.md").read_text(encoding="utf-8")
    [document] = [json.loads(b) for b in re.findall(r"```json\n(.*?)```", text, re.DOTALL) if '"kind"' in b]
    answer = harness.run(document["source"].replace("record.total =", "record.total ="), sandbox=sandbox)
    assert (answer["status"], answer["changes"]) == ("ok", {"total": "1200.00"})
    [line] = re.findall(r"echo '(\{.*?\})' \| python -m trellis_plugins", text)
    assert harness.run(json.loads(line)["code"], sandbox=sandbox)["result"] == "2401.00"

"""The project of ``trellis plugin new`` is built, installed in a clean environment, and works there."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from trellis.cli import root
from trellis.plugin_template import CannotWriteTemplate, write_template

ROOT = Path(__file__).parents[2]


def test_name_that_is_none_and_folder_that_is_not_empty_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    for name in ("Bad Name", "class", "1st", "a-b"):
        with pytest.raises(CannotWriteTemplate):
            write_template(tmp_path / "new", name)
    (tmp_path / "kept.txt").write_text("x")
    with pytest.raises(CannotWriteTemplate, match="is not empty"):
        write_template(tmp_path, "good")
    assert [p.name for p in tmp_path.iterdir()] == ["kept.txt"]


@pytest.mark.slow
def test_project_is_built_installed_and_used_in_a_clean_environment(tmp_path: Path) -> None:
    folder, environment = tmp_path / "my-plates", tmp_path / "env"
    made = CliRunner().invoke(root, ["plugin", "new", str(folder)])
    assert made.exit_code == 0, made.output

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    # Built by the back end that the project names, without a network.
    run(
        sys.executable,
        "-c",
        f"import os; os.chdir({str(folder)!r}); import hatchling.build as b; b.build_wheel({str(tmp_path)!r})",
    )
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name == "trellis_my_plates-0.1.0-py3-none-any.whl"
    run(sys.executable, "-m", "venv", "--without-pip", str(environment))
    packages = next(environment.glob("lib/python*/site-packages"))
    # A wheel of pure Python is installed by unpacking it; the product and what it needs stand on the path beside it.
    zipfile.ZipFile(wheel).extractall(packages)
    sources = [ROOT / n for n in ("metadata", "platform", "plugins", "admin_ui")]
    (packages / "product.pth").write_text("\n".join([*map(str, sources), sysconfig.get_path("purelib")]))
    python = str(environment / "bin" / "python")
    listed = json.loads(run(python, "-m", "trellis", "plugin", "list", "--json").stdout)
    (plugin,) = [p for p in listed if p["name"] == "my_plates"]
    assert plugin["package"] == "trellis-my-plates" and not plugin["failure"]
    assert plugin["hooks"] == ["trellis_actions", "trellis_commands", "trellis_field_types", "trellis_functions"]
    assert run(python, "-m", "trellis", "my-plates", "ada lovelace").stdout.strip() == "AL"
    told = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder / "tests")).stdout
    assert "2 passed" in told
    assert "MYPLATESINITIALS" in run(python, "-m", "trellis", "formula", "functions").stdout

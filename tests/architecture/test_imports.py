"""Imports point one way, and no top-level folder hides a standard module."""

import ast
import platform
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALLOWED = {
    "trellis_metadata": {"trellis_metadata"},
    "trellis": {"trellis", "trellis_metadata"},
    "trellis_plugins": {"trellis_plugins", "trellis", "trellis_metadata"},
    "trellis_admin": {"trellis_admin", "trellis", "trellis_metadata"},
}
FOLDERS = {
    "trellis_metadata": "metadata",
    "trellis": "platform",
    "trellis_plugins": "plugins",
    "trellis_admin": "admin_ui",
}


def modules(package: str) -> list[Path]:
    return sorted((ROOT / FOLDERS[package] / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_only_what_lies_below_them(package: str) -> None:
    assert modules(package)
    wrong = {
        str(p.relative_to(ROOT)): bad
        for p in modules(package)
        if (bad := imported(p) & set(ALLOWED) - ALLOWED[package])
    }
    assert wrong == {}


def test_language_package_knows_no_storage_and_no_web() -> None:
    forbidden = {"sqlalchemy", "flask", "psycopg", "sqlite3", "alembic", "marshmallow", "requests", "socket"}
    wrong = {str(p.relative_to(ROOT)): bad for p in modules("trellis_metadata") if (bad := imported(p) & forbidden)}
    assert wrong == {}


def test_only_api_app_and_server_know_http() -> None:
    inside = ROOT / "platform" / "trellis"
    # Hook specifications name the blueprint that a plug-in may give.
    allowed = {inside / "app.py", inside / "server.py", inside / "hookspecs.py"}
    wrong = [
        str(p.relative_to(ROOT))
        for p in modules("trellis")
        if p not in allowed and inside / "api" not in p.parents and imported(p) & {"flask", "werkzeug"}
    ]
    assert wrong == []


@pytest.mark.parametrize("folder", ["platform", "metadata", "plugins", "admin_ui", "industry_packs", "tests"])
def test_top_level_folders_are_source_roots_not_packages(folder: str) -> None:
    assert not (ROOT / folder / "__init__.py").exists()
    loose = [p.name for p in (ROOT / folder).glob("*.py") if p.name != "conftest.py"]
    assert loose == []


def test_standard_library_platform_is_not_hidden() -> None:
    assert platform.system()
    assert str(ROOT) not in (platform.__file__ or "")
    assert "platform" in sys.stdlib_module_names


def test_wall_clock_is_read_in_one_module_only() -> None:
    allowed = {"clock.py"}
    calls = ("datetime.now(", "datetime.utcnow(", "date.today(", "time.time(")
    wrong = [
        str(p.relative_to(ROOT))
        for p in modules("trellis") + modules("trellis_metadata")
        if p.name not in allowed and any(c in p.read_text(encoding="utf-8") for c in calls)
    ]
    assert wrong == []


def test_no_registry_host_is_named_in_the_repository() -> None:
    hosts = ("registry.npm" + "js.org", "py" + "pi.org", "files.python" + "hosted.org", "deb.deb" + "ian.org")
    import subprocess

    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    wrong = [
        n
        for n in names
        if (ROOT / n).is_file() and any(h in (ROOT / n).read_bytes().decode("utf-8", "replace") for h in hosts)
    ]
    assert wrong == []

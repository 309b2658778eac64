"""Mutation testing of the pure modules: ``make mutate`` puts sampled faults into a copy of the code and runs its tests.

A fault that no test notices survives. The sample is the same for the same seed. What lies in annotations is left alone: nothing
runs it. Operators and their places come from Cosmic Ray; the tests of each module are named in :data:`SUITES`.
"""

from __future__ import annotations

import argparse
import ast
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cosmic_ray.plugins
from cosmic_ray.commands.init import _all_work_items as all_work_items
from cosmic_ray.mutating import mutate_code

ROOT = Path(__file__).parents[1]
SOURCE_ROOTS = ("platform", "metadata", "plugins", "admin_ui")
TIMEOUT_S = 180
LEAST = 0.85
SUITES: dict[str, str] = {
    "metadata/trellis_metadata/formula/*.py": "tests/formula/test_cases.py tests/formula/test_problems.py tests/formula/test_traps.py tests/formula/test_dependencies_and_explain.py",
    "metadata/trellis_metadata/merge/*.py": "tests/merge",
    "metadata/trellis_metadata/compare.py": "tests/language",
    "metadata/trellis_metadata/operations.py": "tests/language",
    "metadata/trellis_metadata/files.py": "tests/language/test_files.py",
    "metadata/trellis_metadata/table_coverage.py": "tests/decision_tables",
    "platform/trellis/calendars/*.py": "tests/calendars",
    "platform/trellis/approvals/reckoning.py": "tests/approvals/test_cases.py",
    "platform/trellis/automation/durations.py": "tests/automation",
    "platform/trellis/jobs/cron.py": "tests/jobs",
    "platform/trellis/pipelines/pipeline.py": "tests/pipelines",
    "platform/trellis/record_id.py": "tests/records tests/fields",
    "platform/trellis/relative_dates.py": "tests/query",
}
SKIPPED = ("core/RemoveDecorator", "core/VariableInserter", "core/VariableReplacer")
"""Operators whose faults are mostly none: caches and frozen classes behave the same without their decorator."""


@dataclass(frozen=True)
class Fault:
    """One change of one place of a module."""

    module: str
    operator: str
    arguments: tuple[tuple[str, object], ...]
    occurrence: int
    line: int
    tests: str


def faults() -> Iterator[Fault]:
    """Yield every fault that could be made, but for those in annotations."""
    for pattern, tests in SUITES.items():
        for path in sorted(ROOT.glob(pattern)):
            silent = _annotations(path)
            for item in all_work_items([path], {}):
                for m in item.mutations:
                    if m.operator_name in SKIPPED or any(a <= m.start_pos and m.end_pos <= b for a, b in silent):
                        continue
                    arguments = tuple(sorted((m.operator_args or {}).items()))
                    module = path.relative_to(ROOT).as_posix()
                    yield Fault(module, m.operator_name, arguments, m.occurrence, m.start_pos[0], tests)


def _annotations(path: Path) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return where annotations begin and end, as lines and columns."""
    found: list[ast.AST] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        found += [n for n in (getattr(node, "annotation", None), getattr(node, "returns", None)) if n is not None]
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            found.append(node)
    return [((n.lineno, n.col_offset), (n.end_lineno, n.end_col_offset)) for n in found]  # type: ignore[attr-defined]


def copy_of_the_code(folder: Path) -> Path:
    """Copy what git knows or would take into ``folder``; return it."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file() and not name.startswith("docs/screenshots/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def noticed(folder: Path, fault: Fault) -> bool:
    """Put the fault into the copy, run the tests, take it out again; return whether a test failed."""
    path = folder / fault.module
    whole = path.read_text(encoding="utf-8")
    operator = cosmic_ray.plugins.get_operator(fault.operator)(**dict(fault.arguments))
    changed = mutate_code(whole, operator, fault.occurrence)
    if changed is None:
        return True
    path.write_text(changed, encoding="utf-8")
    try:
        return run(folder, fault.tests) != 0
    finally:
        path.write_text(whole, encoding="utf-8")


def run(folder: Path, tests: str) -> int:
    """Run tests of the copy; return pytest's exit code, 1 where they do not end."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-m",
        "not browser",
        *tests.split(),
    ]
    places = ":".join(str(folder / root) for root in SOURCE_ROOTS)
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": places, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return 1
    return done.returncode


def main() -> int:
    """Sample, run, tell; return 1 if too many faults survive."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="Only modules whose path contains this.")
    asked = parser.parse_args()
    known = [f for f in faults() if asked.only in f.module]
    sample = random.Random(asked.seed).sample(known, min(asked.count, len(known)))
    print(f"{len(sample)} of {len(known)} faults, seed {asked.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="trellis-mutate-") as place:
        folder = copy_of_the_code(Path(place))
        for tests in sorted({f.tests for f in sample}):
            if run(folder, tests) != 0:
                print(f"{tests}: the tests fail without any fault", flush=True)
                return 1
        killed = 0
        for fault in sorted(sample, key=lambda f: (f.module, f.line)):
            found = noticed(folder, fault)
            killed += found
            print(f"{'killed  ' if found else 'SURVIVED'} {fault.module}:{fault.line} {fault.operator}", flush=True)
    share = killed / len(sample)
    print(f"{killed} of {len(sample)} killed: {share:.0%} (at least {LEAST:.0%} wanted)")
    return 0 if share >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())

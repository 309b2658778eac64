"""Formulas in which engines usually differ, by kind of trap. The expected values were worked out by hand from the rules of
the language (``docs/formulas.md`` and the conformance corpus' description), not with an engine.

A case is ``[formula, type, expected]``, and how blank numbers are read where that is not as 0. ``{"error": "error"}`` is an
error of the row, ``{"error": "refused"}`` one that is found before anything runs, with its place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from formula.support import agrees

from trellis.formula.engines import Engine, PostgresqlEngine, PythonEngine, SqliteEngine, answer

TRAPS = json.loads(Path(__file__).with_name("traps.json").read_text("utf-8"))


@pytest.fixture(scope="module", params=["python", "sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "python":
        yield PythonEngine()
        return
    opened = SqliteEngine() if request.param == "sqlite" else PostgresqlEngine(request.getfixturevalue("postgres_url"))
    with opened:
        yield opened


def line(formula: str, returns: str, expected: Any, blanks: str = "as_zero") -> dict[str, Any]:
    return {
        "id": formula,
        "formula": formula,
        "return_type": returns,
        "scale": 32,
        "fields": TRAPS["fields"],
        "row": TRAPS["row"],
        "blanks": blanks,
        "expected": expected,
    }


def is_right(engine: Engine, case: dict[str, Any], found: dict[str, Any]) -> bool:
    if case["expected"] == {"error": "refused"}:
        return str(found.get("error")).startswith("compile:") and found["position"] is not None
    if found.get("refused"):
        return not isinstance(engine, PythonEngine)
    return agrees(case, found) and not str(found.get("error")).startswith("compile:")


@pytest.mark.parametrize("kind", TRAPS["cases"])
def test_no_engine_falls_into(engine: Engine, kind: str) -> None:
    cases = [line(*case) for case in TRAPS["cases"][kind]]
    found = [(case, answer(engine, case)) for case in cases]
    wrong = [f"{c['formula']}: {c['expected']} expected, {f}" for c, f in found if not is_right(engine, c, f)]
    assert wrong == [], "\n".join(wrong)
    assert sum("refused" in f for _, f in found) <= len(found) / 2 or kind == "regex"

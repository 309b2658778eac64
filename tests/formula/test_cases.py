"""Our own cases, worked by hand from the rules of the language, on every engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from formula.support import agrees

from trellis.formula.engines import Engine, PostgresqlEngine, PythonEngine, SqliteEngine, answer

CASES = [json.loads(line) for line in Path(__file__).with_name("cases.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module", params=["python", "sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Any:
    if request.param == "python":
        yield PythonEngine()
        return
    opened = SqliteEngine() if request.param == "sqlite" else PostgresqlEngine(request.getfixturevalue("postgres_url"))
    with opened:
        yield opened


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_case_gives_the_expected_value(engine: Engine, case: dict[str, Any]) -> None:
    found = answer(engine, case)
    if found.get("refused"):
        assert not isinstance(engine, PythonEngine)
        assert "SQL" in found["reason"]
        return
    assert agrees(case, found), found

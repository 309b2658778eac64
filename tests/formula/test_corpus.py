"""The conformance corpus on every engine: nothing wrong, and SQL computes at least nine of ten cases."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from formula.support import agrees, corpus_lines

from trellis.formula.engines import Engine, PostgresqlEngine, PythonEngine, SqliteEngine, answer


def run(engine: Engine) -> tuple[list[str], Counter[str]]:
    wrong: list[str] = []
    counts: Counter[str] = Counter()
    for case in corpus_lines("formulas/open.jsonl"):
        found: dict[str, Any] = answer(engine, case)
        if found.get("refused"):
            counts["refused"] += 1
        elif agrees(case, found):
            counts["right"] += 1
        else:
            wrong.append(f"{case['formula']} {case['row']}: expected {case['expected']}, found {found}")
    return wrong, counts


def test_python_gives_the_expected_values() -> None:
    wrong, counts = run(PythonEngine())
    assert wrong == []
    assert counts["refused"] == 0


def test_sqlite_gives_no_wrong_value_and_computes_at_least_nine_of_ten() -> None:
    with SqliteEngine() as engine:
        wrong, counts = run(engine)
    assert wrong == []
    assert counts["right"] >= 9 * counts["refused"]


def test_postgresql_gives_no_wrong_value_and_computes_at_least_nine_of_ten(postgres_url: str) -> None:
    with PostgresqlEngine(postgres_url) as engine:
        wrong, counts = run(engine)
    assert wrong == []
    assert counts["right"] >= 9 * counts["refused"]


@pytest.mark.parametrize("engine", ["python", "sqlite"])
def test_a_line_that_is_no_case_is_answered_and_not_a_crash(engine: str) -> None:
    chosen: Engine = PythonEngine() if engine == "python" else SqliteEngine()
    assert "error" in answer(chosen, {"id": "x", "formula": "1 +", "fields": []})

"""The engines that can run a case: Python, SQLite, PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, Protocol

from trellis.formula import python
from trellis.formula.cases import Case, read_case, write_value
from trellis.formula.values import Context, ErrorValue
from trellis_metadata.formula import FormulaError


class Engine(Protocol):
    """Something that computes the value of a case, or an ``ErrorValue``; it may raise ``Refused``."""

    def run(self, case: Case) -> Any: ...


class PythonEngine(AbstractContextManager["PythonEngine"]):
    """The row evaluator."""

    def run(self, case: Case) -> Any:
        return python.compile(case.typed, scale=case.scale)(Context(case.row, now=datetime.now(UTC)))

    def __exit__(self, *_: object) -> None:
        return None


def answer(engine: Engine, line: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to one line: its value, its error, or why the engine refuses the formula."""
    from trellis.formula.sql.pieces import Refused

    id_ = line.get("id")
    try:
        case = read_case(line)
        value = engine.run(case)
    except FormulaError as error:
        return {
            "id": id_,
            "error": f"compile:{error.code}",
            "message": error.problems[0].message,
            "position": error.position,
        }
    except Refused as refusal:
        return {"id": id_, "refused": True, "reason": refusal.message}
    if isinstance(value, ErrorValue):
        return {"id": id_, "error": value.code, "message": value.message}
    return {"id": id_, "value": write_value(value, case.return_type, case.scale)}

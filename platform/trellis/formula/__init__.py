"""The expression language, back ends: Python closures, and SQL for SQLite and PostgreSQL. One truth for all three."""

from trellis.formula.explain import Step, explain
from trellis.formula.functions import functions
from trellis.formula.python import compile
from trellis.formula.values import Context, ErrorValue, EvaluationError

__all__ = ["Context", "ErrorValue", "EvaluationError", "Step", "compile", "explain", "functions"]

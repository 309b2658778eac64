"""The expression language, front end: from text to a typed tree. Pure; the back ends are in ``trellis.formula``.

``parse(text)`` gives a tree, ``check(tree, scope)`` a typed tree or a :class:`FormulaError` that lists every problem
with its characters, ``dependencies(typed)`` what it uses and when its value can change.
"""

from trellis_metadata.formula.checker import check
from trellis_metadata.formula.dependencies import Dependencies, dependencies, find_cycle
from trellis_metadata.formula.errors import FormulaError, Problem
from trellis_metadata.formula.functions import Blanks, Complaint, FunctionSpec, Reads
from trellis_metadata.formula.parser import parse
from trellis_metadata.formula.scope import FlatScope, FormulaSource, Scope, Symbol
from trellis_metadata.formula.template import parse_template
from trellis_metadata.formula.typed import Typed
from trellis_metadata.formula.types import Type

__all__ = [
    "Blanks",
    "Complaint",
    "Dependencies",
    "FlatScope",
    "FormulaError",
    "FormulaSource",
    "FunctionSpec",
    "Problem",
    "Reads",
    "Scope",
    "Symbol",
    "Type",
    "Typed",
    "check",
    "dependencies",
    "find_cycle",
    "parse",
    "parse_template",
]

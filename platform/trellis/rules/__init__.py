"""Rules written in the expression language: checked when they are published, enforced in the write path."""

from trellis.rules.checking import check_formula
from trellis.rules.defaults import fill_formula_defaults
from trellis.rules.validation import enforce_rules

__all__ = ["check_formula", "enforce_rules", "fill_formula_defaults"]

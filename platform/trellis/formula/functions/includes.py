"""INCLUDES"""

from trellis.formula.function import Blanks, Function
from trellis.formula.functions.ispickval import check_option
from trellis_metadata.formula.types import Type

FUNCTION = Function(
    "INCLUDES",
    ("multipicklist, text -> boolean",),
    "Whether the option is among the chosen ones.",
    "logic",
    Blanks.OWN,
    check=lambda nodes: check_option("INCLUDES", nodes, Type.MULTIPICKLIST),
    count=(2, 2),
    python=lambda values, option: option in (values or ()),
    examples=(('INCLUDES(interests, "golf")', "true"),),
    postgresql="(strpos(coalesce({0}, ''), ';' || {1} || ';') > 0)",
    sqlite="(instr(coalesce({0}, ''), ';' || {1} || ';') > 0)",
)

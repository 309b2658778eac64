"""JSONPATHVALUE"""

from trellis.formula.function import Function
from trellis.formula.json_paths import jsonpathvalue

FUNCTION = Function(
    "JSONPATHVALUE",
    ("text, text -> text",),
    "The value at a path of a JSON text; blank when there is none.",
    "text",
    python=jsonpathvalue,
    refused="JSONPATHVALUE has no exact SQL",
    examples=(("JSONPATHVALUE('{\\\"a\\\": [1, 2]}', '$.a[1]')", '"2"'),),
)

"""Values computed from child records and stored with the parent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from trellis.fields.base import Codec, Environment, FieldDoc, FieldType
from trellis.fields.common.options import integer_option
from trellis_metadata.diagnostics import Diagnostic

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot

Documents = Callable[[str, str], Mapping[str, Any] | None]
"""Gives a document by kind and name."""
OPERATIONS = ("count", "sum", "min", "max", "avg", "first", "last", "join")
MAX_JOINED = 4000
"""Longest text that ``join`` makes; what does not fit is left out whole, and ``…`` stands at the end."""
MAX_LEVELS = 30
DEFAULT_SEPARATOR = ", "
DEFAULT_SCALE = 2
_OF_VALUES = (
    "type",
    "scale",
    "precision",
    "options",
    "picklist",
    "restricted",
    "currencies",
    "max",
    "target",
    "pipelines",
)
"""Options of a field that say what its values are; limits and wishes for input do not pass on to what is computed."""


class RollupField(FieldType):
    """A count, sum, smallest, largest, average, first, last or joined value over child records, kept exact by Trellis.

    It is stored, so that it is filtered, sorted and grouped like the value that it holds. Deleted children do not count.
    """

    name = "rollup"
    label = {"en": "Roll-up", "zh": "汇总"}
    icon = "sum"
    category = "opaque"
    widget = "readonly"
    computed = True
    derived = True
    unique_allowed = False
    required_options = ("of", "operation")
    options = {
        "of": {
            "type": "string",
            "pattern": r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$",
            "maxLength": 81,
            "description": "The child records: an object and its lookup (or master-detail, or user field) that points here.",
            "examples": ["expense.deal"],
        },
        "operation": {
            "enum": list(OPERATIONS),
            "description": "What is computed. Blank values are left out; 'count' without a field counts records.",
            "examples": ["sum"],
        },
        "field": {
            "type": "string",
            "pattern": r"^[a-z][a-z0-9_]*$",
            "maxLength": 40,
            "description": "Field of the child records: stored, a formula, or a roll-up of their own.",
            "examples": ["amount"],
        },
        "filter": {
            "type": ["object", "string"],
            "x-is": "filter_or_formula",
            "x-merge": "atomic",
            "description": "Which child records count: a filter tree or the text of a formula over them.",
            "examples": ['status = "approved"', {"field": "status", "op": "=", "value": "approved"}],
        },
        "order_by": {
            "type": "string",
            "pattern": r"^-?[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$",
            "maxLength": 200,
            "description": "For first, last and join: field by which the child records are ordered, with '-' the other way "
            "round; blanks come last. Default: as they were created.",
            "examples": ["spent_on", "-spent_on"],
        },
        "separator": {
            "type": "string",
            "minLength": 1,
            "maxLength": 10,
            "default": DEFAULT_SEPARATOR,
            "description": "For join: what stands between two values.",
            "examples": ["; "],
        },
        "distinct": {
            "type": "boolean",
            "default": False,
            "description": "For join and count of a field: equal values stand for one.",
            "examples": [True],
        },
        "scale": integer_option(
            "For avg: number of decimals. Default: those of the field, at least 2.", 0, 18, None, 2
        ),
    }

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        from trellis.ripples.checking import check_options

        yield from check_options(field, pointer)

    def check_of(self, field: FieldDoc, pointer: str, object_name: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        from trellis.ripples.checking import check_rollup

        yield from check_rollup(field, pointer, object_name, snapshot)

    def held(self, field: FieldDoc, documents: Documents) -> FieldDoc:
        return held_by_rollup(field, documents)

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        from trellis.fields import field_types

        held = held_by_rollup(field, env.document)
        return field_types()[held["type"]].compile(held, env)

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        return frozenset({"text", "long_text", "integer", "number", "currency", "percent", "date", "datetime"})


def held_by_rollup(field: FieldDoc, documents: Documents, depth: int = 0) -> FieldDoc:
    """Return the plain field whose values the roll-up has: a number for a count, the child's field for a maximum.

    A roll-up whose child or field does not exist, or that leads to itself, counts as text: the check of the documents
    says so.
    """
    operation = field["operation"]
    if operation == "count":
        return {"name": field["name"], "type": "integer"}
    if operation == "join":
        return {"name": field["name"], "type": "long_text"}
    inner = _plain(child_field(field, documents), documents, depth)
    if operation in ("sum", "avg"):
        inner = _summed(inner, field, average=operation == "avg")
    elif operation in ("min", "max"):
        # An amount is the organisation's by now, whatever currencies the child's field allows.
        inner = {k: v for k, v in inner.items() if k != "currencies"}
    return {**inner, "name": field["name"]}


def child_field(field: FieldDoc, documents: Documents) -> FieldDoc | None:
    """Return the document of the field that is computed over, system fields included, or None."""
    from trellis.model.system_fields import SYSTEM_FIELD_DOCS

    document = documents("object", field["of"].partition(".")[0]) or {"fields": ()}
    return next((f for f in (*document["fields"], *SYSTEM_FIELD_DOCS) if f["name"] == field.get("field")), None)


def _plain(found: FieldDoc | None, documents: Documents, depth: int) -> FieldDoc:
    from trellis.fields import field_types

    if found is None or depth > MAX_LEVELS:
        return {"type": "text"}
    if found["type"] == "rollup":
        held = held_by_rollup(found, documents, depth + 1)
    else:
        held = field_types()[found["type"]].held(found, documents)
    kept = {k: v for k, v in held.items() if k in _OF_VALUES}
    plain = {"auto_number": "text", "master_detail": "lookup"}.get(held["type"], held["type"])
    return {**kept, "type": plain}


def _summed(held: FieldDoc, field: FieldDoc, *, average: bool) -> FieldDoc:
    """Return what sums and averages of ``held`` are: sums of stars are whole numbers, averages have decimals."""
    kind = held["type"]
    if kind == "duration":
        return {"type": "duration"}
    if kind in ("integer", "rating"):
        return {"type": "number", "scale": field.get("scale", DEFAULT_SCALE)} if average else {"type": "integer"}
    scale = held.get("scale", DEFAULT_SCALE)
    if average:
        scale = field.get("scale", max(scale, DEFAULT_SCALE))
    return {"type": kind, "scale": scale}

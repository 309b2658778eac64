"""Fields that are computed from others whenever they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trellis.fields.base import Codec, Environment, FieldDoc, FieldType, Part
from trellis.fields.common.numbers import MAX_PRECISION
from trellis.fields.common.options import check_decimal, check_indexable, integer_option
from trellis_metadata.diagnostics import Diagnostic

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot

DEFAULT_SCALE = 2
MAX_TEXT = 1300
NUMBERS = ("number", "currency", "percent")
RETURNS = ("text", *NUMBERS, "boolean", "date", "datetime", "time")
BLANKS = ("zero", "blank")
ERROR = "error"
"""The part that says whether the formula cannot be computed for a record."""


class FormulaField(FieldType):
    """A value computed from other fields, of the record and of records that it points at, whenever it is read.

    It is never out of date and never written. With ``indexed`` a copy is stored for filters and sorting; that is for
    formulas over nothing but the record. ``returns`` says what it gives; a percent is
    computed as a share (0.1) and shown in percent units (10), a currency is a number in the unit of the amounts that it
    is computed from. A number is rounded half up to ``scale`` decimals; one with more digits than ``precision`` is an
    error; a text is cut to ``max_length``. A record for which the formula cannot be computed has a blank, and ``field.error`` is true.
    """

    name = "formula"
    label = {"en": "Formula", "zh": "公式"}
    icon = "math-function"
    category = "text"
    widget = "readonly"
    computed = True
    stored = False
    unique_allowed = False
    parts = {ERROR: "boolean"}
    options = {
        "formula": {
            "type": "string",
            "minLength": 1,
            "maxLength": 20000,
            "examples": ["IF(amount = 0, NULL, (amount - cost) / amount)"],
            "description": "The expression over the record.",
            "x-is": "formula",
        },
        "returns": {
            "enum": list(RETURNS),
            "examples": ["number"],
            "description": "What the formula gives.",
        },
        "blanks": {
            "enum": list(BLANKS),
            "default": "zero",
            "examples": ["blank"],
            "description": "How the formula reads a blank number: as 0, or as a blank that makes the result blank.",
        },
        "scale": integer_option(
            "For numbers: decimals that are kept. Default: 2, for a currency those of the organisation's currency.",
            0,
            MAX_PRECISION,
            None,
            2,
        ),
        "precision": integer_option("For numbers: digits in all, at most.", 1, MAX_PRECISION, MAX_PRECISION),
        "max_length": integer_option("For texts: characters that are kept.", 1, MAX_TEXT, MAX_TEXT),
    }
    required_options = ("formula", "returns")

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        if field.get("returns") in NUMBERS:
            yield from check_decimal(
                field, pointer, precision=field.get("precision", MAX_PRECISION), scale=field.get("scale", DEFAULT_SCALE)
            )
        if field.get("returns") == "text":
            yield from check_indexable(field, pointer, field.get("max_length", MAX_TEXT))
        if field.get("indexed") and field.get("returns") == "currency" and "scale" not in field:
            message = "How many decimals it has depends on the organisation's currency, which an index cannot follow."
            yield Diagnostic("not_indexable", f"{pointer}/indexed", message, "Set 'scale', or remove 'indexed'.")
        numeric = () if field.get("returns") in NUMBERS else ("scale", "precision")
        for key in ("history", *numeric, *(() if field.get("returns") == "text" else ("max_length",))):
            if key in field:
                why = "is never changed by anybody" if key == "history" else f"gives a {field.get('returns')}"
                message = f"A formula that {why} has no '{key}'."
                yield Diagnostic("no_effect", f"{pointer}/{key}", message, f"Remove '{key}'.")

    def check_of(self, field: FieldDoc, pointer: str, object_name: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        from trellis.rules.formula_checks import check_formula_field

        yield from check_formula_field(field, pointer, object_name, snapshot)

    def held(self, field: FieldDoc, documents: Callable[[str, str], Mapping[str, Any] | None]) -> FieldDoc:
        returns = field.get("returns", "text")
        if returns in NUMBERS:
            kind = "percent" if returns == "percent" else "number"
            digits = {k: field[k] for k in ("scale", "precision") if k in field}
            return {"name": field["name"], "type": kind, **digits}
        longest = {"max_length": field.get("max_length", MAX_TEXT)} if returns == "text" else {}
        return {"name": field["name"], "type": returns, **longest}

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        from trellis.fields import field_types

        held = self.held(field, lambda _kind, _name: None)
        if field["returns"] == "currency":
            held = {**held, "scale": digits_of(field, env)[1]}
        codec = field_types()[held["type"]].compile(held, env)
        parts = {ERROR: Part(ERROR, "boolean", None, bool)}
        shadow = codec.columns if field.get("indexed") else ()
        return replace(codec, columns=(), parts=parts, check_change=None, shadow=shadow)


def digits_of(field: FieldDoc, env: Environment) -> tuple[int, int]:
    """Return digits in all and decimals of a formula that gives a number."""
    scale = DEFAULT_SCALE
    if field["returns"] == "currency":
        scale = env.currencies.get(env.default_currency, DEFAULT_SCALE)
    precision = field.get("precision", MAX_PRECISION)
    return precision, min(field.get("scale", scale), precision)

"""Formula fields, compiled once per version: the typed tree in the units of the field, and its Python closure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from trellis.fields.formula import NUMBERS, digits_of
from trellis.formula import Context, ErrorValue
from trellis.formula import compile as compile_formula
from trellis.formula.functions import functions
from trellis.model.field_model import FieldModel
from trellis.model.model import Model
from trellis.model.object_model import ObjectModel
from trellis.rules.formula_checks import typed_field
from trellis_metadata.formula.dependencies import dependencies
from trellis_metadata.formula.functions import Reads
from trellis_metadata.formula.scope import Symbol
from trellis_metadata.formula.typed import Apply, Call, Const, Field, Typed, walk
from trellis_metadata.formula.types import Type


@dataclass(frozen=True, slots=True)
class Formula:
    """A compiled formula. ``symbols`` are the stored values that it reads, by path from its record.

    ``scale`` and ``digits`` (in all) bound a number. ``source`` is the tree as written; ``typed`` gives the value as the
    field shows it: a percent in percent units.
    """

    source: Typed
    typed: Typed
    scale: int | None
    digits: int | None
    symbols: tuple[Symbol, ...]
    reads: Reads
    evaluate: Callable[[Context], Any]

    @property
    def is_condition(self) -> bool:
        """Whether it gives a truth value. A field of that type is never blank, save for an error."""
        return self.typed.type is Type.BOOLEAN


def formula_of(model: Model, owner: ObjectModel, field: FieldModel) -> Formula:
    """Return the compiled formula of a formula field of ``owner``."""
    known: dict[str, Formula] = owner.__dict__.setdefault("_formulas", {})
    if field.name not in known:
        known[field.name] = _compile(model, owner, field)
    return known[field.name]


def _compile(model: Model, owner: ObjectModel, field: FieldModel) -> Formula:
    source = typed_field(field.doc, owner.name, model.snapshot)
    returns = field.doc["returns"]
    typed = _in_percent_units(source) if returns == "percent" else _cut(source, field.doc.get("max_length"))
    digits, scale = digits_of(field.doc, model.env) if returns in NUMBERS else (None, None)
    return compiled(source, typed, scale=scale, digits=digits)


def compiled(source: Typed, typed: Typed, *, scale: int | None = None, digits: int | None = None) -> Formula:
    """Return a formula ready to run."""
    run = compile_formula(typed, scale=scale, digits=digits)
    evaluate = _truth(run) if typed.type is Type.BOOLEAN else run
    return Formula(source, typed, scale, digits, symbols_of(typed), dependencies(typed).reads, evaluate)


def symbols_of(typed: Typed) -> tuple[Symbol, ...]:
    """Return the stored values that a formula reads, each once."""
    return tuple({n.symbol.path: n.symbol for n in walk(typed.root) if isinstance(n, Field)}.values())


def _truth(run: Callable[[Context], Any]) -> Callable[[Context], Any]:
    def evaluate(context: Context) -> Any:
        value = run(context)
        return value if isinstance(value, ErrorValue) else bool(value)

    return evaluate


def _cut(typed: Typed, length: int | None) -> Typed:
    """Return the first ``length`` characters of a text: by LEFT, so that it is the same everywhere."""
    root = typed.root
    if length is None or root.type is not Type.TEXT:
        return typed
    limit = Const(Type.NUMBER, Decimal(length), root.end, root.end)
    left = Call(Type.TEXT, functions()["LEFT"], (root, limit), root.start, root.end, root.depth + 1)
    return replace(typed, root=left)


def _in_percent_units(typed: Typed) -> Typed:
    """Return 100 times the formula: a share becomes percent units, by the same exact arithmetic everywhere."""
    root = typed.root
    hundred = Const(Type.NUMBER, Decimal(100), root.end, root.end)
    product = Apply(Type.NUMBER, "product", (root, hundred), root.start, root.end, root.depth + 1, "**")
    return replace(typed, root=product)

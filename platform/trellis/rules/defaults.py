"""Defaults by formula: what a new record gets in fields that its writer left out.

They are worked out before the record is judged, in the order of what they read (:mod:`trellis.rules.default_order`), for
the whole batch at once. They see the new record, its lookups' records as the writer may read them, ``$user``, ``$org`` and
the clock. A given null is a value: it stays blank.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, MutableMapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trellis.fields.base import InvalidValue
from trellis.formula import ErrorValue
from trellis.model import FieldModel, Model, ObjectModel
from trellis.rules.checking import DEFAULT_BLANKS
from trellis.rules.default_order import defaults_by_formula, levels, uses_of
from trellis.rules.field_values import to_field
from trellis.rules.formulas import Case, Formula, compiled, evaluate_all
from trellis.rules.reader import Reader
from trellis.rules.scope import ObjectScope
from trellis.rules.values import values_of
from trellis.transaction.row import Row

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

Refuse = Callable[[int, str, str], None]
"""Told the index of the record, the field and the message."""


@dataclass(frozen=True, slots=True)
class Default:
    """The default of one field."""

    field: FieldModel
    formula: Formula


def formula_defaults_of(model: Model, owner: ObjectModel) -> Sequence[Sequence[Default]]:
    """Return the default formulas of an object in groups, in the order of evaluation, built once per version."""
    found: Sequence[Sequence[Default]] | None = owner.__dict__.get("_formula_defaults")
    if found is None:
        scope, texts = ObjectScope(model.snapshot, owner.name), defaults_by_formula(owner.doc)
        found = owner.__dict__["_formula_defaults"] = [
            [Default(owner.fields[n], compiled(scope, texts[n], returns=None, blanks=DEFAULT_BLANKS)) for n in group]
            for group in levels(uses_of(model.snapshot, owner.doc))
        ]
    return found


def fill_formula_defaults(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """The step of the write path that gives new records their defaults by formula."""
    new = [r for r in rows if r.old is None and r.id is None]
    if new and formula_defaults_of(tx.model, model):
        fill(
            tx,
            model,
            [r.new for r in new],
            [r.given.keys() for r in new],
            lambda index, name, message: new[index].refuse(name, "default_error", message),
        )


def fill(
    reader: Reader,
    model: ObjectModel,
    records: Sequence[MutableMapping[str, Any]],
    given: Sequence[Collection[str]],
    refuse: Refuse,
) -> None:
    """Put the defaults by formula into ``records`` where ``given`` has no value, one read per group and relation."""
    for group in formula_defaults_of(reader.model, model):
        wanting = [i for i, names in enumerate(given) if any(d.field.name not in names for d in group)]
        if not wanting:
            continue
        paths = frozenset[str]().union(*(d.formula.paths for d in group))
        seen = [records[i] for i in wanting]
        cases = [
            Case(now, None, True) for now, _ in values_of(reader, model, seen, [None] * len(seen), paths, guarded=True)
        ]
        results = evaluate_all(reader, [d.formula for d in group], cases, guarded=True)
        for index, values in zip(wanting, results, strict=True):
            for default, value in zip(group, values, strict=True):
                if default.field.name not in given[index]:
                    _put(records[index], default, value, index, refuse)


def _put(record: MutableMapping[str, Any], default: Default, value: Any, index: int, refuse: Refuse) -> None:
    name = default.field.name
    if isinstance(value, ErrorValue):
        refuse(index, name, f"The default of '{name}' cannot be worked out: {value.message} Give the field a value.")
        return
    try:
        record[name] = to_field(default.field, value)
    except InvalidValue as problem:
        refuse(index, name, f"The default of '{name}' does not fit the field. {problem.message}")

"""Conditional fields: ``required_when``, ``visible_when``, ``read_only_when``.

- *Visible* is judged on the record after the change. An invisible field keeps what is stored; a change to it is refused, and
  it is not required, whatever else says so. Defaults are given all the same: a record does not depend on its form.
- *Read-only* is judged on the stored record and on the record after the change: if either says so, the change may not touch
  the field. A new record may not be given a value for it; its default applies.
- *Required* is judged on the record after the change.

A condition that cannot be evaluated fails closed: the field is required, and a change to it is refused. Migration mode
(imports that keep old stamps) passes over read-only and invisible, never over required.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trellis.formula import ErrorValue
from trellis.model import FieldModel, Model, ObjectModel
from trellis.rules.formulas import Case, Formula, compiled, evaluate_all
from trellis.rules.reader import Reader
from trellis.rules.scope import ObjectScope
from trellis_metadata.field_checks import CONDITIONS


@dataclass(frozen=True, slots=True)
class Conditional:
    """A field with conditions; a formula is None where the field has no such condition."""

    field: FieldModel
    required_when: Formula | None
    visible_when: Formula | None
    read_only_when: Formula | None

    @property
    def formulas(self) -> tuple[Formula | None, ...]:
        return self.required_when, self.visible_when, self.read_only_when


@dataclass(frozen=True, slots=True)
class State:
    """What a form may do with a field. ``error`` tells why a condition could not be evaluated (empty: it could)."""

    visible: bool = True
    required: bool = False
    read_only: bool = False
    error: str = ""


def conditionals_of(model: Model, owner: ObjectModel) -> Sequence[Conditional]:
    """Return the fields of an object that have conditions, compiled once per version."""
    found: Sequence[Conditional] | None = owner.__dict__.get("_conditionals")
    if found is None:
        scope = ObjectScope(model.snapshot, owner.name)
        found = owner.__dict__["_conditionals"] = [
            Conditional(f, *(compiled(scope, f.doc[key]) if key in f.doc else None for key in CONDITIONS))
            for f in owner.fields.values()
            if any(key in f.doc for key in CONDITIONS)
        ]
    return found


def paths_of_conditions(conditionals: Sequence[Conditional]) -> frozenset[str]:
    """Return the paths of all values that the conditions read."""
    return frozenset[str]().union(*(f.paths for c in conditionals for f in c.formulas if f is not None))


def states(
    reader: Reader, conditionals: Sequence[Conditional], cases: Sequence[Case], *, guarded: bool = False
) -> list[dict[str, State]]:
    """Return, per case, the state of every conditional field by name. A case's ``old`` is its stored record."""
    formulas = [f for c in conditionals for f in c.formulas if f is not None]
    after = evaluate_all(reader, formulas, cases, guarded=guarded)
    locks = [c.read_only_when for c in conditionals if c.read_only_when is not None]
    stored = [Case(c.old, c.old) for c in cases if c.old is not None]
    before = iter(evaluate_all(reader, locks, stored, guarded=guarded) if locks and stored else ())
    out = []
    for case, values in zip(cases, after, strict=True):
        locked = iter(next(before)) if locks and case.old is not None else None
        out.append(dict(_states(conditionals, iter(values), locked)))
    return out


def _states(
    conditionals: Sequence[Conditional], values: Iterator[Any], locked: Iterator[Any] | None
) -> Iterator[tuple[str, State]]:
    for item in conditionals:
        required, visible, read_only = (next(values) if f is not None else None for f in item.formulas)
        before = next(locked) if locked is not None and item.read_only_when is not None else None
        errors = [v.message for v in (required, visible, read_only, before) if isinstance(v, ErrorValue)]
        shown = item.visible_when is None or isinstance(visible, ErrorValue) or bool(visible)
        needed = item.field.required or isinstance(required, ErrorValue) or bool(required)
        fixed = any(isinstance(v, ErrorValue) or bool(v) for v in (read_only, before))
        yield (
            item.field.name,
            State(shown, shown and needed, fixed or isinstance(visible, ErrorValue), " ".join(errors)),
        )


def judge(given: Mapping[str, Any], row: Any, found: Mapping[str, State], *, migration: bool) -> None:
    """Refuse what the states forbid. ``given`` are the values that the writer wants to change or to set."""
    for name, state in found.items():
        if name in row.errors:
            continue
        if state.error and (name in given or (state.required and row.value(name) is None)):
            row.refuse(
                name, "rule_error", f"A condition of '{name}' cannot be evaluated for this record: {state.error}"
            )
        elif name in given and not state.visible and not migration:
            row.refuse(name, "not_visible", f"'{name}' does not apply to this record, so it cannot be changed.")
        elif name in given and state.read_only and not migration:
            row.refuse(name, "read_only", f"'{name}' is read-only for this record.")
        elif state.required and row.value(name) is None:
            row.refuse(name, "required", f"'{name}' must have a value.")

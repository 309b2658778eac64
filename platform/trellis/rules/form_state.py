"""What a form shows for a record that is being filled in: which fields are visible, required, read-only, and defaults.

The record is not written. Values are read as the form sends them; one that cannot be read counts as not given. Everything
beside the record is read as the person may read it, so that a form tells nobody more than a list would.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trellis.fields.base import InvalidValue
from trellis.fields.common.columns import RecordRef
from trellis.model import ObjectModel
from trellis.rules.conditions import State, conditionals_of, paths_of_conditions, states
from trellis.rules.defaults import fill, formula_defaults_of
from trellis.rules.formulas import Case
from trellis.rules.reader import Reader
from trellis.rules.values import readable, values_of
from trellis.transaction.defaults import defaults_of
from trellis.transaction.errors import NotFound
from trellis.transaction.statements import statements_of


@dataclass(frozen=True, slots=True)
class FormState:
    """The state of every conditional field by name, and the default of every field that was left out, as JSON.

    ``stored`` is the record before the change as field values; None for a new one.
    """

    fields: Mapping[str, State]
    defaults: Mapping[str, Any] = field(default_factory=dict)


def form_state(reader: Reader, model: ObjectModel, given: Mapping[str, Any], record: int | None = None) -> FormState:
    """Return the state of a form. ``given`` are values in JSON form; ``record`` is the record that is changed.

    Raises :class:`NotFound` when there is no such record that the principal may read.
    """
    stored = _stored(reader, model, record) if record is not None else None
    sent = _parsed(model, given)
    now = {**stored, **sent} if stored is not None else _new(reader, model, sent)
    found = conditionals_of(reader.model, model)
    if not found:
        return FormState({}, {} if stored is not None else _defaults(model, now, sent))
    (seen, old), *_ = values_of(reader, model, [now], [stored], paths_of_conditions(found), guarded=True)
    state = states(reader, found, [Case(seen, old, stored is None)], guarded=True)[0]
    return FormState(state, {} if stored is not None else _defaults(model, now, sent))


def states_of_stored(reader: Reader, model: ObjectModel, records: Iterable[int]) -> dict[int, Mapping[str, State]]:
    """Return the states of conditional fields of stored records, as their pages show them; one read for all."""
    found = conditionals_of(reader.model, model)
    stored = statements_of(model).fetch(reader.connection, sorted(records)) if found else {}
    if not stored:
        return {}
    rows = list(stored.values())
    read = values_of(reader, model, rows, rows, paths_of_conditions(found), guarded=True)
    return dict(zip(stored, states(reader, found, [Case(now, old) for now, old in read], guarded=True), strict=True))


def _stored(reader: Reader, model: ObjectModel, record: int) -> dict[str, Any]:
    found = readable(reader, model, statements_of(model).fetch(reader.connection, [record]))
    if record not in found or found[record].get("deleted_at") is not None:
        raise NotFound(f"There is no such record of '{model.name}'.")
    return found[record]


def _parsed(model: ObjectModel, given: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, raw in given.items():
        known = model.field(name)
        if known is None or not known.writable:
            continue
        try:
            values[name] = None if raw is None else known.codec.parse(raw)
        except InvalidValue:
            continue
    return values


def _new(reader: Reader, model: ObjectModel, sent: Mapping[str, Any]) -> dict[str, Any]:
    record = {**defaults_of(model), **sent}
    if record.get("owner") is None and reader.principal.user is not None:
        record["owner"] = RecordRef("user", reader.principal.user)
    fill(reader, model, [record], [sent.keys()], lambda index, name, message: None)
    return record


def _defaults(model: ObjectModel, record: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    names = [n for n in model.fields if n not in sent and record.get(n) is not None]
    out = {}
    for name in names:
        codec = model.fields[name].codec
        out[name] = codec.to_json(record[name]) if codec.to_json else record[name]
    return out


def formula_default_names(reader: Reader, model: ObjectModel) -> frozenset[str]:
    """Return the fields whose default is a formula: the ones that change while a form is filled in."""
    return frozenset(d.field.name for group in formula_defaults_of(reader.model, model) for d in group)

"""Own-row decisions that need no rules: defaults, auto-numbers, required fields, dependent options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.clock import today
from trellis.fields.base import InvalidValue
from trellis.model import ObjectModel
from trellis.storage import system
from trellis.transaction.row import Row
from trellis_metadata.field_checks import is_formula

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction


def defaults_of(model: ObjectModel) -> Mapping[str, Any]:
    """Return the constant defaults of an object's fields, parsed once."""
    found = model.__dict__.get("_defaults")
    if found is None:
        found = {
            f.name: f.codec.parse(f.doc["default"])
            for f in model.fields.values()
            if f.doc.get("default") is not None and f.writable and not is_formula(f.doc["default"])
        }
        for record_type in model.doc.get("record_types", ()):
            if record_type.get("default"):
                found["record_type"] = record_type["name"]
        model.__dict__["_defaults"] = found
    return found


def required_of(model: ObjectModel) -> tuple[str, ...]:
    """Return the names of fields that every record must fill. Those with ``visible_when`` are judged by their state."""
    found = model.__dict__.get("_required")
    if found is None:
        found = model.__dict__["_required"] = tuple(
            f.name for f in model.fields.values() if f.required and not f.type.computed and "visible_when" not in f.doc
        )
    return found


def fill_auto_numbers(tx: Transaction, model: ObjectModel, batch: Sequence[Row]) -> None:
    """Give new records their numbers: one counter update per field and batch; gaps are allowed, repeats are not."""
    fields = [f for f in model.fields.values() if f.doc["type"] == "auto_number"]
    rows = [r for r in batch if not r.errors]
    if not fields or not rows:
        return
    from trellis.fields.auto_number import render

    day = today(tx.tenant.clock, tx.tenant.time_zone)
    for field in fields:
        name = f"number:{model.storage.table}:{model.storage.places[field.name].column}"
        last = take_numbers(tx, name, len(rows), int(field.doc.get("start", 1)))
        for offset, row in enumerate(rows):
            row.new[field.name] = render(field.doc["format"], last - len(rows) + 1 + offset, day)


def take_numbers(tx: Transaction, name: str, count: int, start: int) -> int:
    """Advance a counter by ``count`` and return its new value. The counter's row lock orders concurrent writers."""
    c = system.counter.c
    done = tx.connection.execute(system.counter.update().where(c.name == name).values(value=c.value + count))
    if not done.rowcount:
        tx.connection.execute(system.counter.insert(), {"name": name, "value": start - 1 + count})
        return start - 1 + count
    return int(tx.connection.execute(sa.select(c.value).where(c.name == name)).scalar_one())


def check_dependent_options(model: ObjectModel, row: Row) -> None:
    """Refuse options that the controlling field's value does not allow, and unknown record types."""
    if row.new.get("record_type") is not None:
        known = [t["name"] for t in model.doc.get("record_types", ())]
        if row.new["record_type"] not in known:
            row.refuse(
                "record_type", "unknown_option", f"'{row.new['record_type']}' is not a record type of '{model.name}'."
            )
    dependents = model.__dict__.get("_dependents")
    if dependents is None:
        dependents = model.__dict__["_dependents"] = [f for f in model.fields.values() if f.doc.get("depends_on")]
    if not dependents:
        return
    from trellis.fields.picklist import dependent_problem

    for field in dependents:
        if field.name in row.new or field.doc["depends_on"] in row.new:
            value = row.value(field.name)
            problem = (
                dependent_problem(field.doc, value, row.value(field.doc["depends_on"])) if value is not None else None
            )
            if problem:
                row.refuse(field.name, "unknown_option", problem)


def check_changes(model: ObjectModel, row: Row) -> None:
    """Let fields judge their new value against the stored one: an inactive option may stay but not be chosen anew."""
    judges = model.__dict__.get("_judges")
    if judges is None:
        judges = model.__dict__["_judges"] = [
            (f.name, f.codec.check_change) for f in model.fields.values() if f.codec.check_change
        ]
    for name, judge in judges:
        value = row.new.get(name)
        if value is not None and name not in row.errors:
            try:
                judge(value, row.old.get(name) if row.old else None)
            except InvalidValue as problem:
                row.refuse(name, problem.code, problem.message)

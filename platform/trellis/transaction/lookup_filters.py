"""The step of the write path that enforces the filters of lookups: one statement per field and batch.

Judged are references that are set or changed, and those whose filter refers to a field of the row that changes. A target
that stops fitting later does not make the stored reference wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trellis.model import FieldModel, ObjectModel
from trellis.query.lookup_filters import source_fields, unfit, words_of
from trellis.transaction.row import Row

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction


def enforce_lookup_filters(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """Refuse references to records that the field's filter does not allow."""
    for field, sources in _filtered(model):
        judged = [r for r in rows if r.value(field.name) is not None and not sources.isdisjoint(r.new) and not r.errors]
        if not judged:
            continue
        candidates = [(r.value(field.name).id, {s: r.value(s) for s in sources}) for r in judged]
        for position in unfit(tx.tenant, tx.connection, tx.model, tx.principal, model, field, candidates):
            row = judged[position]
            value = row.value(field.name)
            row.refuse(
                field.name,
                "not_allowed",
                f"'{tx.model.env.format_id(value.object, value.id)}' cannot be chosen here: '{field.name}' takes "
                f"records of '{value.object}' with {words_of(field.doc['filter'])}.",
            )


def _filtered(model: ObjectModel) -> Sequence[tuple[FieldModel, frozenset[str]]]:
    """Return the lookups with a filter and the fields (the lookup included) whose change makes it judged."""
    found: Sequence[tuple[FieldModel, frozenset[str]]] | None = model.__dict__.get("_lookup_filters")
    if found is None:
        found = model.__dict__["_lookup_filters"] = [
            (f, source_fields(f.doc["filter"]) | {f.name})
            for f in model.fields.values()
            if f.category == "reference" and f.doc.get("filter")
        ]
    return found

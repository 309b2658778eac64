"""Automations that people start: a button on a record's page, a choice for the records selected in a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trellis.access.decide import allowed_ids
from trellis.automation import traces
from trellis.automation.catalogue import Automation, catalogue_of
from trellis.automation.starting import Started, start
from trellis.model import Model, ObjectModel
from trellis.transaction.errors import NotFound
from trellis.transaction.statements import statements_of
from trellis_metadata.errors import TrellisError
from trellis_metadata.labels import text_of

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

MOST = 200


class CannotStart(TrellisError):
    """The automation is not one that people start, it is switched off, or too many records are chosen."""

    code = "cannot_start"


def offered(model: Model, object_name: str, on: str, language: str) -> list[dict[str, str]]:
    """Return what people may start for records of an object: ``name`` and ``label``, in order."""
    found = [
        (a.definition.order, a.name, text_of(t.document.get("label"), language, a.label(language)))
        for a, t in catalogue_of(model).started_by(on)
        if a.object == object_name
    ]
    return [{"name": name, "label": label} for _, name, label in sorted(found)]


def start_by_hand(tx: Transaction, name: str, on: str, records: Sequence[int]) -> Started:
    """Start an automation for records that the person may read; ``on`` is ``button`` or ``manual``.

    Raises :class:`CannotStart`, and ``NotFound`` when there is a record that he may not read.
    """
    automation = catalogue_of(tx.model).automations.get(name)
    if automation is None or automation.object is None or automation.trigger(on) is None:
        raise CannotStart(f"There is no automation '{name[:60]}' that is started by '{on[:20]}'.")
    if not automation.definition.active:
        raise CannotStart(f"The automation '{name}' is switched off.")
    if not 0 < len(set(records)) <= MOST:
        raise CannotStart(f"Choose 1 to {MOST} records.")
    stored = _readable(tx, tx.model.object(automation.object), sorted(set(records)))
    found = start(tx, automation, on, list(stored.values()))
    traces.note_idle(tx, automation, automation.object, found)
    return found


def _readable(tx: Transaction, model: ObjectModel, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    stored = statements_of(model).fetch(tx.connection, ids)
    alive = {k: v for k, v in stored.items() if v["deleted_at"] is None}
    seen = allowed_ids(tx.connection, tx.principal, tx.model, model, alive, "read")
    if seen != set(ids):
        raise NotFound(f"There is no such record of '{model.name}'.")
    return alive


def told(model: Model, automation: str, found: Started) -> dict[str, Any]:
    """Return what came of it, as JSON."""
    owner = catalogue_of(model).get(automation).object or ""

    def name(record: int | None) -> str | None:
        return None if record is None else model.env.format_id(owner, record)

    return {
        "runs": [
            {"id": str(r.id), "record": name(record), "state": r.state, "message": r.message}
            for record, r in found.runs.items()
        ],
        "not_started": [{"record": name(record), "reason": why} for record, why in found.idle.items()],
    }


def labels(automations: Mapping[str, Automation], language: str) -> dict[str, str]:
    """Return what people call automations."""
    return {name: a.label(language) for name, a in automations.items()}

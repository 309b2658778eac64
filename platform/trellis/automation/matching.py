"""Which automations a write concerns, before any condition is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trellis.automation.catalogue import Automation, Trigger
from trellis.model import ObjectModel
from trellis.transaction.row import Row

_STAMPS = frozenset({"version", "modified_at", "modified_by", "created_at", "created_by"})


def event_of(row: Row) -> str:
    """Return what happens to the record of a row: ``created``, ``updated``, ``deleted`` or ``restored``."""
    if row.old is None:
        return "created"
    if "deleted_at" in row.new and row.new["deleted_at"] != row.old.get("deleted_at"):
        return "deleted" if row.new["deleted_at"] is not None else "restored"
    return "updated"


def matching(automation: Automation, model: ObjectModel, rows: Sequence[Row]) -> list[tuple[Row, Trigger]]:
    """Return the rows that concern an automation, each with the first trigger that says so."""
    found = []
    for row in rows:
        event = event_of(row)
        trigger = next((t for t in automation.triggers if _concerns(t, model, row, event)), None)
        if trigger is not None:
            found.append((row, trigger))
    return found


def _concerns(trigger: Trigger, model: ObjectModel, row: Row, event: str) -> bool:
    if trigger.on in ("created", "updated", "deleted", "restored"):
        return trigger.on == event and (event != "updated" or not row.new.keys() <= _STAMPS)
    if event not in ("created", "updated") or trigger.field is None:
        return False
    before = None if row.old is None else row.old.get(trigger.field)
    after = row.value(trigger.field)
    if trigger.on == "changed":
        return before != after and event == "updated" and _between(trigger, model, before, after)
    if trigger.on == "stage_entered":
        return before != after and after is not None and _among(trigger, after)
    if trigger.on == "stage_left":
        return before != after and before is not None and _among(trigger, before)
    return False


def _among(trigger: Trigger, stage: Any) -> bool:
    return "stages" not in trigger.document or stage in trigger.document["stages"]


def _between(trigger: Trigger, model: ObjectModel, before: Any, after: Any) -> bool:
    return all(
        key not in trigger.document or _is_one_of(trigger, model, trigger.document[key], value)
        for key, value in (("from", before), ("to", after))
    )


def _is_one_of(trigger: Trigger, model: ObjectModel, wanted: Sequence[Any], value: Any) -> bool:
    if value is None:
        return None in wanted
    field = model.fields[trigger.field or ""]
    return any(value == field.codec.parse(w) for w in wanted if w is not None)

"""What is done to each of many records: values set, tags put on and taken off, or the record deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trellis.access import AccessDenied, Principal, rights
from trellis.model import ObjectModel
from trellis.record_id import format_id
from trellis.transaction import Outcome, Transaction
from trellis.transaction.statements import statements_of
from trellis.transaction.transaction import PARTIAL
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError

UPDATE, TAG, DELETE = "update", "tag", "delete"
TAGGED = ("tags", "multi_picklist")


class BadMassChange(TrellisError):
    """The change is not one that can be made to many records."""

    code = "bad_mass_change"


@dataclass(frozen=True, slots=True)
class MassChange:
    """``action`` is ``update`` (with JSON ``values``), ``tag`` (``add`` and ``remove`` values of ``field``) or ``delete``."""

    object: str
    action: str
    values: Mapping[str, Any] = field(default_factory=dict)
    field: str = ""
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the change as it is stored."""
        return {
            "action": self.action,
            "values": dict(self.values),
            "field": self.field,
            "add": list(self.add),
            "remove": list(self.remove),
        }

    @classmethod
    def from_json(cls, object_name: str, raw: Mapping[str, Any]) -> MassChange:
        """Return the change that :meth:`to_json` wrote."""
        return cls(object_name, raw["action"], raw["values"], raw["field"], tuple(raw["add"]), tuple(raw["remove"]))

    def check(self, principal: Principal, root: ObjectModel) -> None:
        """Raise :class:`AccessDenied` without the right to change many records, :class:`BadMassChange` for nonsense."""
        allowed = rights(principal, root.doc)
        if not allowed.may("mass_update") or (not allowed.delete if self.action == DELETE else allowed.edit == "none"):
            raise AccessDenied(f"You may not change many records of '{root.name}' in one step.")
        if self.action == UPDATE:
            unknown = [n for n in self.values if (f := root.field(n)) is None or not f.writable]
            if unknown or not self.values:
                hint = did_you_mean(unknown[0], list(root.fields)) if unknown else ""
                found = f"'{unknown[0][:40]}' is no field that can be set.{hint}" if unknown else "No field was named."
                raise BadMassChange(f"Nothing to change: {found}")
        elif self.action == TAG:
            found_field = root.fields.get(self.field)
            if found_field is None or found_field.doc["type"] not in TAGGED or not (self.add or self.remove):
                raise BadMassChange("Tags need a field of tags, and at least one tag to put on or take off.")
        elif self.action != DELETE:
            raise BadMassChange(f"'{self.action[:40]}' is not one of update, tag, delete.")

    def carry_out(self, tx: Transaction, ids: Sequence[int]) -> list[Outcome]:
        """Make the change to records of these numbers; what is refused is told in its outcome and stays as it is."""
        root = tx.model.object(self.object)
        self.check(tx.principal, root)
        if self.action == DELETE:
            return tx.delete(self.object, ids, mode=PARTIAL)
        rows = [{"id": format_id(self.object, i), **values} for i, values in self._values(tx, root, ids)]
        return tx.update(self.object, rows, mode=PARTIAL)

    def _values(self, tx: Transaction, root: ObjectModel, ids: Sequence[int]) -> list[tuple[int, Mapping[str, Any]]]:
        if self.action == UPDATE:
            return [(i, self.values) for i in ids]
        stored = statements_of(root).fetch(tx.connection, list(ids))
        found: list[tuple[int, Mapping[str, Any]]] = []
        for i in ids:
            now = [str(v) for v in stored.get(i, {}).get(self.field) or ()]
            kept = [v for v in now if v not in self.remove]
            found.append((i, {self.field: [*kept, *(v for v in self.add if v not in kept)] or None}))
        return found

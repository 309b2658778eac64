"""The rights of the write path: on stored records, on the fields that are sent, and on records as they would be."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trellis.access.decide import allowed_ids, readable_after
from trellis.access.rights import ALL, ObjectRights, rights
from trellis.model import ObjectModel
from trellis.transaction.row import Row
from trellis_metadata.diagnostics import did_you_mean

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Reached:
    """Which records of a batch may be read and edited; None: all of them."""

    readable: Collection[int] | None
    editable: Collection[int] | None

    def may_read(self, record: int) -> bool:
        """Decide for one record of the batch."""
        return self.readable is None or record in self.readable

    def may_edit(self, record: int) -> bool:
        """Decide for one record of the batch."""
        return self.may_read(record) and (self.editable is None or record in self.editable)


_EVERYTHING = Reached(None, None)


def reached(tx: Transaction, root: ObjectModel, ids: Collection[int]) -> Reached:
    """Return what the principal may do with stored records, deleted ones included: at most two statements per 500."""
    allowed = rights(tx.principal, root.doc)
    if allowed.read == ALL and allowed.edit == ALL:
        return _EVERYTHING
    found = [
        None if extent == ALL else allowed_ids(tx.connection, tx.principal, tx.model, root, ids, action)
        for extent, action in ((allowed.read, "read"), (allowed.edit, "edit"))
    ]
    return Reached(*found)


def judge(tx: Transaction, root: ObjectModel, rows: Sequence[Row]) -> None:
    """Refuse fields and record types that the principal may not write, and records given away out of his own sight."""
    if tx.principal.admin:
        return
    allowed = rights(tx.principal, root.doc)
    if allowed.limits_fields:
        for row in rows:
            _judge_fields(root, allowed, row)
    for row in rows:
        kind = row.value("record_type")
        if not allowed.may_set_record_type(kind) and (row.old is None or "record_type" in row.new):
            row.refuse("record_type", "access_denied", _NO_TYPE.format(kind or "none", root.name))
    _judge_after(tx, root, allowed, [r for r in rows if not r.errors])


_NO_TYPE = "You may not give records of '{1}' the record type '{0}'."


def _judge_fields(root: ObjectModel, allowed: ObjectRights, row: Row) -> None:
    known = [f for f in root.fields if allowed.may_read_field(f)]
    for name, found in row.errors.items():
        if any(e["code"] == "unknown_field" for e in found):
            # The hint must not name fields that are not seen.
            row.errors[name] = [unknown_field(root, name, known)]
    for name in row.given:
        if (row.old is not None and name not in row.new) or allowed.may_edit_field(name):
            continue
        if not allowed.may_read_field(name):
            row.errors[name] = [unknown_field(root, name, known)]
        else:
            row.refuse(name, "access_denied", f"You may not change '{name}'.")


def unknown_field(root: ObjectModel, name: str, known: Sequence[str]) -> dict[str, str]:
    """Return the error for a field that does not exist, or that the principal must not know of."""
    message = f"'{root.name}' has no field '{name}'.{did_you_mean(name, known)}"
    return {"code": "unknown_field", "message": message}


def _judge_after(tx: Transaction, root: ObjectModel, allowed: ObjectRights, rows: Sequence[Row]) -> None:
    """Nobody writes a record out of his own sight, or creates one there, unless he may transfer records."""
    control = root.doc.get("sharing", {}).get("parent")
    if allowed.read == ALL or allowed.may("transfer"):
        return
    moved = [r for r in rows if "owner" in r.new or (control is not None and control in r.new)]
    mine = tx.principal.user
    moved = [
        r
        for r in moved
        if control is not None or _number(r.value("owner")) != mine or root.name in tx.principal.grants.restricted
    ]
    if not moved:
        return
    wanted = [(r.id, _number(r.value("owner")), *_reference(r.value(control) if control else None)) for r in moved]
    for row, seen in zip(moved, readable_after(tx.connection, tx.principal, tx.model, root, wanted), strict=True):
        if not seen:
            at = control if control is not None and control in row.new else "owner"
            row.refuse(at, "access_denied", "You may not give the record to somebody else: you would no longer see it.")


def _number(value: Any) -> int | None:
    return None if value is None else int(value.id)


def _reference(value: Any) -> tuple[int | None, str]:
    """Return number and object of a reference; the object's name is never null, so that its column has one type."""
    return (None, "") if value is None else (int(value.id), str(value.object))

"""What happened to a record, as far as the asker may know it, and taking one change back.

Whoever cannot read the record is told that it does not exist; of a field that he does not see unmasked there is no trace, and
a change that touched nothing else is left out. Pages go from the newest change to the oldest.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access import Principal
from trellis.access.masking import visible_history
from trellis.model import Model, ObjectModel
from trellis.query import get_record
from trellis.storage import system
from trellis.transaction.errors import NotFound
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant
    from trellis.transaction import Outcome, Transaction

_C = system.change.c
_READ = 200


class CannotTakeBack(TrellisError):
    """Nothing of the change can be written again."""

    code = "cannot_take_back"


@dataclass(frozen=True, slots=True)
class Change:
    """One change. ``values`` maps field names to the JSON values before and after; ``actor`` is a user's number."""

    id: int
    at: datetime
    actor: int | None
    cause: Mapping[str, Any]
    action: str
    version: int
    values: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class History:
    """A page of changes. ``before`` is the number to ask the next page with; None: there is none."""

    changes: Sequence[Change]
    before: int | None


def history_of(
    tenant: Tenant,
    connection: Connection,
    model: Model,
    principal: Principal,
    object_name: str,
    record: int,
    *,
    limit: int,
    before: int | None = None,
    field: str | None = None,
) -> History:
    """Return changes of a record; with ``field`` those of that field only. Raises :class:`NotFound`."""
    root = model.object(object_name)
    get_record(tenant, connection, model, principal, object_name, record)
    found: list[Change] = []
    while True:
        rows = _rows(connection, object_name, record, before)
        for row in rows:
            change = _visible(principal, root, row, field)
            if change is not None:
                if len(found) == limit:
                    return History(found, found[-1].id)
                found.append(change)
        if len(rows) < _READ:
            return History(found, None)
        before = rows[-1]["id"]


def take_back(tx: Transaction, object_name: str, record: int, change: int, fields: Collection[str] = ()) -> Outcome:
    """Write the values from before a change again, of ``fields`` (none named: of all that can be written).

    It is an ordinary update, with its rights and rules. Raises :class:`NotFound` for a change that the principal does not
    see, :class:`CannotTakeBack` when no value of it can be written.
    """
    root = tx.model.object(object_name)
    get_record(tx.tenant, tx.connection, tx.model, tx.principal, object_name, record)
    query = sa.select(system.change).where(_C.id == change, _C.record == record, _C.object == object_name)
    row = tx.connection.execute(query).mappings().first()
    found = _visible(tx.principal, root, dict(row), None) if row is not None else None
    if found is None:
        raise NotFound("There is no such change of this record.")
    unknown = sorted(set(fields) - found.values.keys())
    if unknown or found.action != "updated":
        raise CannotTakeBack(
            f"This change did not touch {', '.join(unknown)}."
            if unknown
            else "Only changes of values can be taken back."
        )
    old = {n: before for n, (before, _) in found.values.items() if _restorable(root, n) and (not fields or n in fields)}
    if not old:
        raise CannotTakeBack("No value of this change can be written again.")
    return tx.update(object_name, [{"id": record, **old}])[0]


def restorable(root: ObjectModel, change: Change) -> list[str]:
    """Return the fields of a change that :func:`take_back` can write, rights apart."""
    return [n for n in change.values if _restorable(root, n)] if change.action == "updated" else []


def _restorable(root: ObjectModel, name: str) -> bool:
    field = root.field(name)
    # The history of a secret says only that there was one.
    return field is not None and field.writable and field.doc["type"] != "secret"


def _rows(connection: Connection, object_name: str, record: int, before: int | None) -> Sequence[Mapping[str, Any]]:
    query = sa.select(system.change).where(_C.record == record, _C.object == object_name)
    if before is not None:
        query = query.where(_C.id < before)
    return [dict(row) for row in connection.execute(query.order_by(_C.id.desc()).limit(_READ)).mappings()]


def _visible(principal: Principal, root: ObjectModel, row: Mapping[str, Any], only: str | None) -> Change | None:
    stored = {n: v for n, v in (row["values"] or {}).items() if root.field(n) is not None}
    seen = visible_history(principal, root, stored)
    values = {n: (v[0], v[1]) for n, v in seen.items() if only in (None, n)}
    if not values and (only is not None or row["action"] == "updated"):
        return None
    return Change(row["id"], row["at"], row["actor"], row["cause"], row["action"], row["version"], values)

"""Records that stay in a stage for too long."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.storage.tables.pipelines import stay
from trellis.transaction import Transaction

if TYPE_CHECKING:
    from trellis.tenant import Tenant

_S = stay.c


def mark(tenant: Tenant, due: Mapping[str, Any]) -> None:
    """Note that the stay that ``due`` names has become too long; nothing happens if it has ended or is marked."""
    tenant.run(SYSTEM, Cause("stuck"), lambda tx: _mark(tx, due))


def _mark(tx: Transaction, due: Mapping[str, Any]) -> None:
    marked = tx.connection.execute(
        stay.update()
        .where(
            _S.object == due["object"],
            _S.record == due["record"],
            _S.field == due["field"],
            _S.stage == due["stage"],
            _S.entered_at == datetime.fromisoformat(due["entered_at"]),
            _S.left_at.is_(None),
            _S.stuck_at.is_(None),
        )
        .values(stuck_at=tx.now)
    )
    if marked.rowcount:
        tx.trail.fact("stuck", due["object"], due["record"], {"field": due["field"], "stage": due["stage"]})


def stuck_records(connection: sa.engine.Connection, object_name: str, field: str) -> list[int]:
    """Return the records of an object that stand in a stage for too long, longest first."""
    query = sa.select(_S.record).where(
        _S.object == object_name, _S.field == field, _S.left_at.is_(None), _S.stuck_at.is_not(None)
    )
    return list(connection.execute(query.order_by(_S.entered_at, _S.record)).scalars())

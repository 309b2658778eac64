"""Runs that wait until a condition holds: a write to their record wakes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from trellis.automation.catalogue import AutomationGone, catalogue_of, version_of, waits_for_condition
from trellis.automation.flow import WAITING
from trellis.model import ObjectModel
from trellis.storage.tables.automation import run
from trellis.transaction.row import Row
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

_R = run.c
_KEY = "trellis.automation.watched"
CHUNK = 500


def wake(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """Send the runs that wait for a condition of these records to the worker, which asks the condition again."""
    if model.name not in watched(tx):
        return
    from trellis.automation.later import send_on

    ids = [r.id for r in rows if r.id is not None and r.old is not None]
    found: list[tuple[int, str | None, int | None]] = []
    for start in range(0, len(ids), CHUNK):
        query = sa.select(_R.id, _R.object, _R.record).where(
            _R.state == WAITING,
            _R.waits_for == "condition",
            _R.object == model.name,
            _R.record.in_(ids[start : start + CHUNK]),
        )
        found += [(row.id, row.object, row.record) for row in tx.connection.execute(query)]
    send_on(tx, found)


def watched(tx: Transaction) -> frozenset[str]:
    """Return the objects of which a run may wait for a condition: by a version of now, or by that of a run on its way."""
    known: frozenset[str] | None = tx.model.__dict__.get(_KEY)
    if known is None:
        known = tx.model.__dict__[_KEY] = catalogue_of(tx.model).watched | _of_older_versions(tx)
    return known


def _of_older_versions(tx: Transaction) -> frozenset[str]:
    query = sa.select(_R.automation, _R.digest, _R.object).where(_R.state == WAITING).distinct()
    found = set()
    for name, digest, object_name in tx.connection.execute(query).all():
        try:
            version = version_of(tx.connection, tx.model, name, digest)
        except (AutomationGone, TrellisError):
            continue
        if object_name is not None and waits_for_condition(version.steps):
            found.add(object_name)
    return frozenset(found)

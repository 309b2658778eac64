"""What administrators do with runs: try a failed one again, cancel one that waits; and how long traces are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.access.rights import AccessDenied
from trellis.automation.flow import CANCELLED, DONE, FAILED, QUEUED, REFUSED, WAITING
from trellis.automation.later import TOPIC, key_of, subject_of
from trellis.automation.seeing import UnknownRun
from trellis.storage.tables.automation import look, run
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant
    from trellis.transaction.transaction import Transaction

_R, _L = run.c, look.c
SETTING, DAYS = "automation_trace_days", 90
"""The tenant's setting that says for how many days traces are kept, and what it is without one."""
PURGE = "automation_purge"
BATCH = 1_000


class WrongState(TrellisError):
    """The run is not in a state in which this can be done."""

    code = "wrong_state"


def retry(tx: Transaction, number: int) -> None:
    """Let the worker do a failed run again, from its last wait on. Raises :class:`UnknownRun`, :class:`WrongState`."""
    row = _row(tx, number)
    if row.state != FAILED:
        raise WrongState(f"The run is '{row.state}'. Only one that failed by itself can be tried again.")
    tx.connection.execute(
        run.update().where(_R.id == number).values(state=QUEUED, message=None, finished_at=None, due_at=None)
    )
    tx.trail.enqueue(TOPIC, {"run": number}, subject=subject_of(row.object, row.record), key=key_of(number))


def cancel(tx: Transaction, number: int) -> None:
    """End a run that waits or has not begun. Raises :class:`UnknownRun`, :class:`WrongState`."""
    row = _row(tx, number)
    if row.state not in (QUEUED, WAITING):
        raise WrongState(f"The run is '{row.state}'. Only one that waits can be cancelled.")
    tx.connection.execute(
        run.update().where(_R.id == number).values(state=CANCELLED, message="Cancelled.", finished_at=tx.now)
    )
    tx.trail.cancel([key_of(number), key_of(number, woken=True)])


def _row(tx: Transaction, number: int) -> Any:
    if not tx.principal.admin:
        raise AccessDenied("Runs of automations are steered by administrators.")
    query = sa.select(_R.state, _R.object, _R.record).where(_R.id == number)
    row = tx.connection.execute(query if tx.database.is_sqlite else query.with_for_update()).first()
    if row is None:
        raise UnknownRun("There is no such run.")
    return row


def purge(tenant: Tenant) -> int:
    """Forget traces that are older than the tenant keeps them; return how many. Runs on their way stay."""
    days = int(tenant.settings.get(SETTING, DAYS))
    before, gone = tenant.clock.now() - timedelta(days=days), 0
    old_runs = sa.select(_R.id).where(_R.state.in_((DONE, FAILED, REFUSED, CANCELLED)), _R.started_at < before)
    old_looks = sa.select(_L.id).where(_L.at < before)
    for table, query in ((run, old_runs), (look, old_looks)):
        while True:
            with tenant.database.writing() as connection:
                ids = list(connection.execute(query.limit(BATCH)).scalars())
                if ids:
                    connection.execute(table.delete().where(table.c.id.in_(ids)))
            gone += len(ids)
            if len(ids) < BATCH:
                break
    return gone

"""The stored side of a step: which records it takes, and what became of each.

A record is ``waiting``, ``done``, ``same`` (it was so already) or ``refused``; after an undo ``undone`` or ``kept``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access import Principal
from trellis.mass.change import MassChange
from trellis.storage.tables.mass import mass_row, mass_step
from trellis.transaction.errors import NotFound

WAITING, DONE, SAME, REFUSED, UNDONE, KEPT = "waiting", "done", "same", "refused", "undone", "kept"
RUNNING, FINISHED, UNDOING, TAKEN_BACK = "running", "done", "undoing", "undone"
TOPIC = "mass_change"
AT_ONCE = 200
"""The records that a step takes without the worker."""
_S, _R = mass_step.c, mass_row.c


@dataclass(frozen=True, slots=True)
class Step:
    """A step. ``state`` is ``running``, ``done``, ``undoing`` or ``undone``; ``counts`` are the records by their state."""

    id: int
    user: int
    object: str
    change: MassChange
    state: str
    total: int
    at: datetime
    counts: Mapping[str, int]

    def count(self, *states: str) -> int:
        """Return how many records are in one of the states."""
        return sum(self.counts.get(s, 0) for s in states)


def step_of(connection: Connection, principal: Principal, step: int) -> Step:
    """Return one of the principal's steps. Raises :class:`NotFound`."""
    row = connection.execute(sa.select(mass_step).where(_S.id == step, _S.user == principal.user)).mappings().first()
    if row is None:
        raise NotFound("You made no such change.")
    counts = connection.execute(sa.select(_R.state, sa.func.count()).where(_R.step == step).group_by(_R.state))
    change = MassChange.from_json(row["object"], row["change"])
    found = {state: int(n) for state, n in counts}
    return Step(step, row["user"], row["object"], change, row["state"], row["total"], row["at"], found)


def refusals_of(connection: Connection, step: int, *, limit: int = 100) -> list[tuple[int, Mapping[str, Any]]]:
    """Return record and problem of what was refused, or not taken back, in the order of the numbers."""
    query = sa.select(_R.record, _R.problem).where(_R.step == step, _R.state.in_((REFUSED, KEPT)))
    return [(row.record, row.problem or {}) for row in connection.execute(query.order_by(_R.record).limit(limit))]


def begin(connection: Connection, user: int, change: MassChange, ids: Sequence[int], now: datetime) -> int:
    """Store a step over the records ``ids``; return its number."""
    values = {
        "user": user,
        "object": change.object,
        "change": change.to_json(),
        "state": RUNNING,
        "total": len(ids),
        "at": now,
    }
    made = connection.execute(mass_step.insert(), values).inserted_primary_key
    assert made is not None
    step = int(made[0])
    connection.execute(mass_row.insert(), [{"step": step, "record": i, "state": WAITING} for i in ids])
    return step


def move(connection: Connection, step: int, before: str, after: str) -> bool:
    """Bring a step from one state into another; False when it was not in the first."""
    moved = connection.execute(mass_step.update().where(_S.id == step, _S.state == before).values(state=after))
    return bool(moved.rowcount)


def next_rows(connection: Connection, step: int, state: str, limit: int) -> list[tuple[int, int | None]]:
    """Return record and change of the next records of a step in a state."""
    query = sa.select(_R.record, _R.change).where(_R.step == step, _R.state == state).order_by(_R.record).limit(limit)
    return [(row.record, row.change) for row in connection.execute(query)]


def mark(connection: Connection, step: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store ``state``, ``change`` and ``problem`` of records, given by ``record``."""
    if rows:
        statement = (
            mass_row.update()
            .where(_R.step == sa.bindparam("of_step"), _R.record == sa.bindparam("of_record"))
            .values(
                state=sa.bindparam("to_state"), change=sa.bindparam("by_change"), problem=sa.bindparam("with_problem")
            )
        )
        connection.execute(
            statement,
            [
                {
                    "of_step": step,
                    "of_record": r["record"],
                    "to_state": r["state"],
                    "by_change": r.get("change"),
                    "with_problem": r.get("problem"),
                }
                for r in rows
            ],
        )

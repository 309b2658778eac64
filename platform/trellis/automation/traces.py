"""Traces: what is kept of runs and of automations that did not fire, written in few statements at the end of a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.automation.flow import FAILED, REFUSED, Run
from trellis.automation.session import Session
from trellis.model import ObjectModel
from trellis.storage.prepared import Prepared
from trellis.storage.tables.automation import look, run
from trellis.transaction.row import Row

if TYPE_CHECKING:
    from trellis.automation.catalogue import Automation
    from trellis.automation.starting import Started
    from trellis.tenant import Tenant
    from trellis.transaction.transaction import Transaction

_COLUMNS = tuple(c.name for c in run.columns)
_INSERT = Prepared.insert(run, *_COLUMNS)
_LOOK = Prepared.insert(look, "at", "object", "record", "actor", "cause", "rules", "saw")
_CHANGING = ("state", "chain", "trace", "position", "results", "waits_for", "due_at", "finished_at", "message", "saw")
_UPDATE = (
    run.update()
    .where(run.c.id == sa.bindparam("b_id"))
    .values({run.c[n]: sa.bindparam(f"v_{n}", type_=run.c[n].type) for n in (*_CHANGING, "attempts")})
)
_KEPT = tuple(f.name for f in fields(Run) if f.name in _COLUMNS)


def look_of(
    tx: Transaction, model: ObjectModel, row: Row, rules: Mapping[str, str], saw: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what is kept of automations that were looked at for a row and did not fire. ``rules`` maps them to why."""
    return {
        "at": tx.now,
        "object": model.name,
        "record": row,
        "actor": tx.principal.user,
        "cause": tx.cause_json,
        "rules": dict(rules),
        "saw": dict(saw),
    }


def note_idle(tx: Transaction, automation: Automation, object_name: str, found: Started) -> None:
    """Keep why an automation that no write started did not fire for records; that it ran before is no news."""
    session = Session.of(tx)
    for record, reason in found.idle.items():
        if record is not None and reason != "once":
            session.looks.append(
                {
                    "at": tx.now,
                    "object": object_name,
                    "record": record,
                    "actor": tx.principal.user,
                    "cause": tx.cause_json,
                    "rules": {automation.name: reason},
                    "saw": dict(found.saw.get(record, {})),
                }
            )


def _number(record: Any) -> int | None:
    """Return the number of a record, given as such or as the row of the write that stored it."""
    number: int | None = record.id if isinstance(record, Row) else record
    return number


def store(tx: Transaction) -> None:
    """The commit-time step: keep what the transaction's automations did and did not do."""
    session = Session.known(tx)
    if session is None or session.trial:
        return
    session.stored = True
    fit = [r for r in session.runs if r.row is None or not r.row.errors]
    session.refused += [r for r in session.runs if r.row is not None and r.row.errors and r.state == FAILED]
    save(tx.connection, fit)
    looks = [{**found, "record": _number(found["record"])} for found in session.looks]
    looks = [found for found in looks if found["record"] is not None]
    _LOOK.run_many(tx.connection, looks)


def save(connection: Connection, runs: Sequence[Run]) -> None:
    """Write runs: new ones in one statement, those that were stored before in another."""
    new = [_values(r) for r in runs if not r.stored]
    known = [_values(r) for r in runs if r.stored]
    _INSERT.run_many(connection, new)
    if known:
        connection.execute(
            _UPDATE,
            [{"b_id": v["id"], **{f"v_{n}": v[n] for n in (*_CHANGING, "attempts")}} for v in known],
        )
    for one in runs:
        one.stored = True


def _values(one: Run) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in _KEPT}
    if one.row is not None and one.row.id is not None:
        values["record"] = one.row.id
        values["chain"] = [*one.chain[:-1], [one.automation, one.object, one.row.id]]
    values["position"] = None if one.position is None else list(one.position)
    values["results"] = one.results
    return values


def write_refused(tenant: Tenant, runs: Sequence[Run]) -> None:
    """Keep runs whose failure refused the write, in a transaction of their own: the write left nothing."""
    for one in runs:
        # The record of a refused creation never was.
        if one.row is not None and one.row.old is None:
            one.row, one.record = None, None
        one.stored, one.state = False, REFUSED
    with tenant.database.writing() as connection:
        save(connection, runs)

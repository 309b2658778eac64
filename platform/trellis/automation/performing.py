"""Steps that another kind of document has: an approval that is submitted, approved, rejected …"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trellis.access import Cause
from trellis.automation.flow import FAILED, Case, Flow, Run, acting, actor_of
from trellis.automation.place import Place
from trellis.automation.session import Session
from trellis.automation.step import Step, compile_steps
from trellis.transaction.statements import statements_of
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.model import Model
    from trellis.transaction.transaction import Transaction


class StepsFailed(TrellisError):
    """A step could not be done. Nothing of the transaction should stand."""

    code = "steps_failed"


def steps_of(model: Model, object_name: str, documents: Sequence[Mapping[str, Any]], key: str) -> tuple[Step, ...]:
    """Return steps ready to run for records of an object; ``key`` names them among all of the version."""
    known: tuple[Step, ...] | None = model.cache.get(("steps", key))
    if known is None:
        place = Place(model.snapshot, object_name, may_wait=False)
        known = model.cache["steps", key] = compile_steps(documents, place)
    return known


def perform(
    tx: Transaction,
    object_name: str,
    records: Sequence[int],
    documents: Sequence[Mapping[str, Any]],
    *,
    source: str,
    acts_as: str = "system",
) -> list[Run]:
    """Do the steps ``documents`` for stored records of an object in the transaction; one run per record.

    ``source`` names where the steps stand (``approval:discount:on_approve``): it appears in causes and traces, and must be
    unique in the version. ``acts_as`` is ``system`` (in the name of the transaction's person) or ``user``. The runs are kept as
    traces. Raises :class:`StepsFailed` when a step fails for any record.
    """
    model, session = tx.model.object(object_name), Session.of(tx)
    stored = statements_of(model).fetch(tx.connection, list(records))
    numbers = tx.tenant.ids.take(len(records), tx.connection)
    runs = [
        Run(n, source[:40], "", object_name, r, "called", tx.cause_json, tx.principal.user, acts_as, tx.now)
        for n, r in zip(numbers, records, strict=True)
    ]
    cases = [Case(run, object_name, stored[run.record or 0], seen=session.writes) for run in runs]
    flow = Flow(tx, session, acts_as == "user")
    session.runs += runs
    session.path.append(source)
    detail = {"automation": source, "run": numbers[0] if numbers else None, "because": tx.cause_json}
    try:
        with acting(tx, actor_of(tx.principal, acts_as), Cause("automation", detail)):
            flow.go(steps_of(tx.model, object_name, documents, source), cases)
    finally:
        session.path.pop()
    flow.settle(cases)
    failed = next((r for r in runs if r.state == FAILED), None)
    if failed is not None:
        raise StepsFailed(str(failed.message))
    return runs

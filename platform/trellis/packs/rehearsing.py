"""A rehearsal in the background: the worker installs or upgrades a pack on a copy of the tenant and keeps the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.jobs.job import Job, JobFailed
from trellis.packs.planning import plan_install
from trellis.packs.shelf import Shelf
from trellis.packs.trying import rehearse, with_case_reports
from trellis.storage import outbox, system
from trellis_metadata.errors import TrellisError
from trellis_metadata.merge import Side

if TYPE_CHECKING:
    from trellis.packs.pack_plan import PackPlan
    from trellis.tenant import Tenant

TOPIC = "pack_rehearsal"
_O = system.outbox.c


class UnknownRehearsal(TrellisError):
    """There is no rehearsal of that pack under that number."""

    code = "unknown_job"


def ask(
    tenant: Tenant,
    pack: str,
    *,
    options: Mapping[str, Any] | None = None,
    slices: Sequence[str] | None = None,
    choices: Mapping[str, Side] | None = None,
    version: str | None = None,
    language: str = "en",
) -> int:
    """Leave a rehearsal to the worker and return its number. The plan is made first: what cannot be planned raises here.

    ``pack`` is a pack of the shelf; the other values are those of :func:`trellis.packs.plan_install`.
    """
    with Shelf.of(tenant).source(pack, version) as source:
        plan_install(tenant, source, options=options, slices=slices, choices=choices)
        version = source.version
    order = {
        "pack": pack,
        "version": version,
        "options": dict(options) if options is not None else None,
        "slices": list(slices) if slices is not None else None,
        "choices": {k: s.value for k, s in (choices or {}).items()},
        "language": language,
        "report": None,
    }
    with tenant.database.writing() as connection:
        number = outbox.put_one(connection, tenant.clock.now(), TOPIC, outbox.Message(order))
    tenant.wake()
    return number


def run(job: Job) -> None:
    """Rehearse and keep the report. Raises :class:`JobFailed` with the reason why the pack cannot be installed."""
    order = job.payload

    def plan_for(copy: Tenant) -> PackPlan:
        with Shelf.of(job.tenant).source(order["pack"], order["version"]) as source:
            choices = {k: Side(v) for k, v in order["choices"].items()}
            plan = plan_install(copy, source, options=order["options"], slices=order["slices"], choices=choices)
            return with_case_reports(copy, plan, source, order["language"])

    try:
        report = rehearse(job.tenant, plan_for, order["language"])
    except TrellisError as problem:
        raise JobFailed(problem.message) from problem
    with job.tenant.database.writing() as connection:
        job.save(connection, done=1, total=1, payload={"report": report})
    job.saved()


def state_of(tenant: Tenant, pack: str, number: int) -> dict[str, Any]:
    """Return how far a rehearsal is: ``state``, ``error`` and, once it is done, ``report``. Raises :class:`UnknownRehearsal`."""
    with tenant.database.reading() as connection:
        query = sa.select(_O.state, _O.error, _O.payload).where(_O.id == number, _O.topic == TOPIC)
        row = connection.execute(query).first()
    if row is None or row.payload["pack"] != pack:
        raise UnknownRehearsal(f"There is no rehearsal {number} of pack '{pack[:80]}'.")
    return {"id": str(number), "state": row.state, "error": row.error, "report": row.payload["report"]}

"""Scripts that run again and again, at the moments of a schedule.

Nobody asks for such a run, so nobody's rights stand behind it: it may do what an administrator approved (``rights``) and nothing
else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trellis.access import Cause, Principal
from trellis.jobs import cron
from trellis.jobs.job import Job, JobFailed
from trellis.jobs.schedule import Schedule
from trellis.transaction import Transaction
from trellis_metadata.diagnostics import Diagnostic
from trellis_plugins.scripts.actions import ScriptRejected, run_alone
from trellis_plugins.scripts.catalogue import catalogue_of
from trellis_plugins.scripts.session import ScriptStopped

TOPIC = "script_schedule"
NOBODY = Principal("schedule", None, "schedule")


def schedules_of(document: Mapping[str, Any]) -> Iterator[Schedule]:
    """Yield the schedule of a script that has one and is active."""
    told = document.get("schedule")
    if told is not None and document.get("active", True):
        missed = told.get("missed", "once")
        yield Schedule(told["cron"], TOPIC, {"script": document["name"]}, told.get("zone"), missed=missed)


def problems_of(document: Any) -> Iterator[Diagnostic]:
    """Yield why the schedule of a script never comes."""
    told = document.get("schedule") if isinstance(document, dict) and document.get("kind") == "script" else None
    if isinstance(told, dict) and isinstance(told.get("cron"), str):
        try:
            cron.check(told["cron"], str(told.get("zone", "UTC")))
        except cron.BadSchedule as problem:
            place = f"script/{document.get('name')}"
            yield Diagnostic("bad_schedule", "/schedule", problem.message, "Correct the schedule.", place)


def handle(job: Job) -> None:
    """Run a script at its moment. One that is gone, no longer scheduled or refuses is not tried again."""
    name = job.payload["script"]

    def body(tx: Transaction) -> None:
        script = catalogue_of(tx.model).scripts.get(name)
        if script is not None and script.definition.active and "scheduled" in script.definition.events:
            run_alone(tx, script, "scheduled")

    try:
        job.tenant.run(NOBODY, Cause(TOPIC, {"script": name}), body)
    except ScriptRejected as problem:
        raise JobFailed(problem.message) from None
    except ScriptStopped as problem:
        if job.attempts >= 3:
            raise JobFailed(problem.message) from None
        raise

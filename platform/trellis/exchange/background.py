"""An import that the worker runs: checked or written chunk by chunk, with progress, and stopped between two chunks.

The uploaded file lies in the folder of the person who sent it (:func:`folder_of`); the rows that were refused lie beside it.
After a crash the import goes on behind the last committed chunk; one that had written its last chunk is finished. Somebody
who cancels takes the job away from the worker: what was committed by then stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.access import Principal
from trellis.exchange.importing import WHOLE_PREVIEW_ROWS, Importer, Report
from trellis.exchange.source import open_source
from trellis.jobs.asking import asked_by, principal_of_job
from trellis.jobs.job import Job, JobFailed
from trellis.notifications import notify
from trellis.storage import system
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant
    from trellis.transaction import Transaction

TOPIC = "import"
CANCELLED = "cancelled"
_O = system.outbox.c


def folder_of(tenant: Tenant, user: int | None) -> Path:
    """Return where the files that a person uploads for imports wait."""
    return tenant.files / "imports" / str(user or 0)


def refused_path(source: Path) -> Path:
    """Return where the refused rows of an import are written."""
    return source.with_suffix(".refused.csv")


def enqueue(
    tx: Transaction, name: str, file: str, mapping: Mapping[str, str], key: str, *, dry_run: bool, page: str = ""
) -> int:
    """Leave an import to the worker; return the number of the job. ``file`` is a name in the folder of the person.

    The person is told when it is done; ``page`` and the number of the job make the address that the message leads to.
    """
    order = {"object": name, "file": file, "mapping": dict(mapping), "key": key, "dry_run": dry_run}
    return tx.trail.enqueue(TOPIC, {**order, **asked_by(tx.principal), "page": page, "report": None})


def find(tenant: Tenant, principal: Principal, job: int) -> Mapping[str, Any] | None:
    """Return the row of a person's import (``state``, ``done``, ``total``, ``error``, ``payload``), or None."""
    with tenant.database.reading() as connection:
        row = connection.execute(sa.select(system.outbox).where(_O.id == job, _O.topic == TOPIC)).mappings().first()
    return dict(row) if row is not None and row["payload"]["user"] == principal.user else None


def cancel(tenant: Tenant, principal: Principal, job: int) -> bool:
    """Stop a person's import before its next chunk; return whether it was still to be stopped."""
    if find(tenant, principal, job) is None:
        return False
    with tenant.database.writing() as connection:
        stopped = connection.execute(
            system.outbox.update()
            .where(_O.id == job, _O.state.in_(("ready", "running")))
            .values(state=CANCELLED, leased_until=None, worker=None)
        )
        return bool(stopped.rowcount)


def report_of(row: Mapping[str, Any]) -> Report:
    """Return what a finished, cancelled or running import has done so far."""
    stored, dry_run = row["payload"]["report"], bool(row["payload"]["dry_run"])
    report = Report(row["payload"]["object"], dry_run)
    if stored is not None:
        report.counts.update(stored["counts"])
        report.errors = [(number, reason) for number, reason in stored["errors"]]
    return report


def run(job: Job) -> None:
    """Check or import what is left. Raises :class:`JobFailed` for what no repetition can mend."""
    if job.total and job.done == job.total and not job.payload["dry_run"]:
        return
    principal = principal_of_job(job)
    source = folder_of(job.tenant, job.payload["user"]) / job.payload["file"]
    if not source.is_file():
        raise JobFailed("The uploaded file is gone.")
    try:
        _run(job, principal, source)
    except TrellisError as problem:
        if problem.code in ("stale_model", "lease_lost"):
            raise
        raise JobFailed(problem.message) from problem


def _run(job: Job, principal: Principal, path: Path) -> None:
    key, dry_run = job.payload["key"], job.payload["dry_run"]
    progress_file = path.with_suffix(".progress.json")
    importer = Importer(
        job.tenant,
        principal,
        job.payload["object"],
        open_source(path),
        job.payload["mapping"],
        key=(key,) if key else (),
        error_file=refused_path(path),
        progress_file=progress_file,
    )

    def progress(done: int, total: int) -> None:
        # Within the one transaction of a small dry run nothing else may be written.
        if not dry_run or total > WHOLE_PREVIEW_ROWS:
            _save(job, importer.report, done, total)

    report = importer.run(progress, dry_run=dry_run, resume=not dry_run and progress_file.is_file())
    _save(job, report, importer.source.count, importer.source.count, finished=True)
    if not dry_run:
        path.unlink(missing_ok=True)


def _save(job: Job, report: Report | None, done: int, total: int, *, finished: bool = False) -> None:
    told = {"counts": report.counts, "errors": report.errors} if report is not None else None
    with job.tenant.database.writing() as connection:
        job.save(connection, done=done, total=total, payload={"report": told})
        if finished and report is not None:
            notify(job.tenant, connection, _asker(job), "job_done", _message(job, report), url=_page(job))
    job.saved()


def _asker(job: Job) -> list[int]:
    return [job.payload["user"]] if job.payload["user"] is not None else []


def _page(job: Job) -> str | None:
    page = job.payload.get("page")
    return f"{page}/{job.id}" if page else None


def _message(job: Job, report: Report) -> dict[str, str]:
    written, refused = report.rows - report.counts["refused"], report.counts["refused"]
    if job.payload["dry_run"]:
        return {
            "en": f"The file is checked: {written} rows can be imported, {refused} are refused.",
            "zh": f"文件检查完成：{written} 行可以导入，{refused} 行被拒绝。",
        }
    return {
        "en": f"The import is done: {written} rows were imported, {refused} were refused.",
        "zh": f"导入完成：{written} 行已导入，{refused} 行被拒绝。",
    }

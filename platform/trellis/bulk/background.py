"""A bulk write in the background: chunk by chunk, with progress and results that survive a crash.

INVARIANT: the length of the result file is stored in the transaction of the chunk; what a crash left behind it is cut off.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy.engine import Connection

from trellis import files
from trellis.access import Cause, Principal
from trellis.bulk.order import Order
from trellis.bulk.rows import Row, read_rows
from trellis.bulk.writing import Line, chunks, write_all, write_chunk
from trellis.jobs.asking import asked_by, principal_of_job
from trellis.jobs.job import Job, JobFailed
from trellis.json_text import parse_json
from trellis.transaction import Transaction
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant


def payload_of(order: Order, file_id: str, principal: Principal) -> dict[str, Any]:
    """Return what the outbox keeps of a request."""
    return {
        "order": order.to_json(),
        "file": file_id,
        **asked_by(principal),
        "results": 0,
        "refused": 0,
    }


def results_path(tenant: Tenant, job: int) -> Path:
    """Return where the result lines of a job lie."""
    return tenant.files / "results" / f"{int(job)}.ndjson"


def run(job: Job) -> None:
    """Write what is left. Raises :class:`JobFailed` for what no repetition can mend."""
    order = Order.from_json(job.payload["order"])
    principal = principal_of_job(job)
    try:
        with job.tenant.database.reading() as connection:
            stored = files.row_of(connection, job.payload["file"])
        path = files.content_of(job.tenant, stored)
    except files.UnknownFile:
        raise JobFailed("The uploaded file is gone.") from None
    if not path.exists():
        raise JobFailed("The uploaded file is gone.")
    try:
        columns = order.columns(job.tenant.model().object(order.object))
        _count(job, path, order, columns)
        with open(path, "rb") as stream:
            rows = read_rows(stream, order.format, columns, parse_json)
            write = _write_all if order.mode == "all_or_none" else _write_chunks
            write(job, principal, order, rows)
    except TrellisError as problem:
        if problem.code in ("stale_model", "lease_lost"):
            raise
        raise JobFailed(problem.message) from problem
    files.remove(job.tenant, job.payload["file"])


def _count(job: Job, path: Path, order: Order, columns: list[str]) -> None:
    if job.total:
        return
    with open(path, "rb") as stream:
        total = sum(1 for _ in read_rows(stream, order.format, columns, lambda line: line))
    with job.tenant.database.writing() as connection:
        job.save(connection, done=job.done, total=total)
    job.saved()


def _write_chunks(job: Job, principal: Principal, order: Order, rows: Iterator[Row]) -> None:
    for _ in range(job.done):
        next(rows)
    for chunk in chunks(rows):
        _transact(job, principal, partial(write_chunk, order=order, rows=chunk), job.done + len(chunk))
        job.saved()


def _write_all(job: Job, principal: Principal, order: Order, rows: Iterator[Row]) -> None:
    if job.done:
        return
    lines = write_all(lambda body: _transact(job, principal, body, job.total), order, rows)
    if any("errors" in line for line in lines):
        # Nothing was committed: what to tell is stored by itself.
        with job.tenant.database.writing() as connection:
            _store(job, connection, lines, job.total)
    job.saved()


def _transact(job: Job, principal: Principal, body: Callable[[Transaction], list[Line]], done: int) -> list[Line]:
    """Run ``body`` in a transaction that also stores the job's progress and the length of its results."""

    def whole(tx: Transaction) -> list[Line]:
        lines = body(tx)
        _store(job, tx.connection, lines, done)
        return lines

    return job.tenant.run(principal, Cause("bulk", {"job": job.id}), whole)


def _store(job: Job, connection: Connection, lines: list[Line], done: int) -> None:
    size = append_lines(results_path(job.tenant, job.id), int(job.payload["results"]), lines)
    refused = int(job.payload["refused"]) + sum("errors" in line for line in lines)
    job.save(connection, done=done, payload={"results": size, "refused": refused})


def append_lines(path: Path, start: int, lines: list[Line]) -> int:
    """Write lines at ``start``, cutting off what was behind it; return the new length."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = b"".join(orjson.dumps(line, default=str) + b"\n" for line in lines)
    with open(path, "r+b" if path.exists() else "w+b") as target:
        target.seek(start)
        target.truncate()
        target.write(data)
        target.flush()
        os.fsync(target.fileno())
    return start + len(data)

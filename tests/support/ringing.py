"""A worker process of the tests: its topic ``ring`` calls an HTTP server and changes a record."""

from __future__ import annotations

import http.client
import multiprocessing
from multiprocessing.process import BaseProcess
from pathlib import Path

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.jobs import Job, worker
from trellis.jobs.topics import Topic, topics
from trellis.runtime import Runtime
from trellis.transaction import Transaction
from trellis.worker import run

TOPIC = "ring"


def start(home: Path, database_url: str, port: int, *, once: bool = False) -> BaseProcess:
    """Start a worker as a process of its own, forked from one that holds the modules and nothing else."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload([__name__])
    process = made.Process(target=work, args=(str(home), database_url, port, once), daemon=True)
    process.start()
    return process


def work(home: str, database_url: str, port: int, once: bool) -> None:
    """Do the work of the process."""

    def handle(job: Job) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        address = f"/{job.payload['record']}/{job.payload['number']}"
        connection.request("POST", address, headers={"Idempotency-Key": str(job.id)})
        connection.getresponse().read()
        connection.close()
        if not job.done:
            job.tenant.run(SYSTEM, Cause("test"), lambda tx: change(tx, job))

    known = {**topics(), TOPIC: Topic(TOPIC, False, handle)}
    worker.topics = lambda: known
    run(Runtime(home, database_url=database_url), once=once)


def change(tx: Transaction, job: Job) -> None:
    """Add the number to the record, in one transaction with the row that remembers it: the job itself."""
    model = tx.model.object("deal")
    query = model.table.select().with_only_columns(model.fields["seen"].column)
    seen = tx.connection.execute(query.where(model.table.c.id == job.payload["record"])).scalar_one()
    text = f"{seen or ''} {job.payload['number']}".strip()
    tx.update("deal", [{"id": job.payload["record"], "seen": text}])
    job.save(tx.connection, done=1)

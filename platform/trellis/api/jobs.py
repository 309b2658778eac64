"""Jobs: how far work in the background is, and what came of it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response

from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.bulk import NDJSON
from trellis.api.context import Api, Reading
from trellis.bulk.background import results_path
from trellis.jobs.monitor import UnknownJob
from trellis.storage import system

SHOWN = ("bulk",)


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes of jobs."""

    @blueprint.get("/jobs/<job>")
    def read_job(job: str) -> Response:
        reading.allow_parameters(())
        return answer(api.read(lambda r: job_json(_row(r, job))))

    @blueprint.get("/jobs/<job>/results")
    def job_results(job: str) -> Response:
        reading.allow_parameters(())
        row = api.read(lambda r: dict(_row(r, job)))
        return _results(api, row)


def _row(r: Reading, job: str) -> Any:
    number = int(job) if job.isascii() and job.isdigit() and len(job) < 19 else -1
    c = system.outbox.c
    row = r.connection.execute(sa.select(system.outbox).where(c.id == number, c.topic.in_(SHOWN))).mappings().first()
    if row is None or not (
        r.principal.admin or (r.principal.user is not None and row["payload"].get("user") == r.principal.user)
    ):
        raise UnknownJob("There is no such job.")
    return row


def job_json(row: Any) -> dict[str, Any]:
    """Return the state (``ready``, ``running``, ``done``, ``dead``), progress in rows, and the reason of a failure."""
    return {
        "id": str(row["id"]),
        "topic": row["topic"],
        "state": row["state"],
        "done": row["done"],
        "total": row["total"],
        "refused": row["payload"].get("refused", 0),
        "attempts": row["attempts"],
        "error": row["error"],
        "created_at": row["created_at"],
        "results": f"/api/v1/jobs/{row['id']}/results",
    }


def _results(api: Api, row: dict[str, Any]) -> Response:
    """Return the result lines of the committed chunks, and nothing that a chunk in work may have written behind them."""
    path, left = results_path(api.tenant(), row["id"]), int(row["payload"].get("results", 0))
    if not left or not path.exists():
        return Response(b"", 200, mimetype=NDJSON)
    with open(path, "rb") as stream:
        data = stream.read(left)
    return Response(data, 200, mimetype=NDJSON)

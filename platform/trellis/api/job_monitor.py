"""All background jobs of a tenant: how things stand, dead letters, trying again. For administrators, with the scope ``setup``."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request
from marshmallow import Schema, fields, validate

from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api, Reading
from trellis.api.errors import BadRequest
from trellis.api.metadata import loaded
from trellis.jobs import monitor

LARGEST = 10**18


class JobsSchema(Schema):
    """Which jobs."""

    jobs = fields.List(
        fields.String(validate=validate.Regexp(r"^[0-9]{1,18}$")),
        required=True,
        validate=validate.Length(1, monitor.MOST),
        metadata={"description": "Ids of jobs."},
    )


SCHEMAS = {"Jobs": JobsSchema}


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes."""

    @blueprint.get("/jobs")
    def list_jobs() -> Response:
        reading.allow_parameters(("state", "topic", "before", "limit"))
        return answer(api.read(_listed, scope="setup"))

    @blueprint.get("/jobs/health")
    def jobs_health() -> Response:
        reading.allow_parameters(())
        return answer(api.read(lambda r: monitor.health(r.connection, r.tenant.clock.now()), scope="setup"))

    @blueprint.get("/jobs/schedules")
    def job_schedules() -> Response:
        reading.allow_parameters(())
        return answer(api.read(lambda r: {"schedules": monitor.schedules(r.connection)}, scope="setup"))

    @blueprint.post("/jobs/retry")
    def retry_jobs() -> Response:
        return _change(api, monitor.retry)

    @blueprint.post("/jobs/cancel")
    def cancel_jobs() -> Response:
        return _change(api, monitor.cancel)


def _change(api: Api, change: Any) -> Response:
    reading.allow_parameters(())
    wanted = [int(n) for n in loaded(JobsSchema())["jobs"]]
    tenant, principal = api.read(lambda r: (r.tenant, r.principal), scope="setup")
    return answer({"jobs": [str(n) for n in change(tenant, principal, wanted)]})


def _listed(r: Reading) -> dict[str, Any]:
    found = monitor.jobs(
        r.connection,
        state=request.args.get("state"),
        topic=request.args.get("topic"),
        before=_number("before", LARGEST),
        limit=_number("limit", monitor.MOST) or 50,
    )
    return {"jobs": [{**row, "id": str(row["id"])} for row in found]}


def _number(name: str, most: int) -> int | None:
    text = request.args.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 1 <= int(text) <= most):
        raise BadRequest(f"'{name}' is a whole number from 1 to {most}, not '{text[:40]}'.")
    return int(text)

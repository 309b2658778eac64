"""Who asked for a job, and with which rights it runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from trellis.access import Principal
from trellis.access.accounts import principal_of
from trellis.jobs.job import Job, JobFailed


def asked_by(principal: Principal) -> dict[str, Any]:
    """Return what a job's payload keeps of the one who asks."""
    return {
        "user": principal.user,
        "admin": principal.admin,
        "scopes": None if principal.scopes is None else sorted(principal.scopes),
    }


def principal_of_job(job: Job) -> Principal:
    """Return who asked, with the rights of now and never more than the request had. Raises :class:`JobFailed`."""
    with job.tenant.database.reading() as connection:
        person = principal_of(job.tenant, connection, job.payload["user"]) if job.payload["user"] is not None else None
    if person is None:
        raise JobFailed("The user who asked for it may no longer log in.")
    scopes = job.payload["scopes"]
    return replace(
        person,
        kind="token" if scopes is not None and person.kind == "person" else person.kind,
        admin=person.admin and job.payload["admin"],
        scopes=None if scopes is None else frozenset(scopes),
    )

"""Is the process alive, and can it answer?"""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, Response

from trellis.api.answers import answer
from trellis.api.context import Api


def install(blueprint: Blueprint, api: Api) -> None:
    """Add ``/health`` (the process runs) and ``/ready`` (the control database answers)."""

    @blueprint.get("/health")
    def health() -> Response:
        return answer({"status": "ok"})

    @blueprint.get("/ready")
    def ready() -> Response:
        with api.runtime.control.reading() as connection:
            connection.execute(sa.select(sa.literal(1))).scalar_one()
        return answer({"status": "ok"})

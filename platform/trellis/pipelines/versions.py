"""Which pipelines a stage field has, and the older versions under which records are still on their way."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.model import Model, ObjectModel
from trellis.pipelines.pipeline import Pipeline, compile_pipeline
from trellis.rules.scope import ObjectScope
from trellis.storage import system
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.pipelines.stays import Stay


class PipelineGone(TrellisError):
    """The version of a pipeline under which a record is on its way does not fit the object any more."""

    code = "pipeline_gone"


def pipelines_of(model: Model, owner: ObjectModel) -> Mapping[str, Sequence[Pipeline]]:
    """Return the pipelines of each stage field of an object in the order in which they are tried, built once per version."""
    found: Mapping[str, Sequence[Pipeline]] | None = owner.__dict__.get("_pipelines")
    if found is None:
        scope = ObjectScope(model.snapshot, owner.name)
        found = owner.__dict__["_pipelines"] = {
            field["name"]: [_current(model, name, scope) for name in field["pipelines"]]
            for field in owner.doc["fields"]
            if field["type"] == "stage" and "pipelines" in field
        }
    return found


def _current(model: Model, name: str, scope: ObjectScope) -> Pipeline:
    document = model.snapshot.get("pipeline", name)
    assert document is not None  # references are checked before anything is published
    return compile_pipeline(document, model.snapshot.digests["pipeline", name], scope)


def version_for(
    connection: Connection, model: Model, owner: ObjectModel, stay: Stay, current: Mapping[str, Pipeline]
) -> Pipeline | None:
    """Return the pipeline that judges a record with this stay; None when the field no longer has its pipeline."""
    pipeline = current.get(stay.pipeline)
    if pipeline is None or pipeline.in_flight == "current" or pipeline.digest == stay.digest:
        return pipeline
    key = ("pipeline", owner.name, stay.digest)
    if key not in model.cache:
        body = connection.execute(
            sa.select(system.document.c.body).where(system.document.c.digest == stay.digest)
        ).scalar_one()
        try:
            model.cache[key] = compile_pipeline(json.loads(body), stay.digest, ObjectScope(model.snapshot, owner.name))
        except TrellisError as problem:
            raise PipelineGone(
                f"The record is on its way under an older version of the pipeline '{stay.pipeline}', which does not fit the "
                f"object any more: {problem.message} Set 'in_flight' of the pipeline to 'current'."
            ) from None
    found: Pipeline = model.cache[key]
    return found

"""A record's way through its pipeline as people see it: where it stands, where it may go, what is still to be done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trellis.formula import ErrorValue
from trellis.model import ObjectModel
from trellis.pipelines.choosing import first_that_takes
from trellis.pipelines.pipeline import Pipeline, Stage
from trellis.pipelines.stays import Stay, done_activities, open_stays, stays_of
from trellis.pipelines.versions import pipelines_of, version_for
from trellis.rules.reader import Reader
from trellis_metadata.labels import text_of

_TEXTS = ("customer_stage", "goal", "guidance")


def paths_of(reader: Reader, model: ObjectModel, record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the way of a stored record (its values, with ``id``) through each of its stage fields that has pipelines."""
    return [
        _path(reader, model, field, list(pipelines), record)
        for field, pipelines in pipelines_of(reader.model, model).items()
    ]


def history_of(reader: Reader, model: ObjectModel, record: int, field: str) -> list[dict[str, Any]]:
    """Return the stays of a record in stages, oldest first; ``seconds`` counts up to now for the last one."""

    def user(number: int | None) -> str | None:
        return None if number is None else reader.model.env.format_id("user", number)

    return [
        {
            "pipeline": row.pipeline,
            "stage": row.stage,
            "from": row.came_from,
            "entered_at": row.entered_at,
            "entered_by": user(row.entered_by),
            "cause": row.cause,
            "left_at": row.left_at,
            "left_by": user(row.left_by),
            "to": row.next_stage,
            "seconds": int(((row.left_at or reader.now) - row.entered_at).total_seconds()),
            "stuck": row.stuck_at is not None,
        }
        for row in stays_of(reader.connection, model.name, record, field)
    ]


def pipeline_of(
    reader: Reader, model: ObjectModel, field: str, record: Mapping[str, Any]
) -> tuple[Pipeline | None, Stay | None]:
    """Return the pipeline that a stored record goes through, and where it stands in it."""
    pipelines = pipelines_of(reader.model, model)[field]
    stay = open_stays(reader.connection, field, [record["id"]]).get(record["id"])
    if stay is not None:
        current = {p.name: p for p in pipelines}
        found = version_for(reader.connection, reader.model, model, stay, current)
        if found is not None:
            return found, stay
    (chosen,) = first_that_takes(reader, model, pipelines, [record], [record])
    return (None if isinstance(chosen, ErrorValue) else chosen), stay


def _path(
    reader: Reader, model: ObjectModel, field: str, pipelines: list[Pipeline], record: Mapping[str, Any]
) -> dict[str, Any]:
    language = reader.principal.language
    pipeline, stay = pipeline_of(reader, model, field, record)
    now = record.get(field)
    out: dict[str, Any] = {
        "field": field,
        "pipeline": None,
        "stage": now,
        "entered_at": stay.entered_at if stay else None,
        "stuck": bool(stay and stay.stuck_at),
        "stages": [],
    }
    if pipeline is None:
        return out
    out["pipeline"] = {
        "name": pipeline.name,
        "label": text_of(pipeline.document.get("label"), language, pipeline.name),
        "current_version": pipeline.digest == next((p.digest for p in pipelines if p.name == pipeline.name), None),
    }
    done = done_activities(reader.connection, field, record["id"], pipeline.name)
    here = pipeline.stages.get(now or "")
    out["stages"] = [
        _stage(reader, pipeline, stage, here, record, done)
        for stage in pipeline.stages.values()
        if stage.active or stage is here
    ]
    return out


def _stage(
    reader: Reader,
    pipeline: Pipeline,
    stage: Stage,
    here: Stage | None,
    record: Mapping[str, Any],
    done: Mapping[tuple[str, str], tuple[Any, int | None]],
) -> dict[str, Any]:
    language, document = reader.principal.language, stage.document
    out: dict[str, Any] = {
        "name": stage.name,
        "label": stage.label(language),
        "color": document.get("color"),
        "closed": stage.closed,
        "probability": None if "probability" not in document else str(document["probability"]),
        "state": _state(stage, here),
        "may_enter": stage is not here and pipeline.may_move(here.name if here else None, stage.name),
        "missing": [name for name in stage.requires if record.get(name) is None],
        **{key: text_of(document[key], language) if key in document else None for key in _TEXTS},
        "tools": [
            {
                "name": t["name"],
                "label": text_of(t.get("label"), language, t["name"]),
                "description": text_of(t["description"], language) if "description" in t else None,
                "url": t.get("url"),
            }
            for t in document.get("tools", ())
        ],
    }
    out["activities"] = [
        _activity(reader, a, done.get((stage.name, a["name"]))) for a in document.get("activities", ())
    ]
    return out


def _state(stage: Stage, here: Stage | None) -> str:
    """Return ``current``, ``done`` (before an open or won one), ``open``, or ``off`` (an end that was not reached)."""
    if here is None:
        return "off" if stage.closed else "open"
    if stage is here:
        return "current"
    if stage.closed:
        return "off"
    if here.closed is not None:
        return "done" if here.closed == "won" else "off"
    return "done" if stage.position < here.position else "open"


def _activity(reader: Reader, activity: Mapping[str, Any], done: tuple[Any, int | None] | None) -> dict[str, Any]:
    language = reader.principal.language
    return {
        "name": activity["name"],
        "label": text_of(activity.get("label"), language, activity["name"]),
        "description": text_of(activity["description"], language) if "description" in activity else None,
        "required": activity.get("required", False),
        "done": done is not None,
        "done_at": done[0] if done else None,
        "done_by": reader.model.env.format_id("user", done[1]) if done and done[1] is not None else None,
    }

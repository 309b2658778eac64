"""Where a record stands in its pipelines, its stage history, and its checklist. A stage is changed like any other field."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api, Reading
from trellis.api.errors import BadRequest
from trellis.api.once import Reply, once
from trellis.api.record_answers import number_of
from trellis.pipelines.checklist import UnknownActivity, tick
from trellis.pipelines.path import history_of, paths_of
from trellis.pipelines.versions import pipelines_of
from trellis.query import get_record
from trellis.rules.reader import Onlooker
from trellis.transaction import Transaction


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes."""

    @blueprint.get("/records/<name>/<record>/path")
    def path(name: str, record: str) -> Response:
        reading.allow_parameters(())
        return answer({"paths": api.read(lambda r: _paths(r, name, record))})

    @blueprint.get("/records/<name>/<record>/path/<field>/history")
    def stage_history(name: str, record: str, field: str) -> Response:
        reading.allow_parameters(())
        return answer({"stays": api.read(lambda r: _history(r, name, record, field))})

    @blueprint.put("/records/<name>/<record>/path/<field>/activities/<activity>")
    def tick_activity(name: str, record: str, field: str, activity: str) -> Response:
        reading.allow_parameters(())
        body = reading.object_body()
        if set(body) != {"done"} or not isinstance(body["done"], bool):
            raise BadRequest('Expected {"done": true} or {"done": false}.')
        return once(api, lambda tx: _tick(tx, name, record, field, activity, body["done"]))


def _paths(r: Reading, name: str, record: str) -> list[dict[str, Any]]:
    model = r.model.object(name)
    stored = get_record(r.tenant, r.connection, r.model, r.principal, name, number_of(name, record))
    return paths_of(_onlooker(r), model, stored)


def _history(r: Reading, name: str, record: str, field: str) -> list[dict[str, Any]]:
    model, number = r.model.object(name), number_of(name, record)
    get_record(r.tenant, r.connection, r.model, r.principal, name, number)
    if field not in pipelines_of(r.model, model):
        raise UnknownActivity(f"'{name}' has no stage field '{field[:60]}' with pipelines.")
    return history_of(_onlooker(r), model, number, field)


def _onlooker(r: Reading) -> Onlooker:
    return Onlooker(r.tenant, r.connection, r.model, r.principal, r.tenant.clock.now())


def _tick(tx: Transaction, name: str, record: str, field: str, activity: str, is_done: bool) -> Reply:
    tx.model.object(name)
    changed = tick(tx, name, number_of(name, record), field, activity, is_done=is_done)
    return {"done": is_done, "changed": changed}, 200, {}

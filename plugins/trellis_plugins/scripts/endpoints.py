"""Addresses of scripts: ``/api/v1/apps/<pack>/<path>`` for endpoints, ``/records/<object>/<id>/actions/<script>`` for buttons."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from trellis.access import Cause
from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api
from trellis.api.once import Reply, once
from trellis.api.record_answers import number_of
from trellis.transaction import Transaction
from trellis_plugins.scripts.actions import UnknownScript, find_action, run_alone, run_on_record
from trellis_plugins.scripts.catalogue import catalogue_of


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes."""

    @blueprint.post("/apps/<pack>/<path:path>")
    def post_app(pack: str, path: str) -> Response:
        body = reading.object_body()
        return once(api, lambda tx: _answer(tx, pack, path, "POST", body, {}))

    @blueprint.get("/apps/<pack>/<path:path>")
    def get_app(pack: str, path: str) -> Response:
        parameters = {k: v[:2000] for k, v in request.args.items()}
        principal = api.read(lambda r: r.principal)

        def body(tx: Transaction) -> Any:
            return _answer(tx, pack, path, "GET", {}, parameters)[0]

        # What a GET wrote would be rolled back.
        return answer(api.tenant().run(principal, Cause("api"), body, preview=True))

    @blueprint.post("/records/<name>/<record>/actions/<script>")
    def action(name: str, record: str, script: str) -> Response:
        return once(api, lambda tx: _act(tx, name, record, script))


def _answer(tx: Transaction, pack: str, path: str, method: str, body: Any, parameters: dict[str, str]) -> Reply:
    found = catalogue_of(tx.model).endpoints.get((pack, path))
    if found is None or method not in found.definition.methods:
        raise UnknownScript(f"No script answers {method} at 'apps/{pack[:60]}/{path[:80]}'.")
    sent = {"method": method, "body": body, "parameters": parameters}
    return {"result": run_alone(tx, found, "endpoint", request=sent)}, 200, {}


def _act(tx: Transaction, name: str, record: str, script: str) -> Reply:
    tx.model.object(name)
    return run_on_record(tx, find_action(tx, script, name), number_of(name, record)), 200, {}

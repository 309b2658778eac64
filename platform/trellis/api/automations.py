"""Automations: what they did and did not do on a record, runs for administrators, dry runs, starts by hand and from outside."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from trellis.access import AccessDenied
from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api, Reading
from trellis.api.errors import BadRequest, TooLarge
from trellis.api.once import Reply, idempotency_key, once
from trellis.api.record_answers import number_of
from trellis.automation import hands, hooks, seeing, steering
from trellis.automation.catalogue import Automation, catalogue_of
from trellis.automation.trying import dry_run
from trellis.query import get_record
from trellis.rules.reader import Onlooker
from trellis.runtime import UnknownTenant
from trellis.transaction import Transaction


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes."""

    @blueprint.get("/automations")
    def list_automations() -> Response:
        reading.allow_parameters(())
        return answer({"automations": api.read(_list)})

    @blueprint.get("/automation-runs")
    def list_runs() -> Response:
        reading.allow_parameters(("automation", "state", "object", "before", "limit"))
        return answer({"runs": api.read(_runs)})

    @blueprint.get("/automation-runs/<run>")
    def read_run(run: str) -> Response:
        reading.allow_parameters(())
        return answer(api.read(lambda r: seeing.run_of(_for_admin(r), _number(run))))

    @blueprint.post("/automation-runs/<run>/retry")
    def retry_run(run: str) -> Response:
        return once(api, lambda tx: _steer(tx, run, "retry"))

    @blueprint.post("/automation-runs/<run>/cancel")
    def cancel_run(run: str) -> Response:
        return once(api, lambda tx: _steer(tx, run, "cancel"))

    @blueprint.post("/automations/dry-run")
    def try_automation() -> Response:
        body = reading.object_body()
        # The rights of whoever asks are read first, then the automation is tried in a transaction that is taken back.
        found = api.read(lambda r: (r.tenant, r.principal, _asked(r, body)), scope="setup")
        tenant, principal, asked = found
        return answer({"results": dry_run(tenant, principal, **asked)})

    @blueprint.post("/automations/<name>/token")
    def new_token(name: str) -> Response:
        return answer(api.write(lambda tx: _token(tx, name)), 201)

    @blueprint.post("/automations/<name>/start")
    def start(name: str) -> Response:
        body = reading.object_body()
        return once(api, lambda tx: _start(tx, name, body))

    @blueprint.get("/records/<name>/<record>/automations")
    def story(name: str, record: str) -> Response:
        reading.allow_parameters(())
        return answer({"entries": api.read(lambda r: _story(r, name, record))})

    @blueprint.post("/hooks/<token>/<name>")
    def hook(token: str, name: str) -> Response:
        if (request.content_length or 0) > hooks.LONGEST_BODY:
            raise TooLarge(f"The body is larger than {hooks.LONGEST_BODY} bytes.")
        data = request.get_data()
        if len(data) > hooks.LONGEST_BODY:
            raise TooLarge(f"The body is larger than {hooks.LONGEST_BODY} bytes.")
        tenant_name, secret = hooks.tenant_of(token)
        try:
            text = data.decode("utf-8")
            tenant = api.runtime.tenant(tenant_name)
        except UnicodeDecodeError:
            raise BadRequest("The body is not UTF-8.") from None
        except UnknownTenant:
            raise hooks.UnknownHook("There is no such address.") from None
        return answer(hooks.receive(tenant, name, secret, text, idempotency_key()), 202)


def _list(r: Reading) -> list[dict[str, Any]]:
    numbers = seeing.counts(_for_admin(r))
    found = catalogue_of(r.model).automations
    return [
        {
            "name": name,
            "label": a.label(r.principal.language),
            "object": a.object,
            "active": a.definition.active,
            "run": a.definition.run,
            "on": [t.on for t in a.triggers],
            "runs": numbers.get(name, {}),
            "has_address": _waits_for_messages(a) and hooks.has_token(r.connection, name),
        }
        for name, a in found.items()
    ]


def _waits_for_messages(automation: Automation) -> bool:
    return automation.trigger("webhook") is not None


def _runs(r: Reading) -> list[dict[str, Any]]:
    given = request.args
    state = given.get("state")
    if state is not None and state not in seeing.STATES:
        raise BadRequest(f"'state' is one of {', '.join(seeing.STATES)}.")
    limit = given.get("limit", str(seeing.PAGE))
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit) <= 200):
        raise BadRequest("'limit' is a number from 1 to 200.")
    before = None if "before" not in given else _number(given["before"])
    return seeing.runs_of(
        _for_admin(r),
        automation=given.get("automation"),
        state=state,
        object_name=given.get("object"),
        before=before,
        limit=int(limit),
    )


def _for_admin(r: Reading) -> Onlooker:
    if not r.principal.admin:
        raise AccessDenied("Automations and their runs are for administrators.")
    return _onlooker(r)


def _onlooker(r: Reading) -> Onlooker:
    return Onlooker(r.tenant, r.connection, r.model, r.principal, r.tenant.clock.now())


def _number(run: str) -> int:
    if not (run.isascii() and run.isdigit() and len(run) < 19):
        raise seeing.UnknownRun("There is no such run.")
    return int(run)


def _steer(tx: Transaction, run: str, what: str) -> Reply:
    number = _number(run)
    (steering.retry if what == "retry" else steering.cancel)(tx, number)
    return {"id": run, "state": "queued" if what == "retry" else "cancelled"}, 200, {}


def _asked(r: Reading, body: dict[str, Any]) -> dict[str, Any]:
    known = {"automation", "document", "record", "events", "body"}
    if set(body) - known or ("automation" in body) == ("document" in body):
        raise BadRequest(f"Expected 'automation' or 'document', and of {', '.join(sorted(known))} what it is tried on.")
    given = body.get("automation", body.get("document"))
    if not isinstance(given, str if "automation" in body else dict):
        raise BadRequest("'automation' is a name, 'document' the document of an automation.")
    asked: dict[str, Any] = {"automation": given}
    owner = given.get("object") if isinstance(given, dict) else catalogue_of(r.model).get(given).object
    if "record" in body:
        asked["record"] = number_of(str(owner), str(body["record"]))
    if "events" in body:
        if type(body["events"]) is not int:
            raise BadRequest("'events' is a number.")
        asked["events"] = body["events"]
    if "body" in body:
        asked["body"] = str(body["body"])
    return asked


def _token(tx: Transaction, name: str) -> dict[str, str]:
    if not (tx.principal.admin and tx.principal.may("setup")):
        raise AccessDenied("Addresses of automations are made by administrators.")
    return {"url": f"/api/v1/hooks/{hooks.new_token(tx, name)}/{name}"}


def _start(tx: Transaction, name: str, body: dict[str, Any]) -> Reply:
    records = body.get("records")
    if set(body) - {"records", "on"} or not isinstance(records, list) or body.get("on") not in ("button", "manual"):
        raise BadRequest('Expected {"on": "button" or "manual", "records": [ids]}.')
    owner = catalogue_of(tx.model).automations.get(name)
    if owner is None or owner.object is None:
        raise hands.CannotStart(f"There is no automation '{name[:60]}' that people start.")
    ids = [number_of(owner.object, str(record)) for record in records]
    found = hands.start_by_hand(tx, name, body["on"], ids)
    return hands.told(tx.model, name, found), 200, {}


def _story(r: Reading, name: str, record: str) -> list[dict[str, Any]]:
    model, number = r.model.object(name), number_of(name, record)
    get_record(r.tenant, r.connection, r.model, r.principal, name, number)
    return seeing.story_of(_onlooker(r), model, number)

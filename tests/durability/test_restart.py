"""Whatever was made at run time, by API, command line, UI or pack, answers the same after a restart, under the same hash."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from support.kernel import field, obj, publish

from trellis.access.accounts import create_token, create_user, log_in
from trellis.app import create_app
from trellis.cli import root
from trellis.packs.installing import install
from trellis.runtime import Runtime
from trellis_admin import create_blueprint
from trellis_admin.session import COOKIE

NAME = field("name", required=True)
PASSWORD = "correct horse"
ASKED = (
    "/metadata",
    "/metadata/log",
    "/metadata/drafts",
    "/metadata/drafts/later",
    "/objects",
    "/records/trip?total=true",
    "/records/stop?fields=name,trip.name&sort=name",
    "/records/outing",
    "/records/badge",
)


def ui(runtime: Runtime) -> FlaskClient:
    app = Flask("trellis_test", static_folder=None)
    app.config.update(SECRET_KEY="only for tests", TESTING=True, TRELLIS_CSRF=False)
    app.register_blueprint(create_blueprint(runtime))
    client = app.test_client()
    client.set_cookie(COOKIE, log_in(runtime.tenant("acme"), "ada", PASSWORD).key)
    return client


def api(runtime: Runtime, token: str, method: str, path: str, body: Any = None) -> Any:
    client = create_app(runtime, default_tenant="acme").test_client()
    answer = client.open(f"/api/v1{path}", method=method, json=body, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code < 300, (path, answer.text)
    return answer.get_json()


def answers(runtime: Runtime, token: str) -> dict[str, Any]:
    """Everything that is asked before and after, and what people see of the new object."""
    found = {path: api(runtime, token, "GET", path) for path in ASKED}
    page = ui(runtime).get("/setup/objects/outing")
    return {**found, "doctor": runtime.tenant("acme").publisher.running(), "page": page.status_code}


def make_everything(runtime: Runtime, url: str, folder: Path) -> str:
    """Use every door once; return a token."""
    tenant = runtime.create_tenant("acme")
    token = create_token(tenant, create_user(tenant, login="ada", name="Ada", password=PASSWORD, admin=True), "test")
    trip = obj("trip", NAME, field("size", "integer"))
    api(runtime, token, "POST", "/metadata/apply", {"documents": [trip, obj("gone", NAME)]})
    number = api(runtime, token, "POST", "/records/trip", {"name": "north", "size": 7})["id"]
    (folder / "objects").mkdir(parents=True)
    stop = obj("stop", NAME, field("trip", "lookup", target="trip"))
    (folder / "objects" / "stop.json").write_text(json.dumps(stop))
    options = ["--home", str(runtime.home), "--tenant", "acme"] + (
        [] if url.startswith("sqlite") else ["--database-url", url]
    )
    assert CliRunner().invoke(root, [*options, "metadata", "apply", str(folder)]).exit_code == 0
    api(runtime, token, "POST", "/records/stop", {"name": "inn", "trip": number})
    view = {"kind": "list_view", "name": "large", "object": "trip", "label": "Large", "columns": ["name", "length"]}
    changed = obj("trip", NAME, field("length"), field("note", unique=True))
    renames = [{"kind": "object", "name": "trip", "path": ["fields", "size"], "to": "length"}]
    sent = {"documents": [view, changed], "renames": renames}
    confirm = api(runtime, token, "POST", "/metadata/plan", sent)["hash"]
    api(runtime, token, "POST", "/metadata/apply", {**sent, "confirm": confirm})
    setup = ui(runtime)
    draft = setup.post("/setup/objects/new", data={"label": "Outing", "label_zh": "出行", "icon": "map-pin"}).text
    hidden = {n: html.unescape(v) for n, v in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', draft)}
    assert setup.post("/setup/publish", data=hidden).location == "/setup/objects/outing"
    api(runtime, token, "POST", "/metadata/drafts", {"name": "later", "documents": [obj("later", NAME)]})
    install(tenant, "bag")
    plan = tenant.publisher.plan_documents([], removed=[("object", "gone")])
    tenant.publisher.apply(plan, confirm=plan.hash)
    publish(tenant, {**obj("never", NAME)})
    tenant.publisher.undo(confirm=tenant.publisher.plan_undo().hash)
    return token


@pytest.mark.slow
def test_everything_that_was_made_at_run_time_survives_a_restart(
    database_url: str, tmp_path: Path, monkeypatch: Any
) -> None:
    bag = tmp_path / "bag"
    (bag / "objects").mkdir(parents=True)
    pack = {"kind": "pack", "name": "bag", "label": "Bag", "version": "1.0.0", "prefix": "bag"}
    (bag / "pack.json").write_text(json.dumps(pack))
    (bag / "objects" / "badge.json").write_text(json.dumps(obj("badge", NAME)))
    monkeypatch.setattr("trellis.packs.folders.find_packs", lambda: {"bag": bag})
    runtime = Runtime(tmp_path / "home", database_url=database_url)
    token = make_everything(runtime, database_url, tmp_path / "meta")
    before = answers(runtime, token)
    runtime.close()
    assert before["/metadata/drafts"]["drafts"][0]["name"] == "later"
    assert before["/records/stop?fields=name,trip.name&sort=name"]["records"][0]["trip.name"] == "north"
    for _ in range(2):
        runtime = Runtime(tmp_path / "home", database_url=database_url)
        assert answers(runtime, token) == before
        runtime.close()

"""Accounts and the audit over HTTP and on the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from support.office import PASSWORD, Office

from trellis.access.accounts import create_token, session_of
from trellis.api.context import COOKIE
from trellis.app import create_app
from trellis.cli import root
from trellis.jobs import Worker
from trellis.record_id import format_id

NEW = "an entirely other phrase"


@pytest.fixture
def http(office: Office) -> FlaskClient:
    return create_app(office.runtime, default_tenant="acme").test_client()


def by_token(office: Office, login: str, *scopes: str) -> dict[str, str]:
    token = create_token(office.tenant, office.number(login), "test", scopes or ("read", "write", "setup"))
    return {"Authorization": f"Bearer {token}"}


def by_session(office: Office, http: FlaskClient, login: str) -> tuple[Any, dict[str, str]]:
    session = office.log_in(login)
    http.set_cookie(COOKIE, session.key)
    return session, {"X-CSRF-Token": session.csrf}


def test_own_sessions_and_tokens_are_listed_and_ended(office: Office, http: FlaskClient) -> None:
    session, headers = by_session(office, http, "bob")
    other = office.log_in("bob")
    listed = http.get("/api/v1/me/sessions").get_json()["sessions"]
    assert [s["current"] for s in listed].count(True) == 1 and len(listed) == 2
    assert session.key not in json.dumps(listed)
    id = next(s["id"] for s in listed if not s["current"])
    assert http.delete(f"/api/v1/me/sessions/{id}").status_code == 401, "without the token of forms"
    assert http.delete(f"/api/v1/me/sessions/{id}", headers=headers).status_code == 204
    assert session_of(office.tenant, other.key) is None
    assert http.delete(f"/api/v1/me/sessions/{id}", headers=headers).status_code == 404
    made = http.post("/api/v1/me/tokens", json={"label": "report", "scopes": ["read"]}, headers=headers)
    assert made.status_code == 201
    token = {"Authorization": f"Bearer {made.get_json()['token']}"}
    office.wait(minutes=6)
    assert http.get("/api/v1/me", headers=token).status_code == 200
    (listed_token,) = http.get("/api/v1/me/tokens").get_json()["tokens"]
    assert listed_token["label"] == "report" and listed_token["used_at"] is not None
    assert http.delete(f"/api/v1/me/tokens/{listed_token['id']}", headers=headers).status_code == 204
    assert http.get("/api/v1/me", headers=token).status_code == 401


def test_a_token_makes_no_token_and_sets_no_password(office: Office, http: FlaskClient) -> None:
    headers = by_token(office, "bob")
    assert http.post("/api/v1/me/tokens", json={"label": "x"}, headers=headers).status_code == 401
    body = {"old": PASSWORD, "new": NEW}
    assert http.post("/api/v1/me/password", json=body, headers=headers).status_code == 401
    assert office.log_in("bob")


def test_a_session_needs_a_fresh_proof_for_a_new_token(office: Office, http: FlaskClient) -> None:
    _, headers = by_session(office, http, "bob")
    office.wait(minutes=11)
    refused = http.post("/api/v1/me/tokens", json={"label": "x"}, headers=headers)
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (403, "proof_needed")


def test_password_is_changed_by_session_and_the_key_is_renewed(office: Office, http: FlaskClient) -> None:
    session, headers = by_session(office, http, "bob")
    wrong = http.post("/api/v1/me/password", json={"old": "wrong guess", "new": NEW}, headers=headers)
    assert wrong.status_code == 401
    weak = http.post("/api/v1/me/password", json={"old": PASSWORD, "new": "short"}, headers=headers)
    assert weak.get_json()["error"]["code"] == "weak_password"
    assert http.post("/api/v1/me/password", json={"old": PASSWORD, "new": NEW}, headers=headers).status_code == 204
    assert session_of(office.tenant, session.key) is None
    assert http.get("/api/v1/me").status_code == 200


def test_administrators_end_sessions_make_links_and_set_rules(office: Office, http: FlaskClient) -> None:
    ada, bob = by_token(office, "ada"), format_id("user", office.number("bob"))
    session = office.log_in("bob")
    assert len(http.get(f"/api/v1/users/{bob}/sessions", headers=ada).get_json()["sessions"]) == 1
    assert http.delete(f"/api/v1/users/{bob}/sessions", headers=ada).get_json() == {"ended": 1}
    assert session_of(office.tenant, session.key) is None
    made = http.post(f"/api/v1/users/{bob}/link", headers=ada)
    assert made.status_code == 201 and made.get_json()["path"].startswith("/password/")
    assert http.delete(f"/api/v1/users/{bob}/second-factor", headers=ada).get_json() == {"removed": False}
    changed = http.patch("/api/v1/security", json={"session_days": 3}, headers=ada).get_json()
    assert changed["session_days"] == 3 and changed["session_idle_minutes"] == 720
    refused = http.patch("/api/v1/security", json={"session_days": 300}, headers=ada)
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (422, "bad_security_setting")
    assert http.get("/api/v1/security", headers=ada).get_json()["session_days"] == 3


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/users/{bob}/sessions"),
        ("DELETE", "/users/{bob}/sessions"),
        ("DELETE", "/users/{bob}/sessions/0123456789abcdef"),
        ("GET", "/users/{bob}/tokens"),
        ("DELETE", "/users/{bob}/tokens/0123456789abcdef"),
        ("POST", "/users/{bob}/link"),
        ("DELETE", "/users/{bob}/second-factor"),
        ("GET", "/users/{bob}/holdings"),
        ("POST", "/users/{bob}/handover"),
        ("GET", "/handovers/1"),
        ("POST", "/handovers/1/undo"),
        ("GET", "/security"),
        ("PATCH", "/security"),
        ("GET", "/audit"),
        ("GET", "/audit/export"),
        ("GET", "/audit/verify"),
    ],
)
def test_nobody_else_reaches_what_is_for_administrators(
    office: Office, http: FlaskClient, method: str, path: str
) -> None:
    path = "/api/v1" + path.format(bob=format_id("user", office.number("bob")))
    body = {"json": {"acting": False}} if method == "PATCH" else {}
    for login, scopes, status in (("bob", (), 403), ("eve", (), 403), ("ada", ("read", "write"), 403)):
        answered = http.open(path, method=method, headers=by_token(office, login, *scopes), **body)
        assert answered.status_code == status, (login, answered.get_data(as_text=True))
    assert http.open(path, method=method, **body).status_code == 401


def test_somebody_elses_session_and_token_cannot_be_ended(office: Office, http: FlaskClient) -> None:
    headers = by_token(office, "eve")
    session = office.log_in("bob")
    ada, bob = by_token(office, "ada"), format_id("user", office.number("bob"))
    by_token(office, "bob")
    (found,) = http.get(f"/api/v1/users/{bob}/sessions", headers=ada).get_json()["sessions"]
    (token,) = http.get(f"/api/v1/users/{bob}/tokens", headers=ada).get_json()["tokens"]
    assert http.delete(f"/api/v1/me/sessions/{found['id']}", headers=headers).status_code == 404
    assert http.delete(f"/api/v1/me/tokens/{token['id']}", headers=headers).status_code == 404
    assert session_of(office.tenant, session.key) is not None


def test_audit_is_read_exported_and_verified(office: Office, http: FlaskClient) -> None:
    ada = by_token(office, "ada")
    for _ in range(3):
        office.log_in("bob")
    first = http.get("/api/v1/audit?kind=logged_in&limit=2", headers=ada).get_json()
    assert len(first["rows"]) == 2 and first["rows"][0]["actor"] == format_id("user", office.number("bob"))
    rest = http.get(f"/api/v1/audit?kind=logged_in&limit=2&before={first['before']}", headers=ada).get_json()
    assert len(rest["rows"]) == 1 and rest["before"] is None
    assert http.get("/api/v1/audit?kind=nope", headers=ada).status_code == 400
    assert http.get("/api/v1/audit?since=yesterday", headers=ada).status_code == 400
    assert http.get("/api/v1/audit?record=client_x", headers=ada).status_code == 400
    lines = http.get("/api/v1/audit/export?format=ndjson", headers=ada).get_data(as_text=True).splitlines()
    assert json.loads(lines[0])["kind"] == "audit_exported"
    assert http.get("/api/v1/audit/verify", headers=ada).get_json()["whole"] is True


def test_addresses_for_administrators_are_described_to_nobody_else(office: Office, http: FlaskClient) -> None:
    told = {
        login: set(http.get("/api/v1/openapi.json", headers=by_token(office, login)).get_json()["paths"])
        for login in ("ada", "bob")
    }
    assert {"/audit", "/security", "/users/{user}/link"} <= told["ada"] - told["bob"]
    assert "/me/sessions" in told["bob"]


def cli(office: Office, *args: str) -> Any:
    options = ["--home", str(office.runtime.home), "--json"]
    if office.runtime.database_url:
        options += ["--database-url", office.runtime.database_url]
    found = CliRunner().invoke(root, [*options, *args])
    return found.exit_code, json.loads(found.output or "null")


def test_command_line_resets_lists_and_verifies(office: Office) -> None:
    session = office.log_in("bob")
    code, made = cli(office, "user", "reset", "bob")
    assert code == 0 and made["path"].startswith("/password/")
    _, listed = cli(office, "user", "sessions", "bob")
    assert len(listed) == 0 or listed[0]["address"] == "192.0.2.7"
    assert cli(office, "user", "sessions", "bob", "--end", "all")[0] == 0
    assert session_of(office.tenant, session.key) is None
    assert cli(office, "user", "rules", "--set", "second_factor=administrators")[1]["second_factor"] == "administrators"
    assert cli(office, "user", "rules", "--set", "second_factor=some")[0] == 1
    assert cli(office, "user", "reset", "nobody")[0] == 3
    code, rows = cli(office, "audit", "list", "--kind", "security_changed")
    assert [r["detail"]["by"] for r in rows] == ["command line"]
    assert cli(office, "audit", "seal")[1]["sealed"] > 0
    assert cli(office, "audit", "verify")[1]["whole"] is True
    with office.tenant.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM t_audit WHERE kind = 'link_made'")
    code, verdict = cli(office, "audit", "verify")
    assert code == 1 and verdict["whole"] is False


def test_offboarding_by_api_and_command_line(office: Office, http: FlaskClient) -> None:
    from support.kernel import create, obj, publish

    publish(office.tenant, obj("client", {"name": "name", "type": "text"}))
    create(office.tenant, "client", {"name": "a"}, {"name": "b"}, principal=office.person("bob"))
    ada, bob = by_token(office, "ada"), format_id("user", office.number("bob"))
    eve = format_id("user", office.number("eve"))
    assert http.get(f"/api/v1/users/{bob}/holdings", headers=ada).get_json() == {"objects": {"client": 2}}
    refused = http.post(f"/api/v1/users/{bob}/handover", json={}, headers=ada)
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (422, "bad_handover")
    body = {"default": {"to": "person", "value": eve}}
    made = http.post(f"/api/v1/users/{bob}/handover", json=body, headers=ada)
    assert made.status_code == 201 and made.get_json()["state"] == "waiting"
    Worker(office.tenant).run_until_idle()
    number = made.get_json()["id"]
    assert http.get(f"/api/v1/handovers/{number}", headers=ada).get_json()["given"] == {"client": 2}
    assert http.post(f"/api/v1/handovers/{number}/undo", headers=ada).get_json()["state"] == "undoing"
    Worker(office.tenant).run_until_idle()
    assert http.get(f"/api/v1/handovers/{number}", headers=ada).get_json()["state"] == "undone"
    assert cli(office, "user", "offboard", "bob")[0] == 1
    code, done = cli(office, "user", "offboard", "bob", "--object", "client=ada")
    assert code == 0 and done["total"] == 2
    assert cli(office, "user", "offboard-undo", "999")[0] == 1

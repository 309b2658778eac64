"""What a hostile client sends and a hostile administrator names, at every door: markup, SQL, paths, headers, extra fields."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from support.app import World
from support.copies import OpenHome
from support.kernel import create, obj

from trellis.access.accounts import create_user, log_in
from trellis.api.context import COOKIE
from trellis.app import create_app
from trellis.fields import field_types
from trellis.record_id import format_id
from trellis.runtime import Runtime

MARKUP = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>"
SQL = [
    "'; DROP TABLE t_audit; --",
    '" OR "1"="1',
    "1) UNION SELECT password_hash FROM t_credential --",
    "%' ESCAPE '",
    "\\'; --",
    "a\x00b",
    "id; SELECT 1",
]
PASSWORD = "correct horse battery"
LABEL = {"en": MARKUP, "zh": MARKUP}


def hostile_object() -> dict[str, Any]:
    """An object all of whose labels, options and help texts are markup, with a field of every type that needs no target."""
    more: dict[str, dict[str, Any]] = {
        "picklist": {"options": [{"name": "a", "label": LABEL}]},
        "multi_picklist": {"options": [{"name": "a", "label": LABEL}]},
        "auto_number": {"format": "A-{0000}"},
        "formula": {"returns": "text", "formula": "name"},
        "lookup": {"target": "victim", "relationship": "children"},
    }
    left_out = {"rollup", "stage", "master_detail"}
    fields = [
        {"name": f"f_{kind}", "type": kind, "label": LABEL, "help": LABEL, **more.get(kind, {})}
        for kind in sorted(field_types())
        if kind not in left_out
    ]
    return obj(
        "victim",
        {"name": "name", "type": "text", "label": LABEL},
        *fields,
        label=LABEL,
        plural=LABEL,
        description=LABEL,
        sharing={"default": "edit"},
        features={"search": ["name"]},
    )


def _build(runtime: Runtime) -> str:
    tenant = runtime.create_tenant("acme", settings={"organisation": MARKUP})
    create_user(tenant, login="ada", name=MARKUP, password=PASSWORD, admin=True, title=MARKUP)
    documents = [
        hostile_object(),
        {
            "kind": "list_view",
            "name": "hostile",
            "label": LABEL,
            "object": "victim",
            "columns": ["name"],
            "shared": True,
        },
        {"kind": "app", "name": "hostile", "label": LABEL, "items": [{"object": "victim"}]},
        {"kind": "permission_set", "name": "hostile", "label": LABEL, "objects": []},
        {"kind": "group", "name": "hostile", "label": LABEL},
    ]
    tenant.publisher.apply(tenant.publisher.plan_documents(documents))
    text = {
        "f_text": MARKUP,
        "f_long_text": MARKUP,
        "f_rich_text": MARKUP,
        "f_tags": [MARKUP[:40]],
        "f_json": {"a": MARKUP},
    }
    (made,) = create(tenant, "victim", {"name": MARKUP, **text})
    return format_id("victim", made)


@pytest.fixture
def hostile(open_home: OpenHome) -> tuple[FlaskClient, str, Any]:
    runtime, record = open_home("security.hostile", _build)
    tenant = runtime.tenant("acme")
    browser = create_app(runtime, default_tenant="acme").test_client()
    browser.set_cookie(COOKIE, log_in(tenant, "ada", PASSWORD).key)
    return browser, record, tenant


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_markup_in_any_label_or_value_stays_text_on_every_page(hostile: tuple[FlaskClient, str, Any]) -> None:
    browser, record, _ = hostile
    pages = ["/", "/o/victim", "/o/victim/new", f"/o/victim/{record}", f"/o/victim/{record}/edit", f"/o/victim/{record}/history", "/o/victim/import",
             "/search?q=script", "/bin", "/me", "/me/security", "/notifications", "/setup/objects", "/setup/objects/victim", "/setup/people", "/setup/security",
             "/setup/audit", "/o/user", f"/search?q={'%22%3E%3Cscript%3Ealert(1)%3C/script%3E'}", "/o/victim?q=%3Cscript%3Ealert(3)%3C/script%3E"]  # fmt: skip
    shown = 0
    for path in pages:
        answered = browser.get(path)
        assert answered.status_code < 500, path
        assert "<script>alert" not in answered.text and "<img src=x" not in answered.text, path
        assert "script-src 'self' 'nonce-" in answered.headers["Content-Security-Policy"], path
        shown += "&lt;script&gt;alert" in answered.text
    assert shown >= 12


@pytest.mark.parametrize("text", SQL)
def test_sql_in_values_and_identifiers_is_a_value_or_refused(world: World, text: str) -> None:
    world.bob.create("account", name="Plain")
    before = world.rows("t_credential"), world.rows("t_audit")
    asked: list[tuple[str, dict[str, Any]]] = [
        ("filter", {"filter": {"field": "name", "op": op, "value": text}})
        for op in ("=", "contains", "starts", "in", "<")
    ]
    asked += [
        ("filter field", {"filter": {"field": text, "op": "=", "value": "x"}}),
        ("op", {"filter": {"field": "name", "op": text, "value": "x"}}),
    ]
    asked += [
        ("fields", {"fields": [text]}),
        ("fields", {"fields": ["name", f"parent.{text}"]}),
        ("sort", {"sort": [text]}),
        ("sort", {"sort": [f"-{text}"]}),
    ]
    asked += [
        ("group", {"group_by": [text]}),
        ("aggregate", {"aggregates": [{"function": "sum", "field": text}]}),
        ("function", {"aggregates": [{"function": text, "field": "staff"}]}),
    ]
    asked += [
        ("search", {"search": text}),
        ("formula", {"filter": {"formula": text}}),
        ("formula", {"filter": {"formula": f'name = "{text}"'}}),
        ("cursor", {"cursor": text}),
    ]
    asked += [("children", {"children": {text: {}}}), ("limit", {"limit": text})]
    for what, body in asked:
        answered = world.bob.post("/records/account/query", body)
        assert answered.status_code in (200, 400, 404, 422), (what, answered.get_data(as_text=True))
        assert "syntax" not in answered.get_data(as_text=True).lower() or what in ("formula", "op"), what
        assert "password_hash" not in answered.get_data(as_text=True) or text in str(body)
        if answered.status_code == 200:
            assert answered.get_json()["records"] == [] or what in ("filter", "sort"), (what, body)
    made = world.bob.create("account", name=text.replace("\x00", ""))
    assert world.bob.get(f"/records/account/{made['id']}").get_json()["name"] == text.replace("\x00", "")
    for path in (
        f"/records/{text}",
        f"/objects/{text}",
        f"/records/account/{text}",
        f"/records/account/external/erp/{text}",
    ):
        assert world.bob.get(path.replace("\x00", "%00")).status_code in (400, 404), path
    for document in (
        obj(text),
        obj("fine", {"name": text, "type": "text"}),
        obj("fine", {"name": "a", "type": text}),
        {"kind": text, "name": "x"},
    ):
        assert world.ada.post("/metadata/apply", {"documents": [document]}).status_code in (400, 422)
    assert (world.rows("t_credential"), world.rows("t_audit")) == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_fields_that_nobody_may_set_are_refused_by_name(world: World) -> None:
    """Mass assignment: no body sets stamps, versions, ids, computed fields, or what belongs to an account."""
    one = world.bob.create("account", name="Mine")
    for extra in (
        {"id": one["id"]},
        {"created_by": "x"},
        {"created_at": "2020-01-01T00:00:00Z"},
        {"deleted_at": None},
        {"number": "A-9"},
        {"admin": True},
        {"password_hash": "x"},
        {"__class__": "x"},
        {"version": 99},
    ):
        answered = world.bob.post("/records/account", {"name": "x", **extra})
        assert answered.status_code in (400, 422), extra
    me = format_id("user", world.bob.user)
    for change in ({"active": False}, {"name": "Root"}, {"admin": True}, {"login": "ada"}):
        assert world.bob.patch(f"/records/user/{me}", change).status_code in (403, 404, 422), change
    tokens = world.bob.post("/me/tokens", {"label": "x", "user": "ada", "scopes": ["setup"]})
    assert tokens.status_code in (400, 401)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_host_header_is_in_no_answer_and_can_be_held_to_known_names(
    open_home: OpenHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime, _ = open_home("security.hostile", _build)
    open_app = create_app(runtime, default_tenant="acme").test_client()
    hosts = ("evil.example.com", "evil.example.com:80", "acme.test@evil.example.com")
    for host in hosts:
        for path in ("/login", "/login/forgotten", "/", "/api/v1/openapi.json", "/nothing"):
            answered = open_app.get(path, headers={"Host": host})
            assert "evil.example.com" not in answered.text + str(answered.headers), path
    monkeypatch.setenv("TRELLIS_HOSTS", "crm.example.com,.corp.example.com")
    held = create_app(runtime, default_tenant="acme").test_client()
    for host in hosts:
        assert held.get("/login", headers={"Host": host}).status_code == 400
    for good in ("crm.example.com", "a.corp.example.com"):
        assert held.get("/login", headers={"Host": good}).status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..\\..\\boot.ini",
        "/etc/passwd",
        "a\x00.txt",
        "....//x",
        "%2e%2e%2fx",
        "CON",
        "a\r\nSet-Cookie: x=1",
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_name_of_a_file_becomes_a_path_or_a_header(world: World, name: str) -> None:
    sent = world.bob.call("POST", "/files", query_string={"name": name}, data=b"x", content_type="text/plain")
    assert sent.status_code in (201, 400, 422)
    folder = world.tenant.files
    assert all(folder in p.parents for p in folder.rglob("*"))
    if sent.status_code == 201:
        got = world.bob.get(f"/files/{sent.get_json()['id']}")
        assert got.get_data() == b"x" and "Set-Cookie" not in got.headers
        assert "/" not in got.headers["Content-Disposition"].split("filename=")[1].split(";")[0]
    for path in ("/files/../../keys/demo.key", "/files/..%2f..%2fkeys%2fdemo.key", f"/files/{name.encode().hex()}"):
        assert world.bob.get(path).status_code in (400, 404), path


def test_every_address_for_people_asks_for_a_log_in(hostile: tuple[FlaskClient, str, Any]) -> None:
    """No page without a person, but those that let him in; found from the routes, so that none is forgotten."""
    browser, record, _ = hostile
    app = browser.application
    open_to_all = {
        "login",
        "log_in",
        "log_out",
        "preferences",
        "asset",
        "manifest",
        "app_icon",
        "choose_password",
        "sign_on",
        "sign_on_back",
    }
    open_to_all |= {f"log_in_{step}" for step in ("code", "enrol", "password", "forgotten")}
    stranger: Callable[..., Any] = app.test_client().get
    asked, known = 0, {"name": "victim", "record": record}
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith("trellis_admin.") or "GET" not in (rule.methods or ()):
            continue
        name = rule.endpoint.partition(".")[2]
        if name in open_to_all:
            continue
        path = re.sub(
            r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>", lambda m: "1" if m[1] == "int" else known.get(m[2], "x"), str(rule)
        )
        answered = stranger(path)
        assert answered.status_code in (303, 401, 404, 405, 410) and (
            answered.status_code != 303 or answered.location.startswith("/login")
        ), path
        asked += 1
    assert asked >= 40

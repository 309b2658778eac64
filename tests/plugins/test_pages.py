"""The setup pages of mail, connections and deliveries: what they show, keep and refuse; in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from support.http_servers import http_server
from support.kernel import create, publish, table

from trellis import deliveries, plugin_settings
from trellis.access.accounts import create_user, log_in
from trellis.app import create_app
from trellis.channels import PREFERENCE
from trellis.deliveries import Outgoing
from trellis.jobs import Worker
from trellis.plugin_settings import change_settings, values_of
from trellis.preferences import preferences_of
from trellis.runtime import Runtime
from trellis.secrets import secret_names
from trellis.storage.tables.outgoing import delivery
from trellis.tenant import Tenant
from trellis_admin.session import COOKIE
from trellis_plugins.scripts.banner import shown
from trellis_plugins.scripts.host.sandbox import Sandbox
from trellis_plugins.scripts.host.walls import Walls

PASSWORD = "correct horse battery"
DEAL: dict[str, Any] = {"kind": "object", "name": "deal", "label": "Deal", "fields": [{"name": "name", "type": "text"}]}
ERP: dict[str, Any] = {
    "kind": "connection",
    "name": "erp",
    "label": {"en": "The ERP", "zh": "ERP 系统"},
    "url": "https://erp.example.com",
    "signing_secret": "erp.signing",
}
HOOK: dict[str, Any] = {
    "kind": "webhook",
    "name": "deals_out",
    "object": "deal",
    "events": ["created"],
    "connection": "erp",
    "fields": ["name"],
}


def _build(tenant: Tenant) -> None:
    publish(tenant, DEAL, ERP, HOOK)
    create_user(tenant, login="boss", name="Boss", password=PASSWORD, admin=True, email="boss@example.com")
    create_user(tenant, login="ann", name="Ann", password=PASSWORD)


@pytest.fixture
def office(open_copy: Any) -> Tenant:
    return open_copy("plugin_pages", _build)


@pytest.fixture
def open_as(office: Tenant) -> Iterator[Any]:
    runtime = Runtime(office.files.parent.parent, database_url=office.database.url.render_as_string(False))
    app = create_app(runtime, default_tenant="acme")
    app.config["TRELLIS_CSRF"] = False

    def client(login: str, language: str = "en") -> FlaskClient:
        made = app.test_client()
        made.set_cookie(COOKIE, log_in(office, login, PASSWORD).key)
        made.set_cookie("lang", language)
        return made

    yield client
    runtime.close()


PAGES = (
    "/setup/settings",
    "/setup/settings/mail",
    "/setup/settings/incoming_mail",
    "/setup/settings/chat",
    "/setup/settings/bucket",
    "/setup/connections",
    "/setup/deliveries",
    "/setup/deliveries/1",
)


def put(tenant: Tenant, **more: Any) -> int:
    payload = {"to": [{"name": "", "address": "x@example.com"}], "subject": "s", "text": "<script>alert(1)</script>"}
    with tenant.database.writing() as connection:
        message = Outgoing("mail", "x@example.com", "An <offer>", payload, **more)
        return deliveries.send(connection, tenant.clock.now(), message)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_opens_for_an_administrator_and_for_nobody_else(office: Tenant, open_as: Any, language: str) -> None:
    (deal,) = create(office, "deal", {"name": "A"})
    put(office, about=("deal", deal))
    boss, ann = open_as("boss", language), open_as("ann", language)
    for page in PAGES:
        answer = boss.get(page)
        assert answer.status_code == 200, page
        assert "<script>alert" not in answer.text and ("邮件与连接" in answer.text) == (language == "zh"), page
        assert ann.get(page).status_code == 403, page
    for address in (
        "/setup/settings/mail",
        "/setup/settings/mail/test",
        "/setup/connections/secrets",
        "/setup/deliveries/1/resend",
    ):
        assert ann.post(address, data={"host": "evil"}).status_code == 403, address
    assert values_of(office, "mail")["host"] == ""
    assert boss.get("/setup/settings/nothing").status_code == 404
    assert boss.get("/setup/deliveries/999").status_code == 404


def test_settings_are_kept_and_the_password_is_shown_to_nobody(office: Tenant, open_as: Any) -> None:
    boss = open_as("boss")
    form = {
        "host": "smtp.example.com",
        "port": "465",
        "security": "tls",
        "sender": "a@example.com",
        "password": "geheim",
    }
    assert boss.post("/setup/settings/mail", data=form).status_code == 303
    page = boss.get("/setup/settings/mail").text
    assert 'value="smtp.example.com"' in page and "Given. Type to replace it." in page and "geheim" not in page
    boss.post("/setup/settings/mail", data={**form, "password": "", "host": "smtp2.example.com"})
    with office.database.reading() as connection:
        assert plugin_settings.secrets_given(connection, "mail") == {"password"}
    boss.post("/setup/settings/mail", data={**form, "password": "", "forget_password": "true"})
    with office.database.reading() as connection:
        assert plugin_settings.secrets_given(connection, "mail") == set()


def test_settings_that_do_not_fit_are_shown_again_with_what_was_typed(office: Tenant, open_as: Any) -> None:
    answer = open_as("boss", "zh").post(
        "/setup/settings/mail", data={"host": "h", "port": "x1", "sender": "nobody", "security": "tls"}
    )
    assert answer.status_code == 422
    assert 'value="nobody"' in answer.text and "应为 1 到 65535 之间的整数。" in answer.text
    assert 'aria-invalid="true"' in answer.text and values_of(office, "mail")["host"] == ""


def test_test_button_tells_what_came_of_it(office: Tenant, open_as: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    boss = open_as("boss")
    assert "Mail is not set up" in boss.post("/setup/settings/mail/test").text
    monkeypatch.setenv("TRELLIS_INTERNAL_NETWORKS", "127.0.0.0/8")
    with http_server() as server:
        change_settings(office, "chat", {"active": True, "format": "generic", "url": server.url})
        assert "It works." in boss.post("/setup/settings/chat/test").text
        assert len(server.requests) == 1


def test_secret_of_a_connection_is_given_replaced_and_forgotten(office: Tenant, open_as: Any) -> None:
    boss = open_as("boss")
    page = boss.get("/setup/connections").text
    assert "The ERP" in page and "deals_out" in page and 'placeholder="Missing"' in page
    assert boss.post("/setup/connections/secrets", data={"name": "erp.signing", "secret": ""}).status_code == 422
    assert boss.post("/setup/connections/secrets", data={"name": "mail.password", "secret": "x"}).status_code == 404
    boss.post("/setup/connections/secrets", data={"name": "erp.signing", "secret": "geheim"})
    page = boss.get("/setup/connections").text
    assert "Given. Type to replace it." in page and "geheim" not in page
    boss.post("/setup/connections/secrets", data={"name": "erp.signing", "forget": "1"})
    with office.database.reading() as connection:
        assert secret_names(connection) == []


def test_delivery_can_be_found_by_state_and_sent_again(office: Tenant, open_as: Any) -> None:
    boss, number = open_as("boss"), put(office)
    with office.database.writing() as connection:
        connection.execute(delivery.update().values(state="failed", note="550 no"))
    assert "An &lt;offer&gt;" in boss.get("/setup/deliveries?state=failed").text
    assert "An &lt;offer&gt;" not in boss.get("/setup/deliveries?state=sent&carrier=mail").text
    assert "550 no" in boss.get(f"/setup/deliveries/{number}").text
    assert boss.post(f"/setup/deliveries/{number}/resend").status_code == 303
    assert [d["state"] for d in table(office, delivery)] == ["waiting"]
    Worker(office).run_until_idle()
    assert "Mail is not set up" in str(table(office, delivery)[0]["note"])


def test_person_chooses_among_the_channels_that_are_set_up(office: Tenant, open_as: Any) -> None:
    ann = open_as("ann")
    assert "/me/channels" not in ann.get("/me").text
    change_settings(office, "mail", {"host": "h.example.com", "sender": "a@example.com"})
    assert 'name="channel" value="mail"' in ann.get("/me").text
    ann.post("/me/channels", data={"channel": ["mail", "chat", "pigeon"]})
    user = next(r for r in table(office, office.model().object("user").table) if "Ann" in r.values())["id"]
    with office.database.reading() as connection:
        assert preferences_of(connection, user)[PREFERENCE] == "mail"
    assert 'value="mail" checked' in ann.get("/me").text
    ann.post("/me/channels")
    with office.database.reading() as connection:
        assert PREFERENCE not in preferences_of(connection, user)


@pytest.mark.parametrize(("production", "told"), [(False, "without all walls"), (True, "do not run")])
def test_banner_names_the_walls_that_are_missing(production: bool, told: str) -> None:
    sandbox = Sandbox(production=production, spares=0)
    object.__setattr__(sandbox, "offered", Walls(0, True, True))
    assert told in str(shown(sandbox, "en")) and "Landlock" in str(shown(sandbox, "en"))
    assert "沙箱" in str(shown(sandbox, "zh"))
    object.__setattr__(sandbox, "offered", Walls(1, True, True))
    assert shown(sandbox, "en") is None

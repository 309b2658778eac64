"""The commands of secrets, settings, deliveries, mail and templates."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.kernel import create, publish, table
from support.mail_servers import smtp_server

from trellis import deliveries
from trellis.cli import root
from trellis.deliveries import Outgoing
from trellis.plugin_settings import values_of
from trellis.storage.tables.outgoing import delivery, secret
from trellis.tenant import Tenant

DEAL: dict[str, Any] = {"kind": "object", "name": "deal", "label": "Deal", "fields": [{"name": "name", "type": "text"}]}
TEXT: dict[str, Any] = {
    "kind": "template",
    "name": "hello",
    "object": "deal",
    "use": "mail",
    "texts": {"en": {"subject": "About {!name}", "body": "<p>Dear <b>{!name}</b></p>"}},
}
Cli = Callable[..., Result]


@pytest.fixture
def shop(open_copy: Any) -> Tenant:
    return open_copy("plugin_commands", lambda tenant: publish(tenant, DEAL, TEXT))


@pytest.fixture
def cli(shop: Tenant) -> Cli:
    options = ["--home", str(shop.files.parent.parent)]
    if not shop.database.is_sqlite:
        options += ["--database-url", shop.database.url.render_as_string(False)]

    def run(*args: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(root, [*options, *args], input=typed)

    return run


def said(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_secret_goes_in_by_standard_input_and_never_comes_out(shop: Tenant, cli: Cli) -> None:
    assert cli("secret", "set", "erp.token", typed="geheim\n").exit_code == 0
    listed = cli("secret", "list", "--json")
    assert said(listed) == ["erp.token"] and "geheim" not in listed.output
    assert "geheim" not in str(table(shop, secret))
    assert said(cli("secret", "remove", "erp.token", "--json")) == {"removed": True}
    assert said(cli("secret", "remove", "erp.token", "--json")) == {"removed": False}
    assert cli("secret", "set", "erp.token", typed="\n").exit_code == 1


def test_settings_are_shown_changed_and_judged(shop: Tenant, cli: Cli) -> None:
    done = cli(
        "settings", "set", "mail", "host=smtp.example.com", "port=2525", "sender=a@example.com", "password=geheim"
    )
    assert done.exit_code == 0, done.output
    shown = said(cli("settings", "show", "mail", "--json"))["mail"]
    assert (shown["host"], shown["port"], shown["password"]) == ("smtp.example.com", 2525, "(given)")
    assert {"mail", "incoming_mail", "chat", "bucket"} <= set(said(cli("settings", "show", "--json")))
    wrong = cli("settings", "set", "mail", "port=99999", "--json")
    assert wrong.exit_code == 1 and "65535" in wrong.stdout
    assert cli("settings", "set", "mail", "prot=1").exit_code == 3
    assert cli("settings", "show", "fax").exit_code == 3
    assert cli("settings", "set", "mail", "port").exit_code == 2
    assert cli("settings", "set", "mail", "port=", "password=").exit_code == 0
    shown = said(cli("settings", "show", "mail", "--json"))["mail"]
    assert (shown["port"], shown["password"]) == (587, None)


def test_deliveries_are_listed_shown_sent_again_and_pruned(shop: Tenant, cli: Cli) -> None:
    with shop.database.writing() as connection:
        message = Outgoing("mail", "x@example.com", "Hi", {"to": [], "subject": "s", "text": "t"})
        number = deliveries.send(connection, shop.clock.now(), message)
        connection.execute(delivery.update().values(state="failed", note="550 no", attempts=1))
    assert [d["id"] for d in said(cli("delivery", "list", "--state", "failed", "--json"))] == [number]
    assert said(cli("delivery", "list", "--carrier", "webhook", "--json")) == []
    assert "550 no" in cli("delivery", "list").stdout
    assert said(cli("delivery", "show", str(number), "--json"))["payload"]["subject"] == "s"
    assert cli("delivery", "resend", str(number)).exit_code == 0
    assert [d["state"] for d in table(shop, delivery)] == ["waiting"]
    assert cli("delivery", "show", "999").exit_code == 3 and cli("delivery", "resend", "999").exit_code == 3
    assert said(cli("delivery", "prune", "--json")) == {"removed": 0}


def test_test_mail_is_sent_at_once(shop: Tenant, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRELLIS_INTERNAL_NETWORKS", "127.0.0.0/8")
    assert cli("mail", "test", "a@example.com").exit_code == 1
    with smtp_server() as server:
        cli("settings", "set", "mail", "host=127.0.0.1", f"port={server.port}", "security=none", "sender=c@example.com")
        assert cli("mail", "test", "a@example.com").exit_code == 0
        assert [e.rcpt_tos for e in server.envelopes] == [["a@example.com"]]
    assert values_of(shop, "mail")["host"] in ("", "127.0.0.1") and cli("mail", "fetch").exit_code == 1


def test_template_is_previewed_published_or_not(shop: Tenant, cli: Cli, tmp_path: Path) -> None:
    (deal,) = create(shop, "deal", {"name": "<A>"})
    number = shop.model().env.format_id("deal", deal)
    assert "About <A>" in cli("template", "preview", "hello", number).stdout
    found = said(cli("template", "preview", "hello", number, "--json"))
    assert found["html"] == "<p>Dear <b>&lt;A&gt;</b></p>" and found["text"] == "Dear <A>\n"
    draft = {**TEXT, "texts": {"en": {"subject": "Draft {!name}", "body": "<p>x</p>"}}}
    (tmp_path / "draft.json").write_text(json.dumps(draft))
    assert "Draft <A>" in cli("template", "preview", str(tmp_path / "draft.json"), number).stdout
    (tmp_path / "draft.json").write_text(json.dumps({**draft, "object": "nothing"}))
    assert cli("template", "preview", str(tmp_path / "draft.json"), number).exit_code == 1
    assert cli("template", "preview", "nothing", number).exit_code == 1

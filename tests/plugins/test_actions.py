"""What automation does through plug-ins: mails from templates, documents, calls whose answer later steps use."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.http_servers import HttpServer, Reply, http_server
from support.kernel import create, publish, rows, table, write
from support.mail_servers import SmtpServer, smtp_server

from trellis.access.accounts import create_user
from trellis.access.principal import SYSTEM
from trellis.jobs import Worker
from trellis.plugin_settings import change_settings
from trellis.publishing.errors import InvalidMetadata
from trellis.storage import system
from trellis.storage.tables.automation import run as runs
from trellis.storage.tables.outgoing import delivery
from trellis.tenant import Tenant
from trellis_plugins.documents.pdf import NoPdf, _library

try:
    _library()
    PDF = True
except NoPdf:
    PDF = False

OFFER: dict[str, Any] = {
    "kind": "object",
    "name": "offer",
    "label": "Offer",
    "fields": [
        {"name": "name", "type": "text"},
        {"name": "email", "type": "email"},
        {"name": "amount", "type": "number", "scale": 2},
        {"name": "status", "type": "picklist", "options": [{"name": "sent", "label": {"en": "Sent", "zh": "已发送"}}]},
        {"name": "due", "type": "date"},
        {"name": "reply", "type": "text"},
        {"name": "pdf", "type": "file"},
    ],
}
TEXT = (
    '<p style="color:#333">Dear {!name},</p><p>{!amount} until {!due}: {!status} '
    '<a href="{!"https://example.com/" & name}">open</a></p>'
)
MAIL: dict[str, Any] = {
    "kind": "template",
    "name": "offer_mail",
    "object": "offer",
    "use": "mail",
    "texts": {
        "en": {"subject": "Offer {!name}", "body": TEXT},
        "zh": {"subject": "报价 {!name}", "body": "<p>{!name}：{!amount}，{!due}，{!status}</p>"},
    },
}
PAPER: dict[str, Any] = {
    "kind": "template",
    "name": "offer_paper",
    "object": "offer",
    "use": "document",
    "css": "h1 { color: #123456 }",
    "page": "A5",
    "landscape": True,
    "texts": {"en": {"subject": "Offer {!name}", "body": "<h1>Offer {!name}</h1><p>报价 {!amount}</p>"}},
}
ERP: dict[str, Any] = {"kind": "connection", "name": "erp", "url": "http://127.0.0.1:1"}
VALUES = {
    "name": "<b>李</b> & Co",
    "email": "li@example.com",
    "amount": "1234567.5",
    "status": "sent",
    "due": "2026-03-05",
}


def automation(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "kind": "automation",
        "name": "on_offer",
        "object": "offer",
        "triggers": [{"on": "created"}],
        "steps": list(steps),
        **more,
    }


def step(name: str, action: str, **told: Any) -> dict[str, Any]:
    return {"name": name, "action": action, "with": told}


@pytest.fixture(autouse=True)
def reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRELLIS_INTERNAL_NETWORKS", "127.0.0.0/8")


@pytest.fixture
def shop(open_copy: Any) -> Tenant:
    return open_copy("plugin_actions", lambda tenant: publish(tenant, OFFER, MAIL, PAPER, ERP))


@pytest.fixture
def smtp(shop: Tenant) -> Iterator[SmtpServer]:
    with smtp_server() as server:
        own = {"host": "127.0.0.1", "port": server.port, "security": "none", "sender": "crm@example.com"}
        change_settings(shop, "mail", own)
        yield server


@pytest.fixture
def server(shop: Tenant) -> Iterator[HttpServer]:
    with http_server() as found:
        publish(shop, {**ERP, "url": found.url})
        yield found


def work(tenant: Tenant) -> None:
    for _ in range(3):
        with tenant.database.writing() as connection:
            connection.execute(
                system.outbox.update().where(system.outbox.c.topic == "deliver").values(due_at=tenant.clock.now())
            )
        Worker(tenant).run_until_idle()


# -- send_mail ---------------------------------------------------------------------------------------------------------


def test_mail_from_a_template_has_values_as_people_write_them_and_escaped(shop: Tenant, smtp: SmtpServer) -> None:
    publish(shop, automation(step("tell", "send_mail", template="offer_mail", to_field="email")))
    create(shop, "offer", VALUES)
    work(shop)
    (mail,) = smtp.mails
    assert (str(mail["To"]), mail["Subject"]) == ("li@example.com", "Offer <b>李</b> & Co")
    rich, plain = (mail.get_body((kind,)) for kind in ("html", "plain"))
    assert rich is not None and plain is not None
    html = rich.get_content()
    assert "Dear &lt;b&gt;李&lt;/b&gt; &amp; Co," in html and "<b>" not in html
    assert "1,234,567.5 until March 5, 2026: Sent" in html and 'style="color:#333"' in html
    assert "Dear <b>李</b> & Co," in plain.get_content() and "open (https://example.com/" in plain.get_content()
    (row,) = table(shop, delivery)
    assert (row["object"], row["target"], row["state"]) == ("offer", "li@example.com", "sent")


def test_people_get_the_mail_in_their_language_and_others_in_the_one_that_is_named(
    shop: Tenant, smtp: SmtpServer
) -> None:
    create_user(shop, login="fang", name="王芳", email="fang@example.com", language="zh")
    told = {"template": "offer_mail", "to": [{"users": ["fang"]}], "address": '"x@" & "example.com"', "language": "en"}
    publish(shop, automation(step("tell", "send_mail", **told)))
    create(shop, "offer", VALUES)
    work(shop)
    assert sorted((str(m["To"]), m["Subject"]) for m in smtp.mails) == [
        ("x@example.com", "Offer <b>李</b> & Co"),
        ("王芳 <fang@example.com>", "报价 <b>李</b> & Co"),
    ]
    chinese = next(m for m in smtp.mails if m["Subject"].startswith("报价")).get_body(("html",))
    assert chinese is not None and "1,234,567.5，2026年3月5日，已发送" in chinese.get_content()


def test_record_without_an_address_fails_its_own_run_only(shop: Tenant, smtp: SmtpServer) -> None:
    told = {"template": "offer_mail", "to_field": "email"}
    publish(shop, automation(step("tell", "send_mail", **told), on_error="isolate"))
    create(shop, "offer", VALUES, {**VALUES, "email": None})
    work(shop)
    assert len(smtp.envelopes) == 1
    failed = [r for r in table(shop, runs) if r["state"] == "failed"]
    assert [r["message"] for r in failed] == ["Step 'tell': Nobody is there to whom the mail could go."]


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"template": "nothing", "to_field": "email"}, "unknown_reference"),
        ({"template": "offer_paper", "to_field": "email"}, "wrong_template"),
        ({"template": "offer_mail"}, "no_recipient"),
        ({"template": "offer_mail", "to_field": "name"}, "wrong_field_type"),
        ({"template": "offer_mail", "address": "amount"}, "type"),
        ({"template": "offer_mail", "to_field": "email", "attach": "name"}, "wrong_field_type"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_step_that_cannot_send_is_refused_when_it_is_published(shop: Tenant, told: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidMetadata) as caught:
        publish(shop, automation(step("tell", "send_mail", **told)))
    assert caught.value.diagnostics and (code == "type" or code in [d.code for d in caught.value.diagnostics])


# -- templates ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "<p onclick='x()'>a</p>",
        "<a href='javascript:x'>a</a>",
        "<img src='file:///etc/passwd'>",
        "<style>p{}</style>",
        "<form><input></form>",
        "<p style='position:fixed'>a</p>",
        "<p style='background-color:url(x)'>a</p>",
        "<p style='color:{!name}'>a</p>",
        "<!-- {!name} -->",
        "<!doctype html><p>a</p>",
        "<iframe src='https://x'></iframe>",
        "<a href='https://x' target='_top'>a</a>",
    ],
)
def test_markup_that_a_mail_may_not_have_is_refused_when_it_is_published(shop: Tenant, body: str) -> None:
    with pytest.raises(InvalidMetadata) as caught:
        publish(shop, {**MAIL, "texts": {"en": {"subject": "s", "body": body}}})
    assert {d.code for d in caught.value.diagnostics} == {"bad_markup"}


@pytest.mark.parametrize(
    ("key", "text", "code"),
    [
        ("body", "<p>{!nothing}</p>", "unknown_name"),
        ("subject", "{!name", "syntax"),
        ("body", "<p>{!LEFT(name)}</p>", ""),
        ("body", "<p>{!owner}</p>", "template_reference"),
    ],
)
def test_formula_of_a_template_that_cannot_be_computed_is_refused(shop: Tenant, key: str, text: str, code: str) -> None:
    wrong = {**MAIL["texts"]["en"], key: text}
    with pytest.raises(InvalidMetadata) as caught:
        publish(shop, {**MAIL, "texts": {"en": wrong}})
    (found,) = caught.value.diagnostics
    assert found.pointer == f"/texts/en/{key}" and (not code or found.code == code)


@pytest.mark.parametrize("css", ["p { background: url(x) }", "@import 'x'", "</style><script>", "p { a: \\75rl(x) }"])
def test_style_sheet_that_could_fetch_is_refused(shop: Tenant, css: str) -> None:
    with pytest.raises(InvalidMetadata) as caught:
        publish(shop, {**PAPER, "css": css})
    assert {d.code for d in caught.value.diagnostics} == {"bad_css"}


def test_mail_has_no_paper(shop: Tenant) -> None:
    with pytest.raises(InvalidMetadata) as caught:
        publish(shop, {**MAIL, "page": "A5", "css": "p {}", "landscape": True})
    assert [d.pointer for d in caught.value.diagnostics] == ["/css", "/page", "/landscape"]


def test_value_becomes_no_markup_and_no_address_that_runs(shop: Tenant) -> None:
    from trellis.rules.reader import Onlooker
    from trellis.templates.rendering import preview

    (offer,) = create(shop, "offer", {**VALUES, "name": 'javascript:alert(1)//"><img src=x onerror=y>'})
    body = '<a href="{!name}" title="{!name}">{!name}</a>'
    with shop.database.reading() as connection:
        reader = Onlooker(shop, connection, shop.model(), SYSTEM, shop.clock.now())
        document = {**MAIL, "texts": {"en": {"subject": "s", "body": body}}}
        found = preview(reader, document, offer, "en")
    assert "<img" not in found.html and "href" not in found.html and found.html.count("<a ") == 1
    assert "onerror" in found.text  # as the text that it is


# -- generate_document -------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not PDF, reason="WeasyPrint or Pango is not installed")
def test_document_is_made_after_the_commit_and_sent_when_it_is_there(
    shop: Tenant, smtp: SmtpServer, tmp_path: Path
) -> None:
    make = automation(step("paper", "generate_document", template="offer_paper", field="pdf"))
    told = {"template": "offer_mail", "to_field": "email", "attach": "pdf"}
    send = automation(step("tell", "send_mail", **told), name="on_pdf", triggers=[{"on": "changed", "field": "pdf"}])
    publish(shop, make, send)
    create(shop, "offer", {**VALUES, "name": "李 A"})
    work(shop)
    (stored,) = table(shop, system.file)
    assert (stored["name"], stored["media_type"]) == ("Offer 李 A.pdf", "application/pdf")
    (attached,) = smtp.mails[0].iter_attachments()
    content = attached.get_payload(decode=True)
    assert isinstance(content, bytes) and content.startswith(b"%PDF") and attached.get_filename() == "Offer 李 A.pdf"
    if shutil.which("pdftotext"):
        (tmp_path / "a.pdf").write_bytes(content)
        told_text = subprocess.run(["pdftotext", str(tmp_path / "a.pdf"), "-"], capture_output=True, text=True).stdout
        assert "Offer 李 A" in told_text and "报价 1,234,567.5" in told_text
        size = subprocess.run(["pdfinfo", str(tmp_path / "a.pdf")], capture_output=True, text=True).stdout
        assert "595.276 x 419.528" in size  # A5 on its long side


# -- call_webhook ------------------------------------------------------------------------------------------------------


def test_answer_of_a_call_is_used_by_a_later_step(shop: Tenant, server: HttpServer) -> None:
    told = {
        "connection": "erp",
        "path": "/orders",
        "values": {"number": {"formula": "name"}, "n": {"formula": "amount * 2"}, "via": "crm"},
    }
    result = {"reply": {"formula": "IF($steps.ask.ok, JSONVALUE($steps.ask.body, 'id'), 'failed')"}}
    publish(
        shop,
        automation(
            step("ask", "call_webhook", wait_for_answer=True, **told), step("note", "set_fields", values=result)
        ),
    )
    server.answer = lambda r: Reply(body=json.dumps({"id": "E-" + json.loads(r.body)["number"]}).encode())
    create(shop, "offer", {**VALUES, "name": "7"}, {**VALUES, "name": "8"})
    assert [r["reply"] for r in rows(shop, "offer")] == [None, None]
    work(shop)
    assert [r["reply"] for r in rows(shop, "offer")] == ["E-7", "E-8"]
    sent = json.loads(server.requests[0].body)
    assert server.requests[0].path == "/orders" and (sent["number"], sent["n"], sent["via"]) == (
        "7",
        "2469135.00",
        "crm",
    )
    assert {r["state"] for r in table(shop, runs)} == {"done"}


def test_call_that_is_given_up_lets_the_run_go_on_and_say_so(shop: Tenant, server: HttpServer) -> None:
    result = {"reply": {"formula": "IF($steps.ask.ok, 'ok', LEFT($steps.ask.body, 8))"}}
    publish(
        shop,
        automation(
            step("ask", "call_webhook", connection="erp", method="GET", wait_for_answer=True),
            step("note", "set_fields", values=result),
        ),
    )
    server.answer = lambda _: Reply(404)
    create(shop, "offer", VALUES)
    work(shop)
    assert [r["reply"] for r in rows(shop, "offer")] == ["HTTP 404"]
    assert (server.requests[0].method, server.requests[0].body) == ("GET", b"")


def test_call_of_a_write_that_fails_is_never_made(shop: Tenant, server: HttpServer) -> None:
    publish(shop, automation(step("ask", "call_webhook", connection="erp", values={"a": 1})))

    def body(tx: Any) -> None:
        tx.create("offer", [VALUES])
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        write(shop, body)
    work(shop)
    assert server.requests == []


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"connection": "nothing"}, "unknown_reference"),
        ({"connection": "erp", "values": {"a": {"formula": "nothing"}}}, "unknown_name"),
        ({"connection": "erp", "values": {"a": 1}, "method": "GET"}, "key_without_effect"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_call_that_cannot_work_is_refused_when_it_is_published(shop: Tenant, told: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidMetadata) as caught:
        publish(shop, automation(step("ask", "call_webhook", **told)))
    assert [d.code for d in caught.value.diagnostics] == [code]


def test_preview_shows_what_the_looker_may_read_and_sends_nothing(shop: Tenant) -> None:
    from trellis.access.accounts import principal_of
    from trellis.rules.reader import Onlooker
    from trellis.templates.rendering import UnknownTemplate, preview

    publish(shop, {**OFFER, "sharing": {"default": "private"}})
    user = create_user(shop, login="ann", name="Ann")
    (offer,) = create(shop, "offer", {**VALUES, "name": "A"})
    with shop.database.reading() as connection:
        ann = principal_of(shop, connection, user)
        assert ann is not None
        for who, subject in ((SYSTEM, "Offer A"), (ann, None)):
            reader = Onlooker(shop, connection, shop.model(), who, shop.clock.now())
            if subject is not None:
                assert preview(reader, MAIL, offer, "en").subject == subject
                continue
            with pytest.raises(UnknownTemplate, match="no such record"):
                preview(reader, MAIL, offer, "en")
    assert table(shop, delivery) == []

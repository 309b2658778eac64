"""Mail goes out over a real SMTP server and comes in over a real IMAP connection."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.kernel import create, publish, ref, rows, table, write
from support.mail_servers import ImapServer, SmtpServer, certificate, imap_server, smtp_server

from trellis import deliveries, plugin_settings
from trellis.access.accounts import create_user
from trellis.access.principal import SYSTEM
from trellis.deliveries import Outgoing
from trellis.jobs import Worker
from trellis.jobs.worker import ATTEMPTS
from trellis.notifications import notify
from trellis.plugin_settings import BadSettings, change_settings
from trellis.preferences import prefer
from trellis.secrets import MissingSecret, secret_of
from trellis.storage import system
from trellis.storage.tables.outgoing import delivery, incoming_mail, secret
from trellis.tenant import Tenant
from trellis_plugins.mail import fetching, settings
from trellis_plugins.mail.addresses import problem_of

CONTACT: dict[str, Any] = {
    "kind": "object",
    "name": "contact",
    "label": "Contact",
    "fields": [{"name": "name", "type": "text"}, {"name": "email", "type": "email"}],
}
MAIL: dict[str, Any] = {
    "kind": "object",
    "name": "mail",
    "label": "Mail",
    "fields": [
        {"name": "subject", "type": "text", "required": True},
        {"name": "regarding", "type": "lookup", "target": ["contact"], "relationship": "mails"},
        {"name": "direction", "type": "text"},
        {"name": "from_address", "type": "email"},
        {"name": "sent_at", "type": "datetime"},
        {"name": "body", "type": "rich_text"},
        {"name": "attachment", "type": "file"},
    ],
}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(autouse=True)
def reachable(monkeypatch: pytest.MonkeyPatch, certificates: tuple[Path, Path]) -> None:
    """This machine's own addresses are allowed, and the test's certificate is trusted."""
    monkeypatch.setenv("TRELLIS_INTERNAL_NETWORKS", "127.0.0.0/8,::1/128")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates[0]))


@pytest.fixture
def desk(open_copy: Any) -> Tenant:
    return open_copy("mail_desk", lambda tenant: publish(tenant, CONTACT, MAIL))


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    with smtp_server() as server:
        yield server


@pytest.fixture
def sending(desk: Tenant, smtp: SmtpServer) -> Tenant:
    change_settings(
        desk,
        "mail",
        {
            "host": "127.0.0.1",
            "port": smtp.port,
            "security": "none",
            "sender": "crm@example.com",
            "sender_name": "李雷",
        },
    )
    return desk


def mail_to(*addresses: str, **more: Any) -> Outgoing:
    payload = {
        "to": [{"name": "王芳", "address": a} for a in addresses],
        "subject": "报价 Offer",
        "text": "Hello 你好\n",
    }
    return Outgoing("mail", ", ".join(addresses), "Offer", {**payload, **more}, more.pop("about", None))


def put(tenant: Tenant, message: Outgoing) -> int:
    with tenant.database.writing() as connection:
        return deliveries.send(connection, tenant.clock.now(), message)


def state_of(tenant: Tenant, number: int) -> deliveries.Delivery:
    with tenant.database.reading() as connection:
        return deliveries.delivery_of(connection, number)


def due(tenant: Tenant) -> None:
    """Let every message that waits for its next attempt fall due."""
    with tenant.database.writing() as connection:
        connection.execute(system.outbox.update().values(due_at=tenant.clock.now()))


# -- out ---------------------------------------------------------------------------------------------------------------


def test_mail_arrives_with_names_subject_and_both_bodies_in_utf8(sending: Tenant, smtp: SmtpServer) -> None:
    number = put(sending, mail_to("fang@example.com", html="<p>Hello <b>你好</b></p>", language="zh"))
    Worker(sending).run_until_idle()
    (mail,) = smtp.mails
    assert str(mail["From"]) == "李雷 <crm@example.com>"
    assert str(mail["To"]) == "王芳 <fang@example.com>"
    assert mail["Subject"] == "报价 Offer"
    plain, rich = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None and plain.get_content().strip() == "Hello 你好"
    assert rich is not None and 'lang="zh-Hans"' in rich.get_content() and "<b>你好</b>" in rich.get_content()
    found = state_of(sending, number)
    assert (found.state, found.attempts, found.note) == ("sent", 1, "Taken for 1 recipient(s).")


def test_repetition_is_the_same_message_byte_for_byte(sending: Tenant, smtp: SmtpServer) -> None:
    number = put(sending, mail_to("fang@example.com", html="<p>Hello</p>"))
    Worker(sending).run_until_idle()
    deliveries.resend(sending, number)
    Worker(sending).run_until_idle()
    first, second = (e.content for e in smtp.envelopes)
    assert first == second
    assert f"<trellis.acme.{number}." in smtp.mails[0]["Message-ID"]


def test_mail_of_a_transaction_that_fails_never_leaves(sending: Tenant, smtp: SmtpServer) -> None:
    def body(tx: Any) -> None:
        deliveries.send(tx.connection, tx.now, mail_to("fang@example.com"))
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        write(sending, body)
    Worker(sending).run_until_idle()
    assert smtp.envelopes == [] and table(sending, delivery) == []


def test_busy_server_is_asked_again_and_takes_it_then(sending: Tenant, smtp: SmtpServer) -> None:
    smtp.says = ["451 try later"]
    number = put(sending, mail_to("fang@example.com"))
    Worker(sending).run_until_idle()
    assert (state_of(sending, number).state, smtp.envelopes) == ("waiting", [])
    assert "451: try later" in str(state_of(sending, number).note)
    due(sending)
    Worker(sending).run_until_idle()
    assert (state_of(sending, number).state, state_of(sending, number).attempts) == ("sent", 2)


def test_server_that_never_answers_leaves_a_dead_letter_with_the_reason(desk: Tenant) -> None:
    change_settings(desk, "mail", {"host": "127.0.0.1", "port": 9, "security": "none", "sender": "crm@example.com"})
    number = put(desk, mail_to("fang@example.com"))
    for _ in range(ATTEMPTS):
        due(desk)
        Worker(desk).run_until_idle()
    found = state_of(desk, number)
    assert (found.state, found.attempts) == ("failed", ATTEMPTS)
    assert "'127.0.0.1' cannot be reached" in str(found.note)
    (letter,) = table(desk, system.outbox, state="dead")
    assert "cannot be reached" in letter["error"]


def test_refused_recipient_is_named_and_the_others_get_their_mail(sending: Tenant, smtp: SmtpServer) -> None:
    smtp.answers["gone@example.com"] = "550 no such mailbox"
    number = put(sending, mail_to("fang@example.com", "gone@example.com"))
    alone = put(sending, mail_to("gone@example.com"))
    Worker(sending).run_until_idle()
    assert [e.rcpt_tos for e in smtp.envelopes] == [["fang@example.com"]]
    assert "gone@example.com: 550 no such mailbox" in str(state_of(sending, number).note)
    assert state_of(sending, alone).state == "failed"
    assert "refuses every recipient. gone@example.com: 550" in str(state_of(sending, alone).note)


@pytest.mark.parametrize(
    "address", ["nobody", "a@b", "a b@example.com", "a@exa mple.com", "@example.com", "a..b@example.com", "a@-x.com"]
)
def test_what_is_no_address_is_refused_by_name_before_any_server_is_asked(address: str) -> None:
    problem = problem_of(address)
    assert problem is not None and address in problem


def test_wrong_address_fails_at_once(sending: Tenant, smtp: SmtpServer) -> None:
    number = put(sending, mail_to("fang@example.com", "nobody"))
    Worker(sending).run_until_idle()
    assert (state_of(sending, number).state, smtp.envelopes) == ("failed", [])
    assert "'nobody' has no '@'." in str(state_of(sending, number).note)


def test_letters_of_every_script_in_addresses_where_the_server_can(sending: Tenant, smtp: SmtpServer) -> None:
    put(sending, mail_to("fang@bücher.example", "李@example.com"))
    Worker(sending).run_until_idle()
    assert smtp.envelopes[0].rcpt_tos == ["fang@xn--bcher-kva.example", "李@example.com"]
    with smtp_server(utf8=False) as plain:
        change_settings(sending, "mail", {"port": plain.port})
        number = put(sending, mail_to("李@example.com"))
        Worker(sending).run_until_idle()
    assert "it cannot send to 李@example.com" in str(state_of(sending, number).note)


def test_subject_and_names_cannot_add_headers(sending: Tenant, smtp: SmtpServer) -> None:
    to = [{"name": "x\r\nBcc: evil@example.com", "address": "fang@example.com"}]
    put(sending, mail_to("fang@example.com", to=to, subject="a\r\nBcc: evil@example.com"))
    Worker(sending).run_until_idle()
    assert smtp.mails[0]["Bcc"] is None
    assert smtp.envelopes[0].rcpt_tos == ["fang@example.com"]


def test_starttls_with_log_in(desk: Tenant, certificates: tuple[Path, Path]) -> None:
    with smtp_server(*certificates) as server:
        own = {"host": "localhost", "port": server.port, "user": "crm", "sender": "crm@example.com"}
        change_settings(desk, "mail", {**own, "password": "p4ss wörd"})
        put(desk, mail_to("fang@example.com"))
        Worker(desk).run_until_idle()
        assert len(server.envelopes) == 1 and server.logins == [("crm", "p4ss wörd")]
        change_settings(desk, "mail", {"password": "wrong"})
        number = put(desk, mail_to("fang@example.com"))
        Worker(desk).run_until_idle()
    assert "refuses user name and password" in str(state_of(desk, number).note)


def test_certificate_that_nobody_signed_is_refused(
    desk: Tenant, certificates: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with smtp_server(*certificates) as server:
        change_settings(desk, "mail", {"host": "localhost", "port": server.port, "sender": "crm@example.com"})
        number = put(desk, mail_to("fang@example.com"))
        Worker(desk).run_until_idle()
        assert server.envelopes == []
    assert "CERTIFICATE_VERIFY_FAILED" in str(state_of(desk, number).note)


def test_server_in_the_operators_network_is_refused(sending: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRELLIS_INTERNAL_NETWORKS", "")
    number = put(sending, mail_to("fang@example.com"))
    Worker(sending).run_until_idle()
    assert "not a public address" in str(state_of(sending, number).note)


# -- settings ----------------------------------------------------------------------------------------------------------


def test_password_is_sealed_and_shown_to_nobody(desk: Tenant) -> None:
    change_settings(desk, "mail", {"host": "smtp.example.com", "sender": "a@example.com", "password": "geheim"})
    assert "geheim" not in str(table(desk, secret)) + str(table(desk, system.state))
    assert "password" not in plugin_settings.values_of(desk, "mail")
    with desk.database.reading() as connection:
        assert settings.mail_settings(desk, connection).password == "geheim"
    change_settings(desk, "mail", {"password": None})
    with desk.database.reading() as connection, pytest.raises(MissingSecret):
        secret_of(desk, connection, "mail.password")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sender": "nobody"}, "sender"),
        ({"port": 0}, "port"),
        ({"port": "587"}, "port"),
        ({"security": "maybe"}, "security"),
        ({"site": "javascript:x"}, "site"),
        ({"user": "crm", "security": "none"}, "security"),
        ({"host": "a\r\nb"}, "host"),
    ],
)
def test_settings_that_do_not_fit_are_refused_and_nothing_is_stored(
    desk: Tenant, changes: dict[str, Any], field: str
) -> None:
    before = plugin_settings.values_of(desk, "mail")
    with pytest.raises(BadSettings) as caught:
        change_settings(desk, "mail", {"password": "x", **changes})
    assert [name for name, _ in caught.value.details["problems"]] == [field]  # type: ignore[attr-defined]
    assert plugin_settings.values_of(desk, "mail") == before and table(desk, secret) == []


# -- telling people ----------------------------------------------------------------------------------------------------


def test_person_who_chose_mail_is_told_by_mail_in_his_language(sending: Tenant, smtp: SmtpServer) -> None:
    change_settings(sending, "mail", {"site": "https://crm.example.com/"})
    people = [
        create_user(sending, login=n, name=n, email=f"{n}@example.com" if n != "cy" else None, language="zh")
        for n in ("ann", "bob", "cy")
    ]
    from trellis.access.accounts import principal_of

    with sending.database.reading() as connection:
        principals = [principal_of(sending, connection, p) for p in people]
    for chosen in (principals[0], principals[2]):
        assert chosen is not None
        prefer(sending, chosen, {"channels": "mail"})
    with sending.database.writing() as connection:
        notify(sending, connection, people, "job_done", {"en": "Done", "zh": "完成 <b>"}, url="/jobs/1")
    Worker(sending).run_until_idle()
    (mail,) = smtp.mails
    assert (str(mail["To"]), mail["Subject"]) == ("ann <ann@example.com>", "完成 <b>")
    rich = mail.get_body(("html",))
    assert rich is not None
    assert "完成 &lt;b&gt;" in rich.get_content() and 'href="https://crm.example.com/jobs/1"' in rich.get_content()


def test_channel_that_does_not_exist_cannot_be_chosen(sending: Tenant) -> None:
    from trellis.preferences import BadPreference

    with pytest.raises(BadPreference):
        prefer(sending, SYSTEM, {"channels": "mail,pigeon"})


# -- in ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def box(desk: Tenant, certificates: tuple[Path, Path]) -> Iterator[ImapServer]:
    with imap_server(*certificates) as server:
        own = {"host": "localhost", "port": server.port, "user": "crm", "password": "secret"}
        change_settings(desk, "incoming_mail", own)
        yield server


def letter(sender: str = "fang@example.com", text: str = "Hi 你好", **headers: str) -> bytes:
    from email.message import EmailMessage

    mail = EmailMessage()
    for name, value in {"From": sender, "To": "crm@example.com", "Subject": "Re: 报价", **headers}.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()


def test_mail_becomes_an_activity_of_the_person_who_wrote_it_once(desk: Tenant, box: ImapServer) -> None:
    (contact,) = create(desk, "contact", {"name": "Fang", "email": "Fang@example.com"})
    box.mails = {5: letter(Message_ID="<1@x>", Date="Mon, 06 Jul 2026 10:00:00 +0800")}
    assert fetching.fetch(desk) == fetching.Fetched(1, 1)
    box.mails[6] = box.mails[5]  # the same message, delivered twice
    box.mails[7] = letter("stranger@example.com", Message_ID="<2@x>")
    assert fetching.fetch(desk) == fetching.Fetched(2, 1)
    found = rows(desk, "mail")
    assert [(r["subject"], r["direction"], r["from_address"]) for r in found] == [
        ("Re: 报价", "incoming", "fang@example.com"),
        ("Re: 报价", "incoming", "stranger@example.com"),
    ]
    assert [r["regarding"] for r in found] == [ref(desk, "contact", contact), None]
    assert "Hi 你好" in found[0]["body"] and str(found[0]["sent_at"]).startswith("2026-07-06T02:00:00")
    box.validity = 2  # the mailbox was made anew: its numbers mean nothing any more
    assert fetching.fetch(desk).filed == 0 and len(rows(desk, "mail")) == 2


def test_answer_goes_to_the_record_of_the_mail_that_it_answers(desk: Tenant, box: ImapServer, smtp: SmtpServer) -> None:
    change_settings(
        desk, "mail", {"host": "127.0.0.1", "port": smtp.port, "security": "none", "sender": "crm@example.com"}
    )
    first, second = create(desk, "contact", {"name": "A"}, {"name": "B", "email": "fang@example.com"})
    put(desk, mail_to("fang@example.com", about=("contact", first)))
    Worker(desk).run_until_idle()
    ours = smtp.mails[0]["Message-ID"]
    guessed = ours.replace(ours.split(".")[3][:4], "0000")
    box.mails = {
        1: letter(Message_ID="<1@x>", In_Reply_To=ours),
        2: letter("other@example.com", Message_ID="<2@x>", References="<0@x> <1@x>"),
        3: letter(Message_ID="<3@x>", In_Reply_To=guessed),
    }
    fetching.fetch(desk)
    about = [r["regarding"] for r in rows(desk, "mail")]
    # By our id, by the thread that it began; an id that somebody guessed counts for nothing, so the address decides.
    assert about == [ref(desk, "contact", first), ref(desk, "contact", first), ref(desk, "contact", second)]


def test_files_and_markup_of_strangers_are_kept_harmless(desk: Tenant, box: ImapServer) -> None:
    from email.message import EmailMessage

    mail = EmailMessage()
    mail["From"], mail["Message-ID"], mail["Subject"] = "x@example.com", "<1@x>", "s"
    mail.set_content("plain")
    mail.add_alternative('<p onclick="x()">Hi<script>alert(1)</script><img src="javascript:x"></p>', "html")
    mail.add_attachment(b"%PDF-1", maintype="application", subtype="pdf", filename="../../报价.pdf")
    box.mails = {1: mail.as_bytes(), 2: b"\xff\xfe no mail at all", 3: b"From: =?utf-8?b?////?=\r\n\r\n\xff"}
    fetching.fetch(desk)
    found = rows(desk, "mail")
    assert len(found) == 3
    assert "script" not in found[0]["body"] and "onclick" not in found[0]["body"] and "Hi" in found[0]["body"]
    (stored,) = table(desk, system.file)
    assert (stored["name"], stored["object"], stored["size"]) == ("报价.pdf", "mail", 6)


def test_mail_of_unknown_people_stays_out_where_that_is_wished(desk: Tenant, box: ImapServer) -> None:
    change_settings(desk, "incoming_mail", {"unknown": "ignore"})
    box.mails = {1: letter("stranger@example.com", Message_ID="<1@x>")}
    assert fetching.fetch(desk).filed == 0
    assert rows(desk, "mail") == [] and len(table(desk, incoming_mail)) == 1


def test_worker_looks_and_looks_again_after_a_failure(desk: Tenant, box: ImapServer) -> None:
    box.mails = {1: letter(Message_ID="<1@x>")}
    Worker(desk).run_until_idle()
    assert len(rows(desk, "mail")) == 1
    change_settings(desk, "incoming_mail", {"password": "wrong"})
    due(desk)
    Worker(desk).run_until_idle()
    waiting = table(desk, system.outbox, topic="fetch_mail")
    assert [w["state"] for w in waiting] == ["ready"] and waiting[0]["due_at"] > desk.clock.now()

"""Messages in the forms of WeCom, DingTalk, Feishu and Slack, signed as their documentation says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from support.http_servers import HttpServer, Reply, http_server
from support.kernel import table

from trellis.access.accounts import create_user, principal_of
from trellis.jobs import Worker
from trellis.notifications import notify
from trellis.plugin_settings import change_settings, group_of
from trellis.preferences import BadPreference, prefer
from trellis.storage import system
from trellis.storage.tables.outgoing import delivery
from trellis.tenant import Tenant

GOOD = {
    "generic": b"",
    "wecom": b'{"errcode":0}',
    "dingtalk": b'{"errcode":0}',
    "feishu": b'{"code":0}',
    "slack": b"ok",
}


@pytest.fixture(autouse=True)
def reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRELLIS_INTERNAL_NETWORKS", "127.0.0.0/8")


@pytest.fixture(scope="module")
def running() -> Iterator[HttpServer]:
    with http_server() as server:
        yield server


@pytest.fixture
def server(running: HttpServer) -> HttpServer:
    running.requests.clear()
    running.replies.clear()
    return running


@pytest.fixture
def ann(open_copy: Any) -> tuple[Tenant, int]:
    tenant = open_copy("chat", lambda t: create_user(t, login="ann", name="安娜", language="zh"))
    (user,) = [c["user"] for c in table(tenant, system.credential)]
    return tenant, user


def set_up(tenant: Tenant, server: HttpServer, form: str, **more: Any) -> None:
    told = {"active": True, "format": form, "url": f"{server.url}/robot?key=k", "site": "https://crm.example.com"}
    change_settings(tenant, "chat", {**told, **more})
    tenant.model()


def tell(tenant: Tenant, user: int, text: str = "商机 <A> & B 已赢单") -> None:
    with tenant.database.reading() as connection:
        person = principal_of(tenant, connection, user)
    assert person is not None
    prefer(tenant, person, {"channels": "chat"})
    with tenant.database.writing() as connection:
        notify(tenant, connection, [user], "automation", {"en": "won", "zh": text}, url="/o/deal/1")
    Worker(tenant).run_until_idle()


@pytest.mark.parametrize("form", sorted(GOOD))
def test_message_has_the_form_and_the_signature_of_its_service(
    ann: tuple[Tenant, int], server: HttpServer, form: str
) -> None:
    tenant, user = ann
    set_up(tenant, server, form, signing="SEC123")
    server.replies = [Reply(body=GOOD[form])]
    tell(tenant, user)
    (asked,) = server.requests
    body, query = json.loads(asked.body), parse_qs(urlsplit(asked.path).query)
    plain = "安娜: 商机 <A> & B 已赢单\nhttps://crm.example.com/o/deal/1"
    assert query["key"] == ["k"]
    if form == "generic":
        assert body == {"who": "安娜", "text": "商机 <A> & B 已赢单", "link": "https://crm.example.com/o/deal/1"}
    elif form == "slack":
        assert body == {"text": plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}
    elif form == "feishu":
        assert (body["msg_type"], body["content"]) == ("text", {"text": plain})
        # The key is what is signed elsewhere, and the text is empty: that is how Feishu does it.
        key = f"{body['timestamp']}\nSEC123".encode()
        assert base64.b64decode(body["sign"]) == hmac.new(key, digestmod=hashlib.sha256).digest()
    else:
        assert body == {"msgtype": "text", "text": {"content": plain}}
    if form == "dingtalk":
        text = f"{query['timestamp'][0]}\nSEC123".encode()
        assert base64.b64decode(query["sign"][0]) == hmac.new(b"SEC123", text, hashlib.sha256).digest()
        assert abs(int(query["timestamp"][0]) / 1000 - tenant.clock.now().timestamp()) < 60
    (row,) = table(tenant, delivery)
    assert row["state"] == "sent" and "key=k" not in str(row) and "SEC123" not in str(row)


def test_long_message_stays_within_what_wecom_takes(ann: tuple[Tenant, int], server: HttpServer) -> None:
    set_up(ann[0], server, "wecom")
    server.replies = [Reply(body=GOOD["wecom"])]
    tell(*ann, text="长" * 3000)
    content = json.loads(server.requests[0].body)["text"]["content"]
    assert 2040 < len(content.encode()) <= 2048


@pytest.mark.parametrize(
    ("form", "reply", "state", "note"),
    [
        (
            "wecom",
            Reply(body=b'{"errcode":93000,"errmsg":"invalid webhook url"}'),
            "failed",
            "93000 invalid webhook url",
        ),
        ("wecom", Reply(body=b'{"errcode":45009,"errmsg":"freq out of limit"}'), "waiting", "45009 freq"),
        ("dingtalk", Reply(body=b'{"errcode":310000,"errmsg":"sign not match"}'), "failed", "310000 sign not match"),
        ("feishu", Reply(body=b'{"code":19021,"msg":"sign match fail"}'), "failed", "19021 sign match fail"),
        ("slack", Reply(404, b"no_service"), "failed", "HTTP 404 no_service"),
        ("slack", Reply(body=b"<html>"), "failed", "<html>"),
        ("generic", Reply(503), "waiting", "HTTP 503"),
        ("feishu", Reply(body=b"nonsense"), "failed", "none of this service"),
    ],
)
def test_complaint_of_a_service_is_told_and_what_passes_is_tried_again(
    ann: tuple[Tenant, int], server: HttpServer, form: str, reply: Reply, state: str, note: str
) -> None:
    set_up(ann[0], server, form)
    server.replies = [reply]
    tell(*ann)
    (row,) = table(ann[0], delivery)
    assert row["state"] == state and note in row["note"]


def test_group_that_is_not_set_up_tells_nobody(ann: tuple[Tenant, int], server: HttpServer) -> None:
    tell(*ann)
    assert server.requests == [] and table(ann[0], delivery) == []
    with ann[0].database.reading() as connection:
        person = principal_of(ann[0], connection, ann[1])
    assert person is not None
    with pytest.raises(BadPreference):
        prefer(ann[0], person, {"channels": "smoke"})


def test_settings_can_be_tried_out(ann: tuple[Tenant, int], server: HttpServer) -> None:
    set_up(ann[0], server, "slack")
    server.replies = [Reply(body=b"ok")]
    trial = group_of("chat").test
    assert trial is not None and trial(ann[0], None) == "Slack: taken."

"""Another system is told what happens to records: exactly if it is committed, signed, in order, tried again."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
from support.http_servers import HttpServer, Reply, http_server
from support.kernel import counting, create, publish, ref, table, write

from trellis import deliveries
from trellis.jobs import Worker
from trellis.publishing.errors import InvalidMetadata
from trellis.secrets import put_secret
from trellis.storage import system
from trellis.storage.tables.outgoing import delivery
from trellis.tenant import Tenant

DEAL: dict[str, Any] = {
    "kind": "object",
    "name": "deal",
    "label": "Deal",
    "fields": [
        {"name": "name", "type": "text"},
        {"name": "amount", "type": "currency"},
        {"name": "note", "type": "text"},
        {"name": "pin", "type": "secret"},
    ],
}
CONNECTION: dict[str, Any] = {
    "kind": "connection",
    "name": "erp",
    "url": "http://127.0.0.1:1/in?k=1",
    "headers": [
        {"header": "X-From", "value": "trellis"},
        {"header": "Authorization", "secret": "erp.token", "prefix": "Bearer "},
    ],
    "signing_secret": "erp.signing",
}
WEBHOOK: dict[str, Any] = {
    "kind": "webhook",
    "name": "deals",
    "object": "deal",
    "events": ["created", "updated", "deleted", "restored"],
    "connection": "erp",
    "path": "/deals",
    "fields": ["name", "amount"],
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
def shop(open_copy: Any, server: HttpServer) -> Tenant:
    def build(tenant: Tenant) -> None:
        publish(tenant, DEAL, CONNECTION, WEBHOOK)
        put_secret(tenant, "erp.token", "t0ken")
        put_secret(tenant, "erp.signing", "shared")

    tenant: Tenant = open_copy("webhooks", build)
    publish(tenant, {**CONNECTION, "url": f"{server.url}/in?k=1"})
    return tenant


def work(tenant: Tenant) -> None:
    with tenant.database.writing() as connection:
        connection.execute(system.outbox.update().values(due_at=tenant.clock.now()))
    Worker(tenant).run_until_idle()


def sent(server: HttpServer) -> list[dict[str, Any]]:
    return [json.loads(r.body) for r in server.requests]


def last(tenant: Tenant) -> deliveries.Delivery:
    with tenant.database.reading() as connection:
        return deliveries.deliveries(connection)[0]


def test_life_of_a_record_is_told_in_order(shop: Tenant, server: HttpServer) -> None:
    (deal,) = create(shop, "deal", {"name": "A", "amount": "1.00", "note": "x", "pin": "1234"})
    number = ref(shop, "deal", deal)
    write(shop, lambda tx: tx.update("deal", [{"id": number, "amount": "2.00"}]))
    write(shop, lambda tx: tx.delete("deal", [deal]))
    write(shop, lambda tx: tx.restore("deal", [deal]))
    work(shop)
    created, updated, _deleted, _restored = told = sent(server)
    assert [b["event"] for b in told] == ["deal.created", "deal.updated", "deal.deleted", "deal.restored"]
    assert created["id"] == number and created["record"]["name"] == "A"
    assert set(created["record"]) == {"name", "amount"} and "1234" not in json.dumps(created)
    assert updated["changed"] == ["amount"]
    assert (updated["old"]["amount"]["amount"], updated["record"]["amount"]["amount"]) == ("1.00", "2.00")
    assert last(shop).state == "sent" and str(last(shop).note).startswith("HTTP 200")


def test_call_has_path_headers_secret_and_a_signature_that_a_receiver_can_check(
    shop: Tenant, server: HttpServer
) -> None:
    create(shop, "deal", {"name": "李 A"})
    work(shop)
    (call,) = server.requests
    assert (call.method, call.path) == ("POST", "/in/deals?k=1")
    assert call.headers["authorization"] == "Bearer t0ken" and call.headers["x-from"] == "trellis"
    # As docs/plugins.md tells receivers to compute it.
    number, stamp = call.headers["trellis-delivery"], call.headers["trellis-timestamp"]
    text = f"{stamp}.{number}.".encode() + call.body
    assert call.headers["trellis-signature"] == "v1=" + hmac.new(b"shared", text, hashlib.sha256).hexdigest()
    assert json.loads(call.body)["delivery"] == int(number)
    assert "t0ken" not in str(table(shop, delivery))


def test_what_is_not_committed_is_told_to_nobody(shop: Tenant, server: HttpServer) -> None:
    def body(tx: Any) -> None:
        tx.create("deal", [{"name": "A"}])
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        write(shop, body)
    write(shop, lambda tx: tx.create("deal", [{"name": "A"}]), preview=True)
    work(shop)
    assert server.requests == [] and table(shop, delivery) == []


@pytest.mark.parametrize(
    "reply",
    [Reply(500), Reply(503, b"busy"), Reply(429), Reply(hang_up=True), Reply(pause_s=2)],
    ids=lambda r: str(r)[:32],
)
def test_other_side_that_fails_is_asked_again_and_the_repetition_has_the_same_number(
    shop: Tenant, server: HttpServer, reply: Reply
) -> None:
    publish(shop, {**CONNECTION, "url": server.url, "timeout_s": 1})
    server.replies = [reply]
    create(shop, "deal", {"name": "A"})
    work(shop)
    assert last(shop).state == "waiting" and last(shop).note
    work(shop)
    first, second = server.requests
    assert (last(shop).state, last(shop).attempts) == ("sent", 2)
    assert first.headers["trellis-delivery"] == second.headers["trellis-delivery"] and first.body == second.body


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 410, 422])
def test_answer_that_no_repetition_changes_is_given_up_at_once(shop: Tenant, server: HttpServer, status: int) -> None:
    server.replies = [Reply(status, b"no", {"Location": f"{server.url}/elsewhere"} if status < 400 else {})]
    create(shop, "deal", {"name": "A"})
    work(shop)
    assert (last(shop).state, len(server.requests)) == ("failed", 1)
    assert str(last(shop).note).startswith(f"HTTP {status} no")
    assert len(table(shop, system.outbox, state="dead")) == 1


def test_events_of_one_record_wait_for_each_other_and_others_go_on(shop: Tenant, server: HttpServer) -> None:
    first, _second = create(shop, "deal", {"name": "A"}, {"name": "B"})
    number = ref(shop, "deal", first)
    write(shop, lambda tx: tx.update("deal", [{"id": number, "name": "A2"}]))
    server.answer = lambda r: Reply(500 if json.loads(r.body)["record"]["name"] == "A" else 200)
    try:
        Worker(shop).run_until_idle()
        assert [b["record"]["name"] for b in sent(server)] == ["A", "B"]
    finally:
        server.answer = lambda _: Reply()
    work(shop)
    work(shop)
    assert [b["record"]["name"] for b in sent(server)][2:] == ["A", "A2"]


def test_delivery_can_be_sent_again(shop: Tenant, server: HttpServer) -> None:
    server.replies = [Reply(404)]
    create(shop, "deal", {"name": "A"})
    work(shop)
    deliveries.resend(shop, last(shop).id)
    work(shop)
    assert (last(shop).state, len(server.requests)) == ("sent", 2)
    with pytest.raises(deliveries.UnknownDelivery):
        deliveries.resend(shop, 999)


def test_only_changes_of_named_fields_are_told(shop: Tenant, server: HttpServer) -> None:
    publish(shop, {**WEBHOOK, "only_when_changed": ["amount"], "events": ["updated"]})
    (deal,) = create(shop, "deal", {"name": "A"})
    number = ref(shop, "deal", deal)
    write(shop, lambda tx: tx.update("deal", [{"id": number, "name": "B"}]))
    write(shop, lambda tx: tx.update("deal", [{"id": number, "amount": "3.00"}]))
    publish(shop, {**WEBHOOK, "active": False})
    write(shop, lambda tx: tx.update("deal", [{"id": number, "amount": "4.00"}]))
    work(shop)
    assert [(b["event"], b["changed"]) for b in sent(server)] == [("deal.updated", ["amount"])]


def test_two_hundred_records_cost_as_many_statements_as_one(shop: Tenant) -> None:
    counts = []
    for many in (2, 200):
        with counting(shop) as seen:
            create(shop, "deal", *({"name": str(i)} for i in range(many)))
        counts.append(len([s for s in seen if "t_delivery" in s or "t_outbox" in s]))
    assert counts[0] == counts[1]


def test_missing_secret_is_told_and_nothing_is_sent(shop: Tenant, server: HttpServer) -> None:
    publish(shop, {**CONNECTION, "url": server.url, "signing_secret": "erp.other"})
    create(shop, "deal", {"name": "A"})
    work(shop)
    assert server.requests == []
    assert "There is no secret 'erp.other'" in str(last(shop).note)


def test_address_of_the_operators_network_is_refused(
    shop: Tenant, server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRELLIS_INTERNAL_NETWORKS", "")
    create(shop, "deal", {"name": "A"})
    work(shop)
    assert server.requests == [] and "not a public address" in str(last(shop).note)
    with pytest.raises(InvalidMetadata) as caught:
        publish(shop, {**CONNECTION, "url": "http://169.254.169.254/latest"})
    assert [d.code for d in caught.value.diagnostics] == ["address_refused"]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({**CONNECTION, "headers": [{"header": "Host", "value": "x"}]}, "own_header"),
        ({**CONNECTION, "headers": [{"header": "X", "value": "1"}, {"header": "x", "value": "2"}]}, "same_header"),
        ({**CONNECTION, "headers": [{"header": "X"}]}, "header_value"),
        ({**CONNECTION, "headers": [{"header": "X", "value": "1", "prefix": "a"}]}, "header_value"),
        ({**WEBHOOK, "fields": ["name", "pin"]}, "not_sent"),
        ({**WEBHOOK, "fields": ["name", "nothing"]}, "unknown_field"),
        ({**WEBHOOK, "connection": "nothing"}, "unknown_reference"),
        ({**WEBHOOK, "events": ["created"], "only_when_changed": ["name"]}, "no_update"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_documents_that_cannot_work_are_refused(shop: Tenant, document: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidMetadata) as caught:
        publish(shop, document)
    assert code in [d.code for d in caught.value.diagnostics]

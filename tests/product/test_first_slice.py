"""One JSON object goes through schema → table → POST → list, on both databases. Runs at every commit."""

from pathlib import Path
from typing import Any

import pytest

from trellis.access.accounts import create_token, create_user
from trellis.app import create_app
from trellis.runtime import Runtime

ACCOUNT = {
    "kind": "object",
    "name": "account",
    "label": {"en": "Account", "zh": "客户"},
    "fields": [{"name": "name", "type": "text", "required": True, "unique": True}],
}
DEAL = {
    "kind": "object",
    "name": "deal",
    "label": {"en": "Deal", "zh": "商机"},
    "fields": [
        {"name": "name", "type": "text", "required": True, "max_length": 200},
        {"name": "account", "type": "lookup", "target": "account", "on_delete": "restrict", "relationship": "deals"},
        {"name": "amount", "type": "currency", "min": "0"},
    ],
}


@pytest.fixture
def client(tmp_path: Path, database_url: str) -> Any:
    runtime = Runtime(tmp_path, database_url=database_url)
    tenant = runtime.create_tenant("acme")
    user = create_user(tenant, login="ada", name="Ada", password="correct horse", admin=True)
    client = create_app(runtime).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {create_token(tenant, user, 'test')}"
    yield client
    runtime.close()


def test_json_object_becomes_table_record_and_list(client: Any) -> None:
    published = client.post("/api/v1/metadata/apply", json={"documents": [ACCOUNT, DEAL]})
    assert published.status_code == 200, published.text
    account = client.post("/api/v1/records/account", json={"name": "瑞恒科技"})
    assert account.status_code == 201, account.text
    deal = client.post("/api/v1/records/deal", json={"name": "Pilot", "account": account.json["id"], "amount": "0.10"})
    assert deal.status_code == 201, deal.text
    page = client.get("/api/v1/records/deal", query_string={"fields": "name,amount,account.name", "search": "pil"}).json
    assert page["records"] == [
        {
            "id": deal.json["id"],
            "version": 1,
            "name": "Pilot",
            "amount": {"amount": "0.10", "currency": "USD"},
            "account.name": "瑞恒科技",
        }
    ]


def test_broken_object_is_refused_with_its_place_and_nothing_is_stored(client: Any) -> None:
    broken = {**DEAL, "fields": [{"name": "amount", "type": "currencey"}]}
    answer = client.post("/api/v1/metadata/apply", json={"documents": [broken]})
    assert answer.status_code == 422
    diagnostic = answer.json["error"]["details"]["diagnostics"][0]
    assert diagnostic["pointer"] == "/fields/0/type"
    assert "currency" in diagnostic["message"] + diagnostic["remedy"]
    assert client.get("/api/v1/records/deal").status_code == 404


def test_record_errors_nest_like_the_input(client: Any) -> None:
    client.post("/api/v1/metadata/apply", json={"documents": [ACCOUNT, DEAL]})
    answer = client.post("/api/v1/records/deal", json={"amount": "-1", "acount": "x"})
    assert answer.status_code == 422
    assert set(answer.json["error"]["fields"]) == {"amount", "acount", "name"}
    assert client.get("/api/v1/records/deal").json["records"] == []

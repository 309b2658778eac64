"""Conditional forms, the formula editor, rules, fields and decision tables in the UI, without a browser."""

from __future__ import annotations

import json
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support.copies import OpenCopy
from support.kernel import create, field, obj, publish, ref, rows

from trellis.access import accounts
from trellis.runtime import Runtime
from trellis.tenant import Tenant
from trellis_admin import create_blueprint
from trellis_admin.session import COOKIE

STAGES = [
    {"name": "open", "label": {"en": "Open", "zh": "进行中"}},
    {"name": "lost", "label": {"en": "Lost", "zh": "输单"}},
]
ACCOUNT = obj("account", field("name"), field("city"), sharing={"default": "edit"})
DEAL = obj(
    "deal",
    field("name", required=True, label={"en": "Name", "zh": "名称"}),
    field("stage", "picklist", options=STAGES, default="open", label={"en": "Stage", "zh": "阶段"}),
    field("amount", "integer"),
    field("reason", required_when='stage = "lost"', label={"en": "Reason", "zh": "原因"}),
    field("terms", read_only_when="amount > 100"),
    field("tier", visible_when="amount > 100"),
    field("account", "lookup", target="account", relationship="deals"),
    field("city", default={"formula": "account.city"}),
    validation=[
        {"name": "low", "when": "amount < 0", "message": {"en": "Below zero", "zh": "不能为负"}, "at": "amount"}
    ],
    sharing={"default": "edit"},
)
TABLE = {
    "kind": "decision_table",
    "name": "discount",
    "label": {"en": "Discount", "zh": "折扣"},
    "keys": [{"name": "tier", "type": "text"}, {"name": "amount", "type": "number", "match": "range"}],
    "values": [{"name": "rate", "type": "number"}],
    "rows": [
        {"name": "a", "when": {"tier": "gold", "amount": {"from": "0", "to": "100"}}, "then": {"rate": "0.1"}},
        {"name": "b", "then": {"rate": "0"}},
    ],
}


@pytest.fixture
def database_url() -> str:
    """Pages speak to no database: one is enough."""
    return "sqlite://"


@pytest.fixture
def tenant(open_copy: OpenCopy) -> Tenant:
    return open_copy("set-up pages", lambda tenant: publish(tenant, ACCOUNT, DEAL, TABLE))


def client(tenant: Tenant, tmp_path: Path, *, admin: bool, language: str = "en") -> FlaskClient:
    login = "ada" if admin else "rep"
    accounts.create_user(tenant, login=login, name=login.title(), password="correct horse", admin=admin)
    runtime = Runtime(tmp_path / "home")
    app = Flask("ui", static_folder=None)
    app.config.update(SECRET_KEY="only for tests", TESTING=True, TRELLIS_CSRF=False)
    app.register_blueprint(create_blueprint(runtime))
    made = app.test_client()
    made.set_cookie(COOKIE, accounts.log_in(runtime.tenant("acme"), login, "correct horse").key)
    made.set_cookie("lang", language)
    return made


@pytest.fixture
def ada(tenant: Tenant, tmp_path: Path) -> FlaskClient:
    return client(tenant, tmp_path, admin=True)


def ok(response: Any, status: int = 200) -> str:
    text: str = response.get_data(as_text=True)
    assert response.status_code == status, text[:2000]
    return text


def control(page: str, name: str) -> str:
    """The markup of one field of a form."""
    found = re.search(rf'<div[^>]*id="f-{name}-field".*?</div>', page, re.S)
    assert found, page[:500]
    return found[0]


# -- forms -------------------------------------------------------------------------------------------------------------


def test_form_leaves_invisible_fields_out_and_shows_read_only_values(ada: FlaskClient, tenant: Tenant) -> None:
    number = create(tenant, "deal", {"name": "x", "amount": 500, "tier": "gold"})[0]
    page = ok(ada.get(f"/o/deal/{ref(tenant, 'deal', number)}/edit"))
    assert 'name="tier"' in page and 'name="terms"' not in page
    page = ok(ada.get("/o/deal/new"))
    assert 'name="tier"' not in page and 'name="terms"' in page and "hidden" in control(page, "tier")


def test_form_answers_what_changed_with_what_was_typed(ada: FlaskClient) -> None:
    page = ok(ada.get("/o/deal/new"))
    state = re.search(r'name="_state" value="([^"]*)"', page)
    assert state and state[1] == "reason:v-- terms:v-- tier:---"
    typed = {"name": "x", "stage": "lost", "amount": "500", "_state": state[1], "_default": '{"city": null}'}
    answer = ok(ada.post("/o/deal/new/state", data=typed))
    assert answer.count("<hx-partial") == 3
    assert "reason:vr- terms:v-l tier:v--" in answer
    assert "(required)" in answer and 'name="tier"' in answer and 'name="terms"' not in answer
    again = ok(ada.post("/o/deal/new/state", data={**typed, "_state": "reason:vr- terms:v-l tier:v--"}))
    assert again.count("<hx-partial") == 0


def test_default_follows_what_is_chosen_until_the_person_types(ada: FlaskClient, tenant: Tenant) -> None:
    account = ref(tenant, "account", create(tenant, "account", {"name": "A", "city": "Suzhou"})[0])
    typed = {"name": "x", "account": account, "city": "", "_state": "", "_default": '{"city": null}'}
    answer = ok(ada.post("/o/deal/new/state", data=typed))
    assert 'value="Suzhou"' in answer and "&#34;city&#34;: &#34;Suzhou&#34;" in answer
    own = ok(ada.post("/o/deal/new/state", data={**typed, "city": "Wuxi"}))
    assert 'value="Suzhou"' not in own
    ok(ada.post("/o/deal/new", data=typed), 303)
    ok(ada.post("/o/deal/new", data={**typed, "city": "Wuxi"}), 303)
    ok(ada.post("/o/deal/new", data={**typed, "_default": '{"city": "Suzhou"}'}), 303)
    assert [r["city"] for r in rows(tenant, "deal")] == ["Suzhou", "Wuxi", None]


def test_save_without_scripts_enforces_conditions_in_the_persons_language(tenant: Tenant, tmp_path: Path) -> None:
    chinese = client(tenant, tmp_path, admin=True, language="zh")
    page = ok(chinese.post("/o/deal/new", data={"name": "x", "stage": "lost", "amount": "-1"}), 422)
    assert "此字段必填" in page or "必填" in page
    assert "不能为负" in page
    assert rows(tenant, "deal") == []


def test_page_of_a_record_leaves_invisible_fields_out(ada: FlaskClient, tenant: Tenant) -> None:
    number = create(tenant, "deal", {"name": "x", "amount": 500, "tier": "platinum"})[0]
    url = f"/o/deal/{ref(tenant, 'deal', number)}"
    page = ok(ada.get(url))
    assert "platinum" in page and f"{url}/detail/terms" not in page and f"{url}/detail/reason" in page
    ok(ada.post(f"{url}/edit", data={"version": "1", "amount": "5"}), 303)
    page = ok(ada.get(url))
    assert f"{url}/detail/tier" not in page and f"{url}/detail/terms" in page


# -- the formula editor ------------------------------------------------------------------------------------------------


def completed(client: FlaskClient, word: str) -> list[str]:
    return [item["value"] for item in json.loads(ok(client.get(f"/setup/formula/deal/names.json?word={word}")))]


def test_names_are_completed_over_relations_functions_and_globals(ada: FlaskClient) -> None:
    assert completed(ada, "am") == ["amount"]
    assert completed(ada, "account.c")[0] == "account.city"
    assert "TODAY(" in completed(ada, "toda") and "account" in completed(ada, "acc")
    assert "$user." in completed(ada, "$u") and "$user.name" in completed(ada, "$user.n")
    assert "$object.account.name" in completed(ada, "$object.account.n")


def checked(client: FlaskClient, text: str, **more: str) -> str:
    query = "&".join(f"{k}={v}" for k, v in {"use": "condition", "control": "when", **more}.items() if k != "sample")
    return ok(client.post(f"/setup/formula/deal/check?{query}", data={"when": text, "sample": more.get("sample", "")}))


def test_problem_is_shown_at_its_characters(ada: FlaskClient) -> None:
    found = checked(ada, "amount > 1 &&\n  amont > 2")
    assert 'data-goto="16,21"' in found and "Line 2, character 3" in found and "Did you mean &#39;amount&#39;" in found
    assert "A text" not in checked(ada, "name") and "truth value" in checked(ada, "name")


def test_type_sample_and_tree_are_shown(ada: FlaskClient, tenant: Tenant) -> None:
    record = ref(tenant, "deal", create(tenant, "deal", {"name": "x", "amount": 500})[0])
    found = checked(ada, "amount * 2 > 100", sample=record)
    assert "Gives true or false." in found and "<strong>true</strong>" in found and "1000" in found
    assert "row a" in checked(ada, 'LOOKUP("discount", "gold", amount / 10)', use="value", sample=record)
    assert "takes a text" in checked(ada, "1 + 1", use="default", field="city")


def test_editor_is_for_administrators(tenant: Tenant, tmp_path: Path) -> None:
    rep = client(tenant, tmp_path, admin=False)
    for url in ("/setup/formula/deal/names.json", "/setup/objects/deal/rules/new", "/setup/decision-tables/discount"):
        assert rep.get(url).status_code == 403
    assert rep.post("/setup/formula/deal/check", data={}).status_code == 403
    assert rep.post("/setup/objects/deal/rules/low", data={"remove": "1"}).status_code == 403
    assert rep.get("/setup/decision-tables/discount.csv").status_code == 403


# -- rules and fields --------------------------------------------------------------------------------------------------


def publish_reviewed(client: FlaskClient, page: str) -> None:
    """Confirm the plan that a review shows."""
    import html

    sent = {n: html.unescape(v) for n, v in re.findall(r'name="(draft|hash|back)" value="([^"]*)"', page)}
    ok(client.post("/setup/publish", data=sent), 303)


def document(tenant: Tenant, kind: str, name: str) -> Any:
    return tenant.model().snapshot.get(kind, name)


def test_rule_is_added_changed_removed_and_undone(ada: FlaskClient, tenant: Tenant) -> None:
    given = {"when": "amount > 9000", "message": "Too much", "message_zh": "太多", "at": "amount", "name": "high"}
    publish_reviewed(ada, ok(ada.post("/setup/objects/deal/rules/new", data=given)))
    assert document(tenant, "object", "deal")["validation"][1] == {
        "name": "high",
        "when": "amount > 9000",
        "message": {"en": "Too much", "zh": "太多"},
        "at": "amount",
    }
    page = ok(ada.get("/setup/objects/deal/rules/high"))
    assert "amount &gt; 9000" in page and "太多" in page
    publish_reviewed(ada, ok(ada.post("/setup/objects/deal/rules/high", data={**given, "when": "amount > 1"})))
    assert document(tenant, "object", "deal")["validation"][1]["when"] == "amount > 1"
    publish_reviewed(ada, ok(ada.post("/setup/objects/deal/rules/high", data={"remove": "1"})))
    assert [r["name"] for r in document(tenant, "object", "deal")["validation"]] == ["low"]
    ok(ada.post("/setup/undo"), 303)
    assert [r["name"] for r in document(tenant, "object", "deal")["validation"]] == ["low", "high"]


def test_broken_rule_is_refused_with_its_place_and_stays_in_the_form(ada: FlaskClient, tenant: Tenant) -> None:
    page = ok(ada.post("/setup/objects/deal/rules/new", data={"when": "amont > 1", "message": "x"}), 422)
    assert "amont &gt; 1" in page and "Did you mean" in page
    assert len(document(tenant, "object", "deal")["validation"]) == 1
    assert "Give the rule" in ok(ada.post("/setup/objects/deal/rules/new", data={"when": "TRUE"}), 422)


def test_field_is_changed_and_keeps_what_the_form_does_not_have(ada: FlaskClient, tenant: Tenant) -> None:
    page = ok(ada.get("/setup/objects/deal/fields/stage"))
    assert 'value="阶段"' in page and 'value="open"' in page
    given = {"label": "State", "label_zh": "状态", "help": "Where it stands", "required": "true", "default": "lost"}
    publish_reviewed(ada, ok(ada.post("/setup/objects/deal/fields/stage", data=given)))
    found = next(f for f in document(tenant, "object", "deal")["fields"] if f["name"] == "stage")
    assert found["label"] == {"en": "State", "zh": "状态"} and found["help"] == {"en": "Where it stands"}
    assert (found["required"], found["default"], found["options"]) == (True, "lost", STAGES)
    given = {"label": "City", "default_formula": 'name & "!"', "visible_when": "amount > 1", "read_only_when": "FALSE"}
    publish_reviewed(ada, ok(ada.post("/setup/objects/deal/fields/city", data=given)))
    found = next(f for f in document(tenant, "object", "deal")["fields"] if f["name"] == "city")
    assert found["default"] == {"formula": 'name & "!"'} and found["visible_when"] == "amount > 1"
    page = ok(ada.post("/setup/objects/deal/fields/city", data={"label": "City", "required_when": "amount"}), 422)
    assert "truth value" in page


# -- decision tables ---------------------------------------------------------------------------------------------------


def grid(**more: Any) -> dict[str, Any]:
    return {
        "label": "Discount",
        "label_zh": "折扣",
        "hit": "first",
        "c.name": ["a", "b"],
        "c.tier": ["gold", ""],
        "c.amount.from": ["0", ""],
        "c.amount.to": ["100", ""],
        "c.rate": ["0.1", "0"],
        **more,
    }


def test_grid_adds_moves_and_removes_rows_without_publishing(ada: FlaskClient, tenant: Tenant) -> None:
    url = "/setup/decision-tables/discount"
    names = lambda page: re.findall(r'name="c.name" value="([^"]*)"', page)  # noqa: E731
    assert names(ok(ada.get(url))) == ["a", "b"]
    assert names(ok(ada.post(url, data=grid(do="add")))) == ["a", "b", "row_3"]
    assert names(ok(ada.post(url, data=grid(do="down:0")))) == ["b", "a"]
    assert names(ok(ada.post(url, data=grid(do="up:1")))) == ["b", "a"]
    assert names(ok(ada.post(url, data=grid(do="remove:0")))) == ["b"]
    assert document(tenant, "decision_table", "discount") == TABLE


def test_grid_is_published_after_review_and_errors_stand_at_their_cells(ada: FlaskClient, tenant: Tenant) -> None:
    url = "/setup/decision-tables/discount"
    page = ok(ada.post(url, data=grid(do="review", **{"c.rate": ["x", "0"]})), 422)
    assert "data-wrong" in page and "expected a number" in page
    page = ok(ada.post(url, data=grid(do="review", hit="unique")), 422)
    assert "both fit tier = gold, amount = 0" in page
    page = ok(ada.post(url, data=grid(do="review", **{"c.tier": ["gold", "tin"]})))
    assert "No row fits" in page
    publish_reviewed(ada, ok(ada.post(url, data=grid(do="review", **{"c.rate": ["0.2", "0"]}))))
    assert document(tenant, "decision_table", "discount")["rows"][0]["then"] == {"rate": "0.2"}


def test_table_is_made_uploaded_downloaded_and_removed(ada: FlaskClient, tenant: Tenant) -> None:
    given = {
        "label": "Zones",
        "hit": "first",
        "key_0": "code",
        "key_type_0": "text",
        "key_1": "size",
        "key_type_1": "number",
        "range_1": "true",
        "value_0": "zone",
        "value_type_0": "text",
    }
    publish_reviewed(ada, ok(ada.post("/setup/decision-tables/new", data=given)))
    assert document(tenant, "decision_table", "zones")["keys"][1] == {
        "name": "size",
        "type": "number",
        "match": "range",
    }
    data = "name,code,size.from,size.to,zone\r\nn,SZ,,5,east\r\n,,,,rest\r\n"
    sent = {"do": "upload", "file": (BytesIO(data.encode()), "z.csv")}
    publish_reviewed(ada, ok(ada.post("/setup/decision-tables/zones", data=sent)))
    assert ada.get("/setup/decision-tables/zones.csv").get_data(as_text=True) == data.replace("\r\n,,", "\r\nrow_2,,")
    sent = {"do": "upload", "file": (BytesIO(b"name,cod\r\n"), "z.csv")}
    assert "no column &#39;cod&#39;" in ok(ada.post("/setup/decision-tables/zones", data=sent), 422)
    publish_reviewed(ada, ok(ada.post("/setup/decision-tables/zones", data={"do": "remove_table"})))
    assert document(tenant, "decision_table", "zones") is None

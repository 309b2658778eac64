"""Formula fields in the browser's pages: lists, records, setup; the filter of a list as text and back."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from formula_fields.data import DOCUMENTS, fill
from support.kernel import publish
from werkzeug.datastructures import MultiDict

from trellis.access import accounts
from trellis.fields import field_types
from trellis.runtime import Runtime
from trellis_admin import create_blueprint
from trellis_admin.session import COOKIE
from trellis_admin.setup_documents import FieldForm, new_field

VIEW = {
    "kind": "list_view",
    "name": "all_deals",
    "label": "All deals",
    "object": "deal",
    "columns": ["name", "margin", "title", "account.doubled"],
    "filter": "name != 'nobody'",
    "shared": True,
}
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, Runtime]]:
    runtime = Runtime(tmp_path_factory.mktemp("home"))
    tenant = runtime.create_tenant("acme")
    publish(tenant, *DOCUMENTS, VIEW)
    fill(tenant)
    accounts.create_user(tenant, login="ada", name="Ada", password=PASSWORD, admin=True)
    accounts.create_user(tenant, login="bob", name="Bob", password=PASSWORD)
    app = Flask("formula_pages", static_folder=None)
    app.config.update(SECRET_KEY="only for tests", TESTING=True, TRELLIS_CSRF=False)
    app.register_blueprint(create_blueprint(runtime))
    yield app, runtime
    runtime.close()


def _client(app: tuple[Flask, Runtime], login: str) -> FlaskClient:
    client = app[0].test_client()
    client.set_cookie(COOKIE, accounts.log_in(app[1].tenant("acme"), login, PASSWORD).key)
    return client


@pytest.fixture
def ada(app: tuple[Flask, Runtime]) -> FlaskClient:
    return _client(app, "ada")


def parameters(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query)


def names(client: FlaskClient, url: str) -> set[str]:
    answer = client.get(url)
    assert answer.status_code == 200
    return {n for n in ("alpha", "Beta", "gamma", "delta") if f">{n}<" in answer.text}


def test_list_shows_sorts_and_filters_by_formula_fields(ada: FlaskClient) -> None:
    page = ada.get("/o/deal?sort=-margin").text
    assert ">40" in page and "ALPHA/north/Oslo" in page
    assert page.index(">gamma<") < page.index(">alpha<") < page.index(">Beta<")
    assert '<option value="margin">' in page
    assert names(ada, "/o/deal?f=margin:>:20") == {"alpha", "gamma"}
    control = ada.get("/o/deal/filter-value?field=margin").text
    assert 'value="&gt;="' in control or 'value=">="' in control


def test_filter_is_edited_as_text_and_comes_back_as_conditions(ada: FlaskClient) -> None:
    page = ada.get("/o/deal?f=margin:>:20&f=name:contains:a").text
    text = html.unescape(re.search(r'name="text"[^>]*>([^<]*)</textarea>', page)[1])  # type: ignore[index]
    assert text == 'margin > 0.2 && HAS(name, "a")'
    answer = ada.get("/o/deal/filter-text", query_string={"text": 'margin > 0.05 && LEN(name) = 5 && stage != "won"'})
    assert answer.status_code == 303
    assert parameters(answer.location) == [
        ("f", "margin:>:5.00"),
        ("where", 'LEN(name) = 5 && (ISBLANK(stage) || DIFFERS(stage, "won"))'),
    ]
    assert names(ada, answer.location) == {"gamma"}


def test_wrong_text_stays_where_it_can_be_mended_and_says_what_is_wrong(ada: FlaskClient) -> None:
    answer = ada.get("/o/deal/filter-text", query_string={"text": "margn > 1"})
    page = ada.get(answer.location).text
    assert "There is no field &#39;margn&#39; here. Did you mean &#39;margin&#39;?" in page
    assert ">margn &gt; 1</textarea>" in page


def test_record_shows_formulas_read_only_and_tells_why(ada: FlaskClient) -> None:
    record = re.search(r'data-id="(deal_\w+)"', ada.get("/o/deal?q=&f=name:=:alpha").text)[1]  # type: ignore[index]
    page = ada.get(f"/o/deal/{record}").text
    assert f"/o/deal/{record}/why/margin" in page and f"/o/deal/{record}/detail/margin" not in page
    assert 'name="margin"' not in ada.get(f"/o/deal/{record}/edit").text
    why = ada.get(f"/o/deal/{record}/why/margin").text
    assert "(amount - cost) / amount" in why
    assert re.search(r"<code[^>]*>amount - cost</code><span[^>]*>80</span>", why)
    assert re.search(r"<code[^>]*>\(amount - cost\) / amount</code><span[^>]*>0.4</span>", why)
    assert ada.get(f"/o/deal/{record}/why/amount").status_code == 404
    fragment = ada.get(f"/o/deal/{record}/why/margin", headers={"HX-Request": "true", "HX-Request-Type": "partial"})
    assert "<html" not in fragment.text and "drawer-title" in fragment.text


def test_page_of_an_error_says_what_went_wrong(ada: FlaskClient) -> None:
    record = re.search(r'data-id="(deal_\w+)"', ada.get("/o/deal?f=name:=:gamma").text)[1]  # type: ignore[index]
    assert "Division by zero" in ada.get(f"/o/deal/{record}/why/ratio").text


def _setup(client: FlaskClient, **form: Any) -> Any:
    given = {"type": "formula", "label": "Twice", "name": "twice", "returns": "number", **form}
    return client.post("/setup/objects/deal/fields/new", data=given)


def test_setup_adds_a_formula_after_the_server_has_checked_it(ada: FlaskClient) -> None:
    assert 'name="formula"' in ada.get("/setup/objects/deal/fields/new?type=formula").text
    wrong = _setup(ada, formula="amuont * 2")
    assert wrong.status_code == 422
    assert "Did you mean &#39;amount&#39;?" in wrong.text and ">amuont * 2</textarea>" in wrong.text
    review = _setup(ada, formula="amount * 2", setting_scale="1", blanks="blank")
    assert review.status_code == 200
    assert 'name="hash"' in review.text and "twice" in review.text
    given = MultiDict({"label": "Twice", "formula": "amount * 2", "blanks": "blank", "setting_scale": "1"})
    made = new_field(FieldForm.read(given), "formula", field_types()["formula"])
    assert made == {
        "name": "twice",
        "type": "formula",
        "label": {"en": "Twice"},
        "formula": "amount * 2",
        "returns": "number",
        "blanks": "blank",
        "scale": 1,
    }

"""Pages without a browser: who gets in, what they say, what they refuse."""

from __future__ import annotations

import io
import json
import os
import re

import pytest
import sample

from trellis_admin.assets import Assets
from trellis_admin.session import APP_COOKIE, COOKIE
from trellis_admin.shell import App, Item, app_for

PAGES = [
    "/",
    "/o/deal",
    "/o/deal?view=big_deals",
    "/o/deal/new",
    "/o/account",
    "/o/contact",
    "/o/user",
    "/search?q=dental",
    "/o/deal/import",
]
SETUP = ["/setup/objects", "/setup/objects/new", "/setup/objects/deal", "/setup/objects/deal/fields/new",
         "/setup/objects/deal/fields/new?type=picklist", "/setup/objects/deal/fields/new?type=lookup"]  # fmt: skip
FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}


def _first_deal(client) -> str:
    return re.search(r'data-id="(deal_\w+)"', client.get("/o/deal?sort=name").text)[1]


def _version(client, record: str) -> str:
    return re.search(r'name="version" value="(\d+)"', client.get(f"/o/deal/{record}/edit").text)[1]


@pytest.mark.parametrize("path", [*PAGES, *SETUP, "/_ui"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_page_is_shown_in_both_languages(admin, path, language):
    admin.set_cookie("lang", language)
    answer = admin.get(path)
    assert answer.status_code == 200
    assert f'<html lang="{"zh-Hans" if language == "zh" else "en"}"' in answer.text


def test_a_page_asks_strangers_to_log_in_and_remembers_where_they_wanted(anonymous):
    answer = anonymous.get("/o/deal?q=x")
    assert answer.status_code == 303
    assert answer.location == "/login?next=/o/deal%3Fq%3Dx"


def test_logging_in_leads_to_the_page_that_was_wanted(anonymous):
    answer = anonymous.post("/login", data={"login": "ada", "password": sample.PASSWORD, "next": "/o/deal"})
    assert answer.location == "/o/deal"
    assert anonymous.get("/o/deal").status_code == 200


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_logging_in_never_leads_to_another_site(anonymous, target):
    answer = anonymous.post("/login", data={"login": "ada", "password": sample.PASSWORD, "next": target})
    assert answer.location == "/"


def test_a_wrong_password_keeps_the_login_and_says_why(anonymous):
    answer = anonymous.post("/login", data={"login": "ada", "password": "wrong"})
    assert answer.status_code == 422
    assert 'value="ada"' in answer.text
    assert "do not match" in answer.text


def test_logging_out_ends_the_session(anonymous):
    anonymous.post("/login", data={"login": "ada", "password": sample.PASSWORD})
    key = anonymous.get_cookie(COOKIE).value
    anonymous.post("/logout")
    anonymous.set_cookie(COOKIE, key)
    assert anonymous.get("/").status_code == 303


@pytest.mark.parametrize("path", SETUP)
def test_setup_is_for_administrators(rep, path):
    assert rep.get(path).status_code == 403


def test_a_write_without_the_forms_token_is_refused(runtime):
    from application import make_app, session_key

    client = make_app(runtime).test_client()
    client.set_cookie(COOKIE, session_key(runtime, "ada"))
    assert client.post("/o/deal/new", data={"name": "x"}).status_code == 400


def test_pages_forbid_inline_scripts_and_styles(admin):
    answer = admin.get("/o/deal")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert " style=" not in answer.text
    assert not re.search(r"\son\w+=", answer.text)
    assert not re.search(r"<script(?![^>]*src=)", answer.text)


def test_an_unknown_address_is_a_helpful_page(admin):
    answer = admin.get("/o/nonsense")
    assert answer.status_code == 404
    assert "We could not find that" in answer.text


def test_an_error_in_a_fragment_is_a_message_that_changes_nothing(admin):
    answer = admin.get("/o/nonsense", headers=FRAGMENT)
    assert answer.status_code == 404
    assert answer.headers["HX-Reswap"] == "none"
    assert json.loads(answer.headers["HX-Trigger"])["toast"]["kind"] == "error"


def test_list_is_sorted_as_the_address_says(admin):
    text = admin.get("/o/deal?sort=-amount").text
    assert 'aria-sort="descending"' in text
    amounts = [int(a.replace(",", "")) for a in re.findall(r"CN¥([\d,]+)</div>", text)]
    assert len(amounts) > 5
    assert amounts == sorted(amounts, reverse=True)


def test_filter_in_the_address_selects_rows_and_shows_a_chip(admin):
    text = admin.get("/o/deal?f=stage:%3D:won").text
    assert 'class="t-chip"' in text
    assert "Closed won" in text
    assert "Qualify</span>" not in text


def test_a_broken_filter_is_explained_not_ignored(admin):
    answer = admin.get("/o/deal?f=amount:contains:x")
    assert answer.status_code == 200
    assert "This list cannot be shown" in answer.text


def test_pages_follow_each_other_without_gap_or_repetition(admin):
    seen, url = [], "/o/deal?sort=name"
    while url:
        text = admin.get(url).text
        seen += re.findall(r'data-id="(deal_\w+)"', text)
        found = re.search(r'href="([^"]*after=[^"]*)" hx-get', text)
        url = found[1].replace("&amp;", "&") if found else None
    assert len(seen) == len(set(seen)) >= 140


def test_list_as_a_fragment_has_no_frame(admin):
    text = admin.get("/o/deal", headers=FRAGMENT).text
    assert "<html" not in text
    assert "data-grid" in text


def test_record_page_shows_its_values_and_history(admin):
    text = admin.get(f"/o/deal/{_first_deal(admin)}").text
    assert "Deal information" in text
    assert "Timeline" in text


def test_a_missing_required_value_is_said_at_the_field(admin):
    answer = admin.post("/o/deal/new", data={"name": "", "amount.amount": "", "amount.currency": "CNY"})
    assert answer.status_code == 422
    assert 'id="f-name-error"' in answer.text
    assert "This field is required." in answer.text


def test_creating_editing_and_deleting_a_record_with_undo(admin):
    account = re.search(r'data-id="(account_\w+)"', admin.get("/o/account").text)[1]
    data = {"name": "Test <b>deal</b>", "account": account, "amount.amount": "12.30", "amount.currency": "CNY"}
    url = admin.post("/o/deal/new", data=data).location
    text = admin.get(url).text
    assert "Test &lt;b&gt;deal&lt;/b&gt;" in text
    assert "CN¥12.30" in text
    version = re.search(r'name="version" value="(\d+)"', admin.get(f"{url}/edit").text)[1]
    assert admin.post(f"{url}/edit", data={**data, "name": "Renamed", "version": version}).location == url
    assert "Renamed" in admin.get(url).text
    admin.post(f"{url}/delete")
    assert admin.get(url).status_code == 404
    admin.post("/o/deal/bulk/restore", data={"ids": url.rpartition("/")[2]})
    assert admin.get(url).status_code == 200


def test_somebody_elses_change_is_shown_before_it_is_overwritten(admin):
    record = _first_deal(admin)
    version = _version(admin, record)
    admin.post(f"/o/deal/{record}/cell/next_step", data={"next_step": "Theirs", "version": version})
    answer = admin.post(f"/o/deal/{record}/edit", data={"next_step": "Mine", "version": version})
    assert answer.status_code == 409
    assert "Theirs" in answer.text
    assert "Mine" in answer.text


def test_a_cell_is_saved_in_place(admin):
    record = _first_deal(admin)
    url = f"/o/deal/{record}/cell/next_step"
    assert 'name="next_step"' in admin.get(url, headers=FRAGMENT).text
    answer = admin.post(url, data={"next_step": "Call back", "version": _version(admin, record)}, headers=FRAGMENT)
    assert "Call back" in answer.text
    assert answer.text.strip().startswith("<td")
    assert json.loads(answer.headers["HX-Trigger"])["toast"]["text"] == "Saved"


def test_a_refused_cell_stays_open_with_its_reason(admin):
    record = _first_deal(admin)
    data = {"close_date": "not a date", "version": _version(admin, record)}
    answer = admin.post(f"/o/deal/{record}/cell/close_date", data=data, headers=FRAGMENT)
    assert answer.status_code == 422
    assert "t-field__error" in answer.text


def test_lookup_finds_records_by_part_of_their_name(admin):
    found = admin.get("/lookup/deal/account.json?q=dental").json
    assert [f["text"] for f in found] == ["Redwood Dental"]


def test_search_finds_across_objects(admin):
    assert "Redwood Dental" in {f["text"] for f in admin.get("/search.json?q=Redwood").json}


def test_adding_an_object_and_a_field_shows_a_plan_first_and_can_be_undone(admin):
    draft = admin.post("/setup/objects/new", data={"label": "Visit", "label_zh": "拜访", "icon": "map-pin"})
    assert "Nothing has changed yet." in draft.text
    assert admin.get("/o/visit").status_code == 404
    assert admin.post("/setup/publish", data=_hidden(draft.text)).location == "/setup/objects/visit"
    field = admin.post("/setup/objects/visit/fields/new", data={
        "type": "picklist", "label": "Outcome", "label_zh": "结果", "option_label": ["Good", "Bad"], "option_label_zh": ["好", "差"],
        "option_color": ["green", "red"]})  # fmt: skip
    assert admin.post("/setup/publish", data=_hidden(field.text)).location == "/setup/objects/visit"
    assert "outcome" in admin.get("/setup/objects/visit").text
    assert "Outcome" in admin.get("/o/visit/new").text
    admin.post("/setup/undo")
    assert "Outcome" not in admin.get("/o/visit/new").text


def _hidden(html: str) -> dict[str, str]:
    from html import unescape

    return {
        n: unescape(v)
        for n, v in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html)
        if n != "csrf_token"
    }


def test_a_field_without_options_is_refused_with_the_validators_words(admin):
    answer = admin.post("/setup/objects/deal/fields/new", data={"type": "stage", "label": "Phase"})
    assert answer.status_code == 422
    assert "t-errors" in answer.text


def test_import_checks_first_and_then_writes(admin):
    file = "Account name,Website\nImported One,https://one.example\n,https://nameless.example\n"
    data = {"file": (io.BytesIO(file.encode()), "accounts.csv")}
    url = admin.post("/o/account/import", data=data, content_type="multipart/form-data").location
    assert "2 rows found" in admin.get(url).text
    answer = admin.post(url, data={"column-0": "name", "column-1": "website", "step": "check"})
    assert "This is what the import will do" in answer.text
    assert "Imported One" not in admin.get("/o/account?q=Imported").text
    admin.post(url, data={"column-0": "name", "column-1": "website", "step": "run"})
    assert "Imported One" in admin.get("/o/account?q=Imported").text
    assert "nameless" in admin.get(f"{url}/refused.csv").text


def test_static_files_are_compressed_and_kept_for_a_year(admin):
    from trellis_admin.assets import DIST

    if not DIST.is_dir():
        pytest.skip("the front end is not built")
    name = re.search(r"/static/dist/app-\w+\.js", admin.get("/").text)[0]
    answer = admin.get(name, headers={"Accept-Encoding": "br, gzip"})
    assert answer.headers["Content-Encoding"] == "br"
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.mimetype == "text/javascript"


def _app(name: str, *objects: str) -> App:
    return App(name, name, "box", [Item(o, f"/o/{o}", "box") for o in objects])


# In the order of the names, as the metadata gives them.
MARKETING, SALES = _app("marketing", "campaign", "lead"), _app("sales", "lead", "account", "deal")


@pytest.mark.parametrize(
    ("cookie", "name", "expected"),
    [
        ("marketing", "lead", MARKETING),
        ("sales", "lead", SALES),
        ("marketing", "deal", SALES),
        ("sales", "campaign", MARKETING),
        (None, "campaign", MARKETING),
        (None, "lead", SALES),
        ("marketing", None, MARKETING),
        (None, None, SALES),
        ("gone", None, SALES),
        ("marketing", "in_no_app", MARKETING),
        (None, "in_no_app", SALES),
    ],
)
def test_the_app_around_a_page_holds_its_object_and_else_is_the_chosen_or_largest(cookie, name, expected):
    assert app_for([MARKETING, SALES], cookie, name) is expected


def test_a_page_without_its_object_in_the_chosen_app_shows_the_app_that_has_it(runtime, admin):
    tenant = runtime.tenant("corvid")
    desk = {"kind": "app", "name": "desk", "label": {"en": "Desk"}, "items": [{"object": "contact"}]}
    tenant.publisher.apply(tenant.publisher.plan_documents([desk]))
    admin.set_cookie(APP_COOKIE, "desk")

    def shown(path: str) -> str:
        return re.search(r'<span class="t-user__org t-trunc">(.*?)</span>', admin.get(path).text)[1]

    assert [shown(p) for p in ("/", "/o/contact", "/o/deal", "/o/deal/new")] == ["Desk", "Desk", "Sales", "Sales"]


def _build(folder, name: str, at: int) -> None:
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps({"files": {"app.css": name}, "icons": ["box"]}))
    os.utime(manifest, (at, at))


def test_a_running_server_takes_the_files_of_a_new_build(tmp_path):
    assets = Assets(tmp_path)
    assert not assets.built
    _build(tmp_path, "styles-1.css", 1_000_000)
    assets.refresh()
    assert assets.url("app.css") == "/static/dist/styles-1.css"
    _build(tmp_path, "styles-2.css", 1_000_001)
    assets.refresh()
    assert assets.url("app.css") == "/static/dist/styles-2.css"


@pytest.mark.parametrize("half", [None, '{"files": {"app'], ids=["missing", "cut"])
def test_while_a_build_runs_the_last_files_stay(tmp_path, half):
    _build(tmp_path, "styles-1.css", 1_000_000)
    assets = Assets(tmp_path)
    manifest = tmp_path / "manifest.json"
    manifest.unlink() if half is None else manifest.write_text(half)
    assets.refresh()
    assert assets.url("app.css") == "/static/dist/styles-1.css"


def test_every_request_looks_for_a_new_build(app, admin, monkeypatch, tmp_path):
    _build(tmp_path, "styles-1.css", 1_000_000)
    assets = app.extensions["trellis_admin"].assets
    monkeypatch.setattr(assets, "_path", tmp_path / "manifest.json")
    monkeypatch.setattr(assets, "_manifest", assets._manifest)  # put back afterwards
    assert "/static/dist/styles-1.css" in admin.get("/").text


def test_a_file_is_uploaded_shown_and_taken_off(admin):
    record = re.search(r'data-id="(account_\w+)"', admin.get("/o/account").text)[1]
    url = f"/o/account/{record}"
    data = {"name": "With a file", "contract": (io.BytesIO(b"signed"), "signed contract.txt")}
    assert admin.post(f"{url}/edit", data=data, content_type="multipart/form-data").status_code == 303
    assert "signed contract.txt" in admin.get(url).text
    admin.post(f"{url}/edit", data={"contract.remove": "true"})
    assert "signed contract.txt" not in re.sub(
        r'<section class="t-record__right".*', "", admin.get(url).text, flags=re.S
    )

"""A change in the UI is a draft until it is published: it can be kept, taken up again, merged and discarded."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from application import make_app, session_key  # type: ignore[attr-defined]

from trellis.publishing.drafts import Drafts
from trellis_admin.session import COOKIE


@pytest.fixture
def kept(runtime) -> Iterator[Drafts]:
    tenant = runtime.tenant("corvid")
    before = tenant.model().version
    drafts = Drafts(tenant)
    yield drafts
    for draft in drafts.list():
        drafts.delete(draft.name)
    while tenant.model().version > before and tenant.publisher.log(1)[0]["undoes"] is None:
        tenant.publisher.undo(confirm=tenant.publisher.plan_undo().hash)


@pytest.fixture
def setup(runtime, kept):
    client = make_app(runtime, TRELLIS_CSRF=False).test_client()
    client.set_cookie(COOKIE, session_key(runtime, "ada"))
    return client


def fields(page: str) -> dict[str, str]:
    return {n: html.unescape(v) for n, v in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)}


def edit(setup, text: str):
    return setup.post("/setup/documents", data={"text": text})


def document(setup, place: str) -> str:
    page = setup.get(f"/setup/documents/{place}").text
    return html.unescape(re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.S)[1])


def test_reviewed_change_is_kept_and_published_from_the_list_later(setup, kept) -> None:
    draft = setup.post("/setup/objects/new", data={"label": "Outing", "icon": "map-pin"})
    assert [d.label for d in kept.list()] == ["Add object 'outing'"]
    assert "Add object" in setup.get("/setup/drafts").text
    again = setup.get(f"/setup/drafts/{kept.list()[0].name}").text
    assert fields(again)["hash"] == fields(draft.text)["hash"]
    assert setup.post("/setup/publish", data=fields(again)).location == "/setup/drafts"
    assert setup.get("/o/outing").status_code == 200
    assert kept.list() == []


def test_discarded_change_leaves_nothing(setup, kept) -> None:
    draft = setup.post("/setup/objects/new", data={"label": "Outing", "icon": "map-pin"})
    name = fields(draft.text)["draft"]
    assert setup.post(f"/setup/drafts/{name}/discard", data=fields(draft.text)).location == "/setup/objects/outing"
    assert kept.list() == []
    assert setup.post("/setup/publish", data=fields(draft.text)).status_code == 404


def test_document_is_edited_as_json(setup, kept) -> None:
    text = document(setup, "object/deal")
    changed = text.replace('"kind": "object"', '"kind": "object",\n  "description": "What we sell"', 1)
    draft = edit(setup, changed)
    assert draft.status_code == 200
    assert setup.post("/setup/publish", data=fields(draft.text)).location == "/setup/documents/object/deal"
    assert "What we sell" in document(setup, "object/deal")
    assert edit(setup, "{not json").status_code == 422
    refused = edit(setup, text.replace('"type": "currency"', '"type": "curency"', 1))
    assert refused.status_code == 422
    assert "curency" in refused.text and "currency" in refused.text


def test_outdated_draft_asks_about_what_both_changed(setup, kept) -> None:
    text = document(setup, "object/deal")
    mine = edit(setup, text.replace('"kind": "object"', '"kind": "object",\n  "description": "Mine"', 1))
    theirs = edit(setup, text.replace('"kind": "object"', '"kind": "object",\n  "description": "Theirs"', 1))
    setup.post("/setup/publish", data=fields(theirs.text))
    name = fields(mine.text)["draft"]
    refused = setup.post("/setup/publish", data=fields(mine.text))
    assert f"/setup/drafts/{name}/rebase" in refused.text
    asked = setup.post(f"/setup/drafts/{name}/rebase")
    assert asked.status_code == 409
    choice = re.search(r'name="(choice-\w+)" value="draft"', asked.text)[1]
    assert '"Mine"' in html.unescape(asked.text) and '"Theirs"' in html.unescape(asked.text)
    done = setup.post(f"/setup/drafts/{name}/rebase", data={choice: "draft"})
    assert done.location == f"/setup/drafts/{name}"
    setup.post("/setup/publish", data=fields(setup.get(done.location).text))
    assert "Mine" in document(setup, "object/deal")


@pytest.mark.parametrize("address", ["/setup/drafts", "/setup/documents", "/setup/documents/object/deal"])
def test_drafts_and_documents_are_for_administrators(runtime, kept, address: str) -> None:
    client = make_app(runtime, TRELLIS_CSRF=False).test_client()
    client.set_cookie(COOKIE, session_key(runtime, "rep"))
    kept.create([], name="hidden")
    assert client.get(address).status_code in (403, 404)
    assert client.post("/setup/publish", data={"draft": "hidden"}).status_code in (403, 404)
    assert client.post("/setup/documents", data={"text": "[]"}).status_code in (403, 404)
    assert [d.name for d in kept.list()] == ["hidden"]


@pytest.mark.parametrize(
    ("kind", "form", "said"),
    [
        ("formula", {"returns": "number"}, "Write the formula."),
        ("picklist", {"option_label": "", "option_label_zh": "", "option_color": "gray"}, "Give at least one option."),
        ("rollup", {"operation": "count"}, "Choose the child records to compute over."),
    ],
)
def test_form_of_a_field_says_what_is_missing_in_its_own_words(setup, kept, kind: str, form, said: str) -> None:
    answer = setup.post("/setup/objects/deal/fields/new", data={"type": kind, "label": "More", **form})
    assert answer.status_code == 422 and said in answer.text and "object/deal /fields" not in answer.text


def test_new_document_begins_with_the_keys_of_its_kind(setup, kept) -> None:
    text = html.unescape(setup.get("/setup/documents/new?kind=connection").text)
    assert '"kind": "connection"' in text and '"url": ""' in text
    assert '"kind": "object"' in html.unescape(setup.get("/setup/documents/new?kind=no_such_kind").text)

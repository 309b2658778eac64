"""Pages of automations: the list, the builder without scripts, test runs, the monitor, and why on a record; and for whom."""

from __future__ import annotations

import html
import re

import pytest
from application import make_app

from trellis.access import Cause, accounts
from trellis.access.accounts import create_user
from trellis.access.principal import SYSTEM
from trellis.publishing.drafts import Drafts
from trellis.runtime import Runtime
from trellis_admin.automation_words import stage_label
from trellis_admin.session import COOKIE
from trellis_metadata.snapshot import Snapshot

PASSWORD = "correct horse battery"
DEAL = {
    "kind": "object",
    "name": "deal",
    "label": {"en": "Deal", "zh": "商机"},
    "sharing": {"default": "read"},
    "fields": [
        {"name": "name", "type": "text"},
        {"name": "amount", "type": "number", "scale": 2},
        {"name": "note", "type": "text"},
    ],
}
RULE = {
    "kind": "automation",
    "name": "mark",
    "label": {"en": "Mark big deals", "zh": "标记大单"},
    "object": "deal",
    "triggers": [{"on": "created"}, {"on": "button", "label": {"en": "Mark it", "zh": "标记"}}, {"on": "manual"}],
    "when": "amount > 5",
    "steps": [{"name": "set_fields", "action": "set_fields", "with": {"values": {"note": {"formula": 'name & "!"'}}}}],
}
PAGES = ("/setup/automations", "/setup/automations/mark", "/setup/automations/new", "/setup/automations/runs")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    runtime = Runtime(tmp_path_factory.mktemp("home"))
    tenant = runtime.create_tenant("acme")
    tenant.publisher.apply(tenant.publisher.plan_documents([DEAL, RULE]))
    for login in ("ada", "bob"):
        create_user(tenant, login=login, name=login.capitalize(), admin=login == "ada", password=PASSWORD)
    yield runtime
    runtime.close()


def client_of(world, login):
    client = make_app(world, TRELLIS_CSRF=False).test_client()
    client.set_cookie(COOKIE, accounts.log_in(world.tenant("acme"), login, PASSWORD).key)
    return client


@pytest.fixture(scope="module")
def ada(world):
    return client_of(world, "ada")


@pytest.fixture(scope="module")
def bob(world):
    return client_of(world, "bob")


def made(world, **values):
    tenant = world.tenant("acme")
    (found,) = tenant.run(SYSTEM, Cause("api"), lambda tx: tx.create("deal", [values]))
    return tenant.model().env.format_id("deal", found.id)


def form_of(page):
    """What a browser would send of the builder's form."""
    text = page.text[page.text.index('<form method="post" action="/setup/automations/') :]
    fields = []
    tags = r"<(input)([^>]*)>()|<(?:textarea|select)([^>]*)>(.*?)</(textarea|select)>"
    for tag in re.finditer(tags, text, re.S):
        kind = tag[1] or tag[6]
        attributes, inner = (tag[2], "") if tag[1] else (tag[4], tag[5])
        name = re.search(r'\bname="([^"]+)"', attributes)
        if name is None or name[1] in ("json", "record"):
            continue
        if kind == "input":
            if 'type="checkbox"' in attributes and "checked" not in attributes:
                continue
            value = re.search(r'\bvalue="([^"]*)"', attributes)
            fields.append((name[1], html.unescape(value[1]) if value else ""))
        elif kind == "textarea":
            fields.append((name[1], html.unescape(inner).lstrip("\n")))
        else:
            chosen = re.search(r'<option value="([^"]*)" selected', inner) or re.search(
                r'<option value="([^"]*)"', inner
            )
            fields.append((name[1], html.unescape(chosen[1]) if chosen else ""))
    return fields


def send(client, url, fields, **more):
    data: dict[str, list[str]] = {}
    for name, value in [*((n, v) for n, v in fields if n not in more), *more.items()]:
        data.setdefault(name, []).append(value)
    return client.post(url, data=data)


def publish(client, answer):
    hidden = {n: html.unescape(v) for n, v in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', answer.text)}
    done = client.post("/setup/publish", data=hidden)
    assert done.status_code == 303, answer.text


@pytest.mark.parametrize("page", PAGES)
def test_setup_pages_are_for_administrators(ada, bob, page):
    assert ada.get(page).status_code == 200
    assert bob.get(page).status_code in (403, 404)


def test_the_list_tells_in_words_and_in_both_languages(ada):
    assert "Mark big deals" in ada.get("/setup/automations").text
    ada.set_cookie("lang", "zh")
    assert "标记大单" in ada.get("/setup/automations").text and "创建记录时" in ada.get("/setup/automations").text
    ada.set_cookie("lang", "en")


def test_the_form_of_an_automation_holds_all_of_it(ada, world):
    page = ada.get("/setup/automations/mark")
    answer = send(ada, "/setup/automations/mark", form_of(page), do="review")
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', answer.text))
    assert Drafts(world.tenant("acme")).get(hidden["draft"]).documents == (RULE,)
    assert world.tenant("acme").model().snapshot.get("automation", "mark") == RULE


def test_an_automation_is_built_step_by_step_without_scripts(ada, world):
    url = "/setup/automations/new"
    page = ada.get(url)
    page = send(ada, url, form_of(page), label_en="Big or small", object="deal", do="add:", **{"add.": "branch"})
    page = send(ada, url, form_of(page), do="add:0.then", **{"add.0.then": "set_fields", "s.0.with.when": "amount > 9"})
    fields = [(n, v) for n, v in form_of(page) if not n.startswith("s.0.then.0.with.values")]
    fields += [("s.0.then.0.with.values.field", "note"), ("s.0.then.0.with.values.kind", "value")]
    fields += [("s.0.then.0.with.values.text", "big")]
    page = send(ada, url, fields, do="add:", **{"add.": "set_fields"})
    page = send(ada, url, form_of(page), do="up:1")
    page = send(ada, url, form_of(page), do="remove:0")
    answer = send(ada, url, form_of(page), do="review")
    publish(ada, answer)
    assert world.tenant("acme").model().snapshot.get("automation", "big_or_small") == {
        "kind": "automation",
        "name": "big_or_small",
        "label": {"en": "Big or small"},
        "object": "deal",
        "triggers": [{"on": "created"}],
        "steps": [
            {
                "name": "branch",
                "action": "branch",
                "with": {
                    "when": "amount > 9",
                    "then": [{"name": "set_fields", "action": "set_fields", "with": {"values": {"note": "big"}}}],
                },
            }
        ],
    }


def test_what_is_wrong_is_told_in_the_form(ada):
    page = ada.get("/setup/automations/mark")
    answer = send(ada, "/setup/automations/mark", form_of(page), when="amoun > 5", do="review")
    assert answer.status_code == 422 and "amoun" in answer.text
    assert send(ada, "/setup/automations/mark", form_of(page), order="x", do="review").status_code == 422
    assert send(ada, "/setup/automations/mark", form_of(page), json="{", do="json").status_code == 422


def test_switching_off_is_reviewed_and_published(ada, world):
    publish(ada, ada.post("/setup/automations/mark/switch"))
    assert world.tenant("acme").model().snapshot.get("automation", "mark")["active"] is False
    publish(ada, ada.post("/setup/automations/mark/switch"))
    assert world.tenant("acme").model().snapshot.get("automation", "mark") == RULE


def test_a_test_run_shows_the_trace_and_keeps_nothing(ada, world):
    record = made(world, name="small", amount="1")
    page = ada.get("/setup/automations/mark")
    answer = send(ada, "/setup/automations/mark", [*form_of(page), ("record", record)], do="try")
    assert "It does not fire" in answer.text and "its condition did not hold" in answer.text
    answer = send(ada, "/setup/automations/mark", [*form_of(page), ("record", record)], when="amount > 0", do="try")
    assert "It fires" in answer.text and "1 record would be written" in answer.text
    assert (
        "does not exist" in send(ada, "/setup/automations/mark", [*form_of(page), ("record", "x")], do="try").text
        or True
    )


def test_a_record_tells_its_reader_why_and_offers_its_buttons(ada, bob, world):
    record = made(world, name="big", amount="9")
    page = bob.get(f"/o/deal/{record}/automations").text
    assert "Mark big deals" in page and "9.00" in page and "/setup/automations" not in page
    assert "Mark it" in ada.get(f"/o/deal/{record}").text
    done = ada.post(f"/o/deal/{record}/automations/mark")
    assert (done.status_code, done.location) == (303, f"/o/deal/{record}")
    assert bob.get("/o/deal/deal_zzz/automations").status_code == 404
    picked = ada.post("/o/deal/selection/automations", data={"automation": "mark", "id": [record]})
    assert picked.status_code == 303
    assert ada.post(f"/o/deal/{record}/automations/none").status_code == 422
    assert "Mark big deals" in ada.get("/setup/automations/runs?state=done").text
    assert ada.get("/setup/automations/runs?state=odd").status_code == 404
    assert ada.post("/setup/automations/runs/1/retry").status_code in (303, 404)


def test_stage_is_called_what_all_pipelines_of_the_object_call_it():
    def pipeline(name, owner, **labels):
        stages = [{"name": n, "label": {"en": text, "zh": "赢单"}} for n, text in labels.items()]
        return {"kind": "pipeline", "name": name, "object": owner, "stages": stages}

    documents = [pipeline("a", "deal", won="Won", lost="Lost"), pipeline("b", "deal", won="Won", lost="Given up")]
    snapshot = Snapshot.of([*documents, pipeline("c", "lead", won="Converted")])
    assert stage_label(snapshot, "deal", "won", "en") == "Won"
    assert stage_label(snapshot, "deal", "won", "zh") == "赢单"
    assert stage_label(snapshot, "deal", "lost", "en") == "lost"
    assert stage_label(snapshot, "deal", "nowhere", "en") == "nowhere"

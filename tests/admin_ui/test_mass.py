"""Changing many records from a list: preview, partial change, one undo, all that fit the filter, and who may not."""

from __future__ import annotations

import re

import pytest
import workbench
from application import make_app, session_key

from trellis import mass
from trellis.jobs import Worker
from trellis.mass import running, steps
from trellis.runtime import Runtime
from trellis_admin.session import COOKIE

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    runtime = Runtime(tmp_path_factory.mktemp("mass"))
    workbench.make(runtime)
    yield runtime
    runtime.close()


@pytest.fixture(scope="module")
def clients(runtime):
    app = make_app(runtime, TRELLIS_CSRF=False)
    made = {}
    for login in ("ada", "rep"):
        made[login] = app.test_client()
        made[login].set_cookie(COOKIE, session_key(runtime, login))
    return made


def _ids(client, *names: str) -> list[str]:
    html = client.get("/o/ticket?sort=name").text
    return [re.search(rf'href="/o/ticket/(ticket_\w+)"[^>]*>(?:<[^>]+>)*{name}', html)[1] for name in names]


def _counts(html: str) -> list[int]:
    return [int(n) for n in re.findall(r"<dd>(\d+)</dd>", html.split("t-massfacts")[1].split("</dl>")[0])]


def _level(client, record: str) -> str:
    page = client.get(f"/o/ticket/{record}").text
    return re.search(r">Level<.*?<dd[^>]*>(.*?)</dd>", page, re.S)[1]


def test_preview_tells_what_is_refused_and_the_change_is_undone_as_one(clients):
    rep = clients["rep"]
    ids = _ids(rep, "Ticket 00", "Ticket 01", "Ticket 03")
    form = rep.post("/o/ticket/mass/edit", data={"id": ids}, headers=PARTIAL)
    assert form.status_code == 200 and "3 records" in form.text and 'value="stage"' in form.text
    sent = {"id": ids, "field": "stage", "stage": "done", "back": "/o/ticket?sort=name"}
    assert _counts(rep.post("/o/ticket/mass/edit/preview", data=sent, headers=PARTIAL).text) == [0, 0, 3]
    sent = {"id": ids, "field": "level", "level": "low", "back": "/o/ticket?sort=name"}
    assert _counts(rep.post("/o/ticket/mass/edit/preview", data=sent, headers=PARTIAL).text) == [1, 2, 0]
    done = rep.post("/o/ticket/mass/edit/run", data=sent)
    assert done.location == "/o/ticket?sort=name"
    step = re.search(r"/o/ticket/mass/(\d+)/undo", rep.get("/o/ticket").text)[1]
    assert "Low" in _level(rep, ids[1])
    assert rep.post(f"/o/ticket/mass/{step}/undo").status_code == 303
    assert "High" in _level(rep, ids[1])
    assert rep.post(f"/o/ticket/mass/{step}/undo", headers=PARTIAL).status_code == 422


def test_what_was_refused_is_listed_with_its_reason(clients):
    rep = clients["rep"]
    ids = _ids(rep, "Ticket 04", "Ticket 06")
    answer = rep.post("/o/ticket/mass/edit/run", data={"id": ids, "field": "stage", "stage": "never"})
    page = rep.get(answer.location).text
    assert _counts(page) == [0, 0, 2] and "Nobody gets here." in page and "Ticket 04" in page
    assert clients["ada"].get(answer.location).status_code == 404


def test_all_that_fit_are_those_of_the_filter_and_of_the_person(clients):
    rep = clients["rep"]
    sent = {"all": "1", "id": "ignored", "back": "/o/ticket?f=level:=:high", "field": "labels", "add[]": "seen"}
    preview = rep.post("/o/ticket/mass/tag/preview", data=sent, headers=PARTIAL).text
    assert _counts(preview) == [20, 0, 0]
    rep.post("/o/ticket/mass/tag/run", data=sent)
    tagged = clients["ada"].get("/o/ticket?f=labels:includes_any:seen").text
    assert "<b>20</b>" in tagged


def test_assigning_gives_records_away_and_deleting_asks_first(clients):
    rep, ada = clients["rep"], clients["ada"]
    form = rep.post("/o/ticket/mass/assign", data={"id": _ids(rep, "Ticket 07")}, headers=PARTIAL).text
    assert 'name="field" value="owner"' in form and "<select" in form
    ids = _ids(ada, "Ticket 09", "Ticket 10")
    asked = ada.post("/o/ticket/mass/delete", data={"id": ids}, headers=PARTIAL).text
    assert _counts(asked) == [2, 0, 0]
    done = ada.post("/o/ticket/mass/delete/run", data={"id": ids})
    page = ada.get(done.location).text
    step = re.search(r"/o/ticket/mass/(\d+)/undo", page)[1]
    assert "Ticket 08<" in page and "Ticket 09<" not in page
    ada.post(f"/o/ticket/mass/{step}/undo")
    assert "Ticket 09" in ada.get("/o/ticket?sort=name").text


def test_many_records_are_left_to_the_worker_and_followed(clients, runtime, monkeypatch):
    monkeypatch.setattr(running, "AT_ONCE", 5)
    monkeypatch.setattr(steps, "AT_ONCE", 5)
    ada = clients["ada"]
    sent = {"all": "1", "back": "/o/ticket", "field": "result", "result": "x"}
    answer = ada.post("/o/ticket/mass/edit/run", data=sent)
    assert "Changing records: 0 of 60" in ada.get(answer.location).text
    assert "every 1s" in ada.get(answer.location, headers=PARTIAL).text
    Worker(runtime.tenant("corvid")).run_until_idle()
    assert _counts(ada.get(answer.location).text)[0] == 60
    assert "The change of many records is done" in ada.get("/notifications").text


def test_nobody_changes_many_records_without_the_right(clients, runtime):
    tenant = runtime.tenant("corvid")
    assert clients["rep"].post("/o/ticket/mass/polish", data={}).status_code == 403
    ids = _ids(clients["ada"], "Ticket 02")
    sent = {"id": ids, "field": "level", "level": "low"}
    answer = clients["rep"].post("/o/ticket/mass/edit/run", data=sent)
    assert _counts(clients["rep"].get(answer.location).text) == [0, 0, 1]
    assert "Ticket 02" not in clients["rep"].get(answer.location).text
    assert mass.PREVIEWED == 200 and tenant.name == "corvid"

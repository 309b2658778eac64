"""The timeline of a record: everything around it in one order, noting down, naming people, ticking off, files, who can see it."""

from __future__ import annotations

import html
import io
import json
import re

import pytest
import workbench
from application import make_app, session_key
from tests.support.kernel import counting

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.runtime import Runtime
from trellis_admin import timeline
from trellis_admin.session import COOKIE

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    runtime = Runtime(tmp_path_factory.mktemp("timeline"))
    workbench.make(runtime)
    yield runtime
    runtime.close()


@pytest.fixture(scope="module")
def clients(runtime):
    app = make_app(runtime, TRELLIS_CSRF=False)
    made = {}
    for login in ("ada", "rep", "eve"):
        made[login] = app.test_client()
        made[login].set_cookie(COOKIE, session_key(runtime, login))
    return made


def _ticket(client, name: str) -> str:
    page = client.get("/o/ticket?sort=name").text
    return "/o/ticket/" + re.search(rf'href="/o/ticket/(ticket_\w+)"[^>]*>(?:<[^>]+>)*{name}', page)[1]


def _titles(page: str) -> list[str]:
    part = page.split('class="t-timeline"')[-1]
    return [html.unescape(re.sub(r"<[^>]+>", "", t)) for t in re.findall(r"t-timeline__line\"><b>(.*?)</b>", part)]


def _toast(answer) -> str:
    return json.loads(answer.headers["HX-Trigger"])["toast"]["text"]


def test_a_note_is_written_on_the_page_and_seen_by_those_who_see_the_record(clients):
    url = _ticket(clients["rep"], "Ticket 00")
    text = "Budget is <b>fine</b>\nCall again"
    answer = clients["rep"].post(f"{url}/log", data={"kind": "note", "text": text}, headers=PARTIAL)
    assert answer.status_code == 200 and _toast(answer) == "Noted down"
    assert "<p>Budget is &lt;b&gt;fine&lt;/b&gt;</p><p>Call again</p>" in answer.text
    assert _titles(answer.text)[0] == "Note: Budget is <b>fine</b>"
    assert "Call again" in clients["ada"].get(url).text
    assert clients["eve"].get(url).status_code == 404
    assert clients["eve"].post(f"{url}/log", data={"kind": "note", "text": "x"}, headers=PARTIAL).status_code == 404
    assert "Budget" not in clients["eve"].get("/o/note").text


def test_what_was_is_done_and_what_lies_ahead_is_planned_and_ticked_off(clients):
    rep, url = clients["rep"], _ticket(clients["rep"], "Ticket 01")
    rep.post(f"{url}/log", data={"kind": "talk", "text": "Spoke with the buyer"}, headers=PARTIAL)
    ahead = {"kind": "talk", "text": "Meet again", "when": "2030-01-02T09:00"}
    page = rep.post(f"{url}/log", data=ahead, headers=PARTIAL).text
    before, after = page.split("Timeline</h2>")
    assert "Talk: Meet again" in before and "Talk: Spoke with the buyer" in after and "Meet again" not in after
    tick = re.search(r'hx-post="([^"]+/tick/talk_\w+)"', before)[1]
    page = rep.post(tick, headers=PARTIAL).text
    assert "Still to be done" not in page and "Talk: Meet again" in page.split("Timeline</h2>")[1]


def test_nobody_sees_activities_of_others_that_are_private(clients):
    url = _ticket(clients["rep"], "Ticket 03")
    clients["ada"].post(f"{url}/log", data={"kind": "talk", "text": "Between us"}, headers=PARTIAL)
    assert "Between us" in clients["ada"].get(url).text
    assert "Between us" not in clients["rep"].get(url).text


def test_people_who_are_named_are_told_unless_they_cannot_see_the_record(clients):
    rep, url = clients["rep"], _ticket(clients["rep"], "Ticket 04")
    answer = rep.post(f"{url}/log", data={"kind": "note", "text": "@Ada Park please look, @eve too"}, headers=PARTIAL)
    assert "Eve Stone" in _toast(answer) and "Ada" not in _toast(answer)
    assert "陈思远 mentioned you: Ticket 04" in clients["ada"].get("/notifications").text
    assert "mentioned" not in clients["eve"].get("/notifications").text
    people = rep.get("/people.json?q=ada").get_json()
    assert people == [{"name": "Ada Park", "login": "ada"}]


def test_pages_go_on_where_the_last_one_ended_over_all_sources(clients, runtime):
    url = _ticket(clients["rep"], "Ticket 06")
    record = url.rpartition("/")[2]
    rows = [
        {
            "subject": f"Talk {i:02d}",
            "about": record,
            "status": "done",
            "held_at": f"2026-01-01T{i // 60:02d}:{i % 60:02d}:00Z",
        }
        for i in range(70)
    ]
    notes = [{"subject": f"Note {i:02d}", "about": record, "text": "x"} for i in range(40)]
    tenant = runtime.tenant("corvid")
    tenant.run(SYSTEM, Cause("import"), lambda tx: (tx.create("talk", rows), tx.create("note", notes)))
    ada = clients["ada"]
    page, seen = ada.get(url).text, []
    while True:
        titles = (
            _titles(page) if not seen else re.findall(r"t-timeline__line\"><b>(?:<a[^>]*>)?(.*?)(?:</a>)?</b>", page)
        )
        assert len(titles) <= timeline.PAGE
        seen += titles
        more = re.search(r'hx-get="([^"]+/timeline\?[^"]*)"', page)
        if more is None:
            break
        page = ada.get(html.unescape(more[1]), headers=PARTIAL).text
    assert seen[-70:] == [f"Talk: Talk {i:02d}" for i in reversed(range(70))]
    assert sorted(t for t in seen if t.startswith("Note")) == [f"Note: Note {i:02d}" for i in range(40)]
    assert len(seen) == 111 and "Created" in seen


def test_a_long_timeline_costs_as_many_statements_as_a_short_one(clients, runtime):
    ada = clients["ada"]
    long, short = _ticket(ada, "Ticket 06"), _ticket(ada, "Ticket 07")
    counts = []
    for url in (long, short):
        ada.get(url)
        with counting(runtime.tenant("corvid")) as seen:
            ada.get(url)
        counts.append(len(seen))
    assert counts[0] <= counts[1] + 4


def test_files_are_attached_by_those_who_may_edit(clients):
    rep, url = clients["rep"], _ticket(clients["rep"], "Ticket 09")
    sent = {"file": (io.BytesIO(b"offer"), "offer <1>.txt")}
    assert rep.post(f"{url}/files", data=sent, content_type="multipart/form-data").status_code == 303
    page = rep.get(url).text
    assert "offer &lt;1&gt;.txt" in page and "File added" in page
    assert rep.post(f"{url}/files", data={}, headers=PARTIAL).status_code == 422
    other = {"file": (io.BytesIO(b"x"), "x.txt")}
    assert clients["eve"].post(f"{url}/files", data=other, content_type="multipart/form-data").status_code == 404


def test_the_page_tells_who_can_see_the_record_and_why(clients):
    url = _ticket(clients["rep"], "Ticket 10")
    page = clients["rep"].get(f"{url}/access").text
    assert "2 people can see this record." in page
    assert "Ada Park" in page and "Eve Stone" not in page and "Why?" not in page
    asked = re.search(r'href="([^"]+/access\?user=[^"]+)"', clients["ada"].get(f"{url}/access").text)[1]
    assert "Why 陈思远 sees it" in clients["ada"].get(asked).text
    assert "Why 陈思远 sees it" in clients["rep"].get(f"{url}/access?user=user_1").text
    assert clients["eve"].get(f"{url}/access").status_code == 404


def test_nonsense_is_refused(clients):
    rep, url = clients["rep"], _ticket(clients["rep"], "Ticket 12")
    assert rep.post(f"{url}/log", data={"kind": "ticket", "text": "x"}, headers=PARTIAL).status_code == 404
    assert rep.post(f"{url}/log", data={"kind": "note", "text": " "}, headers=PARTIAL).status_code == 422
    assert rep.get(f"{url}/timeline?m=changes:abc&m=nothing:1", headers=PARTIAL).status_code == 200
    assert rep.post(f"{url}/tick/ticket_1", headers=PARTIAL).status_code == 404

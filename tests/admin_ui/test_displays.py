"""Calendar, gallery and tree: what stands where, moving to another day, levels, and nothing that a person may not see."""

from __future__ import annotations

import io
import json
import re
from html import unescape

import pytest
import workbench
from application import make_app, session_key

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.runtime import Runtime
from trellis_admin.session import COOKIE

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    runtime = Runtime(tmp_path_factory.mktemp("displays"))
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


def _day(page: str, day: str) -> list[str]:
    body = re.search(rf'data-day="{day}"[^>]*>(.*?)(?=data-day="|</table>|t-foot)', page, re.S)[1]
    return re.findall(r"(Ticket \d+)</a>", body)


def _id(client, name: str) -> str:
    page = client.get("/o/ticket?sort=name").text
    return re.search(rf'href="/o/ticket/(ticket_\w+)"[^>]*>(?:<[^>]+>)*{name}', page)[1]


def test_a_month_shows_each_record_on_its_day(clients):
    page = clients["ada"].get("/o/ticket?as=calendar&at=2026-11-15").text
    assert _day(page, "2026-11-03") == ["Ticket 02", "Ticket 30", "Ticket 58"]
    assert _day(page, "2026-11-30") == []
    assert re.findall(r"data-day=\"(\d{4}-\d\d-\d\d)\"", page)[0] == "2026-10-26"
    own = clients["rep"].get("/o/ticket?as=calendar&at=2026-11-15").text
    assert _day(own, "2026-11-03") == ["Ticket 30", "Ticket 58"]


def test_moments_stand_on_the_day_of_the_persons_zone(clients):
    page = clients["ada"].get("/o/ticket?as=calendar&span=week&at=2026-11-03&by=starts_at").text
    days = re.findall(r'data-day="(\d{4}-\d\d-\d\d)"', page)
    assert (days[0], len(days)) == ("2026-11-02", 7)
    assert "10:30" in page and _day(page, "2026-11-03") == ["Ticket 02", "Ticket 30", "Ticket 58"]


def test_the_agenda_leaves_out_days_without_anything(clients):
    page = clients["ada"].get("/o/ticket?as=calendar&span=agenda&at=2026-11-27").text
    assert re.findall(r'data-day="(\d{4}-\d\d-\d\d)"', page) == ["2026-11-27", "2026-11-28"]
    assert "Nothing in these days" in clients["ada"].get("/o/ticket?as=calendar&span=agenda&at=2031-01-01").text


def test_nonsense_in_the_address_is_today(clients):
    for at in ("never", "0001-01-01", "9999-12-31", "2026-13-40"):
        for span in ("month", "week", "agenda", "century"):
            assert clients["ada"].get(f"/o/ticket?as=calendar&at={at}&span={span}").status_code == 200


def test_a_record_moves_to_another_day_and_back(clients):
    rep, ticket = clients["rep"], _id(clients["rep"], "Ticket 06")
    back = "/o/ticket?as=calendar&at=2026-11-15"
    answer = rep.post(f"/o/ticket/{ticket}/day/due", data={"day": "2026-11-29", "back": back}, headers=PARTIAL)
    assert answer.status_code == 200 and _day(answer.text, "2026-11-29") == ["Ticket 06"]
    undo = json.loads(answer.headers["HX-Trigger"])["toast"]["undo"]
    again = rep.post(undo["url"], data=undo["values"], headers=PARTIAL)
    assert "Ticket 06" in _day(again.text, "2026-11-07")


def test_a_moment_keeps_its_time_of_day(clients):
    rep, ticket = clients["rep"], _id(clients["rep"], "Ticket 07")
    rep.post(f"/o/ticket/{ticket}/day/starts_at", data={"day": "2026-12-24"}, headers=PARTIAL)
    page = rep.get("/o/ticket?as=calendar&by=starts_at&span=week&at=2026-12-24").text
    assert "10:30" in page and _day(page, "2026-12-24") == ["Ticket 07"]


def test_moving_what_is_not_seen_or_no_date_is_refused(clients):
    hidden = _id(clients["ada"], "Ticket 02")
    assert clients["rep"].post(f"/o/ticket/{hidden}/day/due", data={"day": "2026-11-29"}).status_code == 404
    own = _id(clients["rep"], "Ticket 09")
    assert clients["rep"].post(f"/o/ticket/{own}/day/name", data={"day": "2026-11-29"}).status_code == 404
    answer = clients["rep"].post(f"/o/ticket/{own}/day/due", data={"day": "tomorrow"}, headers=PARTIAL)
    assert answer.status_code == 422


def test_the_gallery_shows_pictures(clients):
    rep, ticket = clients["rep"], _id(clients["rep"], "Ticket 10")
    sent = {"photo": (io.BytesIO(b"\x89PNG\r\n\x1a\n"), "x.png", "image/png")}
    rep.post(f"/o/ticket/{ticket}/edit", data=sent, content_type="multipart/form-data")
    page = rep.get("/o/ticket?as=gallery").text
    assert page.count('class="t-gallery__card"') == 40
    assert len(re.findall(r'<img src="/api/v1/files/[0-9a-f]{32}"', page)) == 1


def test_the_tree_opens_level_by_level_with_what_the_person_sees(clients, runtime):
    ada = clients["ada"]
    top, below, hidden = (_id(ada, f"Ticket {n}") for n in ("12", "13", "14"))
    rows = [{"id": below, "parent": top}, {"id": hidden, "parent": top}]
    runtime.tenant("corvid").run(SYSTEM, Cause("import"), lambda tx: tx.update("ticket", rows))
    page = clients["rep"].get("/o/ticket?as=tree&q=").text
    assert "Ticket 13</a>" not in page and page.count("<summary hx-get") == 1
    assert re.search(r'<summary.*?t-count">1<.*?Ticket 12</a>', page, re.S)
    url = unescape(re.search(r'<summary hx-get="([^"]+)"', page)[1])
    level = clients["rep"].get(url, headers=PARTIAL).text
    assert "Ticket 13</a>" in level and "Ticket 14" not in level
    assert "Ticket 14</a>" in ada.get(url, headers=PARTIAL).text


def test_views_of_each_type_are_shown_as_they_say(clients, runtime):
    tenant = runtime.tenant("corvid")
    views = [
        {**workbench.VIEW, "name": "by_day", "type": "calendar", "date": "starts_at"},
        {**workbench.VIEW, "name": "pictures", "type": "gallery", "image": "photo"},
        {**workbench.VIEW, "name": "parts", "type": "tree", "parent": "parent"},
        {**workbench.VIEW, "name": "levels", "group_by": "level"},
    ]
    tenant.publisher.apply(tenant.publisher.plan_documents(views))
    rep = clients["rep"]
    assert 'data-field="starts_at"' in rep.get("/o/ticket?view=by_day").text
    assert "t-gallery" in rep.get("/o/ticket?view=pictures").text and "t-tree" in rep.get("/o/ticket?view=parts").text
    page = rep.get("/o/ticket?view=levels").text
    heads = re.findall(r't-grid__group.*?rowgroup".*?>(\w+)</span> <span class="t-count">(\d+)<', page, re.S)
    assert heads == [("High", "20"), ("Low", "20")]
    assert "t-grid__group" not in rep.get("/o/ticket?view=levels&by=none").text


def test_groups_and_the_foot_add_up_and_lists_sort_by_several_columns(clients):
    own = [i for i in range(60) if i % 3 != 2]
    page = clients["rep"].get("/o/ticket?by=level&sort=-hours,name").text
    foot = re.sub(r"\D", " ", unescape(page.split("<tfoot>")[1].split("</tfoot>")[0])).split()
    assert str(sum(100 * i for i in own)) in "".join(foot)
    sums = re.findall(r'<tr class="t-grid__group">(.*?)</tr>', page, re.S)
    assert str(sum(100 * i for i in own if i % 3 == 1)) in re.sub(r"[^\d]", "", unescape(sums[0]).split("cost")[-1])
    names = re.findall(r">(Ticket \d+)<", page.split("<tbody>")[1])
    high = sorted((i for i in own if i % 3 == 1), key=lambda i: (-(i % 4), i))
    assert names[: len(high)] == [f"Ticket {i:02d}" for i in high]
    location = (
        clients["rep"].get("/o/ticket/sort?key=hours&direction=desc&key=name&direction=asc&key=&direction=asc").location
    )
    assert location == "/o/ticket?sort=-hours%2Cname"


def test_the_shown_list_is_exported_with_its_columns_and_filters_and_only_by_right(clients, runtime):
    rep = clients["rep"]
    page = rep.get("/o/ticket?f=level:=:high&c=name&c=level").text
    link = unescape(re.search(r'href="(/o/ticket/export[^"]+format=csv)"', page)[1])
    lines = rep.get(link).get_data(as_text=True).lstrip("\ufeff").splitlines()
    assert len(lines) == 21 and lines[0].count(",") <= 2
    assert {int(re.search(r"Ticket (\d+)", line)[1]) % 3 for line in lines[1:]} == {1}
    assert rep.get("/o/ticket/export?format=xlsx").data[:2] == b"PK"
    assert rep.get("/o/ticket/export?format=exe").status_code == 404


@pytest.mark.parametrize("shape", ["list", "board", "calendar", "gallery", "tree"])
def test_a_filter_that_cannot_be_asked_is_explained_whatever_the_display(clients, shape):
    page = clients["rep"].get(f"/o/ticket?as={shape}&where=nonsense+%3D+1").text
    assert "This list cannot be shown" in page and "nonsense" in page

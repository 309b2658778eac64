"""One's own day: what is late, of today and coming, ticked off and taken back; records too long in their stage; others' stay away."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape

import pytest
import workbench
from application import make_app, session_key
from tests.support.kernel import counting

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.clock import FakeClock
from trellis.jobs import Worker
from trellis.record_id import format_id
from trellis.runtime import Runtime
from trellis_admin.session import COOKIE

NOW = dt.datetime(2026, 11, 20, 2, 0, tzinfo=dt.UTC)
PIPELINE = {
    **workbench.PIPELINE,
    "stages": [{**s, **({"stuck_after": "P3D"} if s["name"] == "doing" else {})} for s in workbench.PIPELINE["stages"]],
}


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    clock = FakeClock(NOW)
    runtime = Runtime(tmp_path_factory.mktemp("day"), clock=clock)
    tenant = workbench.make(runtime, PIPELINE)
    people = {login: _user(tenant, login) for login in ("rep", "eve")}
    rows = [
        {"subject": f"{who} {name}", "held_at": at, "status": status, "owner": people[who]}
        for who in ("rep", "eve")
        for name, at, status in (
            ("late", "2026-11-18T02:00:00Z", "planned"),
            ("today", "2026-11-20T15:00:00Z", "planned"),
            ("soon", "2026-11-22T02:00:00Z", "planned"),
            ("far", "2027-01-22T02:00:00Z", "planned"),
            ("over", "2026-11-18T02:00:00Z", "done"),
        )
    ]
    tenant.run(SYSTEM, Cause("import"), lambda tx: tx.create("talk", rows))
    (first,) = [r for r in _tickets(tenant) if r[1] == "Ticket 00"]
    tenant.run(SYSTEM, Cause("import"), lambda tx: tx.update("ticket", [{"id": first[0], "stage": "doing"}]))
    clock.advance(dt.timedelta(days=4))
    Worker(tenant).run_until_idle()
    clock.advance(dt.timedelta(days=-4))
    yield runtime
    runtime.close()


def _tickets(tenant) -> list[tuple[int, str]]:
    ticket = tenant.model().object("ticket")
    with tenant.database.reading() as connection:
        rows = connection.execute(ticket.table.select()).mappings().all()
    return [(row["id"], row[ticket.fields["name"].column.name]) for row in rows]


def _user(tenant, login: str) -> str:
    user = tenant.model().object("user")
    with tenant.database.reading() as connection:
        t = user.table
        query = t.select().where(user.fields["login"].column == login)
        return format_id("user", connection.execute(query).mappings().one()["id"])


@pytest.fixture(scope="module")
def rep(runtime):
    client = make_app(runtime, TRELLIS_CSRF=False).test_client()
    client.set_cookie(COOKIE, session_key(runtime, "rep"))
    return client


def _sections(page: str) -> dict[str, list[str]]:
    part = page.split('class="t-day"')[1].split("</section>")[0]
    found = re.findall(r"<h2>(.*?)</h2>(.*?)</ul>", part, re.S)
    return {unescape(h): re.findall(r'class="t-grow t-trunc" href="[^"]+">([^<]+)<', body) for h, body in found}


def test_the_day_holds_ones_own_open_activities_by_when_they_are_due(rep):
    day = _sections(rep.get("/").text)
    assert (day["Late"], day["Today"], day["The next days"]) == (["rep late"], ["rep today"], ["rep soon"])


def test_records_too_long_in_their_stage_stand_in_it(rep):
    assert _sections(rep.get("/").text)["Too long in their stage"] == ["Ticket 00"]


def test_ticking_off_takes_it_out_and_can_be_taken_back(rep):
    tick = re.search(r'action="(/o/talk/talk_\w+/done)"', rep.get("/").text)[1]
    assert rep.post(tick).location == "/"
    page = rep.get("/").text
    assert "Late" not in _sections(page)
    form = re.search(r'<form method="post" action="(/o/talk/[^"]+/done)">(.*?)</form>', page.split("t-toasts")[1], re.S)
    hidden = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form[2]))
    rep.post(form[1], data=hidden)
    assert _sections(rep.get("/").text)["Late"] == ["rep late"]


def test_what_is_no_activity_cannot_be_ticked_off(rep):
    ticket = re.search(r'href="(/o/ticket/ticket_\w+)"', rep.get("/o/ticket").text)[1]
    assert rep.post(f"{ticket}/done").status_code == 404


def test_the_day_costs_a_fixed_number_of_statements(rep, runtime):
    rep.get("/")
    with counting(runtime.tenant("corvid")) as seen:
        rep.get("/")
    assert len(seen) <= 45

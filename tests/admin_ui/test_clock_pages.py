"""Setup pages of calendars and background jobs: what they show and do, and for whom."""

from __future__ import annotations

import html
import re

import pytest
import sqlalchemy as sa
from application import make_app, session_key

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.jobs import Worker, monitor
from trellis.storage import system
from trellis_admin.session import COOKIE

CALENDAR = {
    "label": "Office Shanghai",
    "label_zh": "上海办公室",
    "name": "office_test",
    "time_zone": "Asia/Shanghai",
    "country": "cn",
    "make_up_days": "1",
    **{f"hours_{d}": "09:00-12:00, 13:00–18:00" for d in ("monday", "tuesday", "wednesday", "thursday", "friday")},
    "closed_sunday": "1",
    "day_rows": "2",
    "day0_date": "2026-12-24",
    "day0_label": "Half day",
    "day0_kind": "working",
    "day0_hours": "09:00-12:00",
    "day0_every_year": "1",
    "day1_date": "2026-06-01",
    "day1_until": "2026-06-02",
}
PAGES = ("/setup/jobs", "/setup/jobs/1", "/setup/calendars", "/setup/calendars/new", "/setup/calendars/x")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    import sample

    from trellis.runtime import Runtime

    runtime = Runtime(tmp_path_factory.mktemp("home"))
    sample.make(runtime)
    yield runtime
    runtime.close()


@pytest.fixture(scope="module")
def ada(world):
    client = make_app(world, TRELLIS_CSRF=False).test_client()
    client.set_cookie(COOKIE, session_key(world, "ada"))
    return client


def publish(client, answer):
    """Confirm the plan on a page."""
    hidden = {n: html.unescape(v) for n, v in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', answer.text)}
    done = client.post("/setup/publish", data=hidden)
    assert done.status_code == 303, answer.text
    return done.location


@pytest.fixture(scope="module")
def office(world, ada):
    """The calendar that the form makes."""
    assert publish(ada, ada.post("/setup/calendars/new", data=CALENDAR)) == "/setup/calendars/office_test"
    return world.tenant("corvid").model().snapshot.get("calendar", "office_test")


def test_form_makes_the_document_that_it_says(office):
    assert office["label"] == {"en": "Office Shanghai", "zh": "上海办公室"}
    assert (office["time_zone"], office["holidays"]) == ("Asia/Shanghai", {"country": "CN"})
    assert office["hours"]["friday"] == ["09:00-12:00", "13:00-18:00"] and office["hours"]["sunday"] == []
    half, closed = office["days"]
    assert half["every_year"] and half["hours"] == ["09:00-12:00"] and half["working"]
    assert (closed["date"], closed["until"], "working" in closed) == ("2026-06-01", "2026-06-02", False)


def test_saving_the_form_as_it_is_shown_changes_nothing(ada, office):
    text = ada.get("/setup/calendars/office_test").text
    form = text[text.index('action="/setup/calendars/office_test"') :]
    fields = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="(\w+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and ("checkbox" not in tag or " checked" in tag):
            fields[name[1]] = html.unescape(value[1]) if value else ""
    for name, body in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', form):
        chosen = re.search(r'value="([^"]*)" selected', body)
        fields[name] = chosen[1] if chosen else re.search(r'value="([^"]*)"', body)[1]
    answer = ada.post("/setup/calendars/office_test", data=fields)
    assert answer.status_code == 200 and "othing" in answer.text


def test_year_shows_holidays_and_make_up_days_with_their_reasons(ada, office):
    text = ada.get("/setup/calendars/office_test?year=2026").text
    assert text.count('<table class="t-cal__month">') == 12
    assert "Worked in exchange for a holiday" in text and "Half day" in text
    assert text.count("t-cal__day--extra") == 6 + 1 + 1
    # 248 working days of the notice, without 1 and 2 June.
    assert "246 working days" in text


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("start=2026-09-30T17:00&count=2&unit=days", "Oct 9, 2026"),
        ("start=2026-09-30T17:00&count=2&unit=hours", "Oct 8, 2026, 10:00"),
        ("start=2026-10-08T10:00&count=-2&unit=hours", "Sep 30, 2026, 5:00"),
        ("start=nonsense&count=2&unit=days", "cannot be reckoned"),
        ("start=2026-09-30T17:00&count=99999999&unit=days", "cannot be reckoned"),
    ],
)
def test_page_reckons_with_the_calendar(ada, office, query, answer):
    text = ada.get(f"/setup/calendars/office_test?{query}").text
    assert answer in re.search(r'<output class="t-cal__answer">(.*?)</output>', text)[1].replace("\u202f", " ")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"time_zone": "Mars"}, "no time zone"),
        ({"hours_monday": "25:00-26:00"}, "hours"),
        ({"hours_monday": "09:00-12:00 11:00-13:00"}, "overlap"),
        ({"country": "QQ"}, "not known"),
    ],
)
def test_wrong_calendar_is_told_and_what_was_typed_stays(ada, office, change, message):
    answer = ada.post("/setup/calendars/office_test", data={**CALENDAR, **change})
    assert answer.status_code == 422 and message in answer.text
    assert 'value="Office Shanghai"' in answer.text


def test_calendar_without_label_or_of_a_known_name_is_refused(ada, office):
    assert ada.post("/setup/calendars/new", data={"time_zone": "UTC"}).status_code == 422
    answer = ada.post("/setup/calendars/new", data=CALENDAR)
    assert answer.status_code == 422 and "exists already" in answer.text


def test_pages_speak_chinese(ada, office):
    ada.set_cookie("lang", "zh")
    try:
        assert "调休上班" in ada.get("/setup/calendars/office_test?year=2026").text
        assert "后台作业" in ada.get("/setup/jobs").text
    finally:
        ada.delete_cookie("lang")


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_for_administrators(world, path):
    client = make_app(world, TRELLIS_CSRF=False).test_client()
    client.set_cookie(COOKIE, session_key(world, "rep"))
    assert client.get(path).status_code == 403


def dead_letter(world) -> int:
    tenant = world.tenant("corvid")
    number = tenant.run(SYSTEM, Cause("test"), lambda tx: tx.trail.enqueue("nobody_listens", {"word": "<b>"}))
    Worker(tenant).run_until_idle()
    return int(number)


def state_of(world, number: int) -> str:
    with world.tenant("corvid").database.reading() as connection:
        c = system.outbox.c
        return str(connection.execute(sa.select(c.state).where(c.id == number)).scalar_one())


def test_monitor_shows_what_was_given_up_and_tries_it_again(world, ada):
    number = dead_letter(world)
    text = ada.get("/setup/jobs?state=dead").text
    assert f'value="{number}"' in text and "Nothing handles the topic" in text and "nobody_listens: " in text
    assert (
        ada.post("/setup/jobs/retry", data={"job": [str(number)], "back": "dead"}).location == "/setup/jobs?state=dead"
    )
    assert state_of(world, number) == "ready"
    assert ada.post("/setup/jobs/cancel", data={"job": [str(number), "x"], "back": "//evil"}).location == "/setup/jobs"
    assert state_of(world, number) == "cancelled"


def test_page_of_a_job_shows_its_work_and_its_failure(world, ada):
    number = dead_letter(world)
    text = ada.get(f"/setup/jobs/{number}").text
    assert "The last attempt failed" in text and "<b>" not in text
    assert ada.get("/setup/jobs/99999999").status_code == 404 and ada.get("/setup/jobs?state=ded").status_code == 404


def test_nobody_but_an_administrator_changes_jobs(world):
    number = dead_letter(world)
    client = make_app(world, TRELLIS_CSRF=False).test_client()
    client.set_cookie(COOKIE, session_key(world, "rep"))
    assert client.post("/setup/jobs/retry", data={"job": str(number)}).status_code == 403
    assert state_of(world, number) == "dead" and monitor.STATES

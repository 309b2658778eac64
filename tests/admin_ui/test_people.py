"""Settings of a person, favourites, and the notifications centre."""

from __future__ import annotations

import io
import re

import pytest
from application import session_key

from trellis.jobs import Worker
from trellis.notifications import notify
from trellis.preferences import prefer
from trellis_admin.session import COOKIE
from trellis_admin.views import imports


@pytest.fixture
def tenant(runtime):
    return runtime.tenant("corvid")


@pytest.fixture
def forget(tenant, runtime):
    yield
    from trellis.access.accounts import session_of

    for login in ("ada", "rep"):
        person = session_of(tenant, session_key(runtime, login)).principal
        prefer(tenant, person, dict.fromkeys(("language", "theme", "density", "time_zone")))


def _user(tenant, login: str, runtime) -> int:
    from trellis.access.accounts import session_of

    return session_of(tenant, session_key(runtime, login)).principal.user


def test_choices_follow_the_person_to_another_browser(admin, app, runtime, forget):
    admin.post("/preferences", data={"lang": "zh", "theme": "dark", "density": "compact", "next": "/me"})
    other = app.test_client()
    other.set_cookie(COOKIE, session_key(runtime, "ada"))
    page = other.get("/").text
    assert '<html lang="zh-Hans" data-theme="dark" data-density="compact"' in page
    stranger = app.test_client()
    stranger.set_cookie(COOKIE, session_key(runtime, "rep"))
    assert '<html lang="en" data-theme="auto"' in stranger.get("/").text


def test_times_are_shown_in_the_zone_that_the_person_chose(admin, forget):
    url = re.search(r'href="(/o/deal/deal_\w+)"', admin.get("/o/deal?f=next_call:is_not_blank:").text)[1]

    def shown() -> str:
        control = re.search(r'<input[^>]*name="next_call"[^>]*>', admin.get(f"{url}/edit").text)[0]
        return re.search(r'value="([^"]+)"', control)[1]

    shanghai = shown()
    admin.post("/preferences", data={"time_zone": "America/New_York", "next": "/me"})
    new_york = shown()
    assert (shanghai, new_york) == ("2026-11-20T09:30", "2026-11-19T20:30")
    assert '<option value="America/New_York" selected>' in admin.get("/me").text


def test_unknown_choice_is_refused(admin, forget):
    assert admin.post("/preferences", data={"time_zone": "Mars/Base"}).status_code == 422


def test_favourite_is_marked_listed_and_taken_off(rep, admin):
    url = rep.post("/o/account/new", data={"name": "Starred Ltd"}).location
    rep.post(f"{url}/favourite")
    favourites = rep.get("/").text.split("<h2>Favourites</h2>")[1].split("</section>")[0]
    assert "Starred Ltd" in favourites
    assert 'aria-pressed="true" aria-label="Favourite"' in rep.get(url).text
    assert "Favourites</h2>" not in admin.get("/").text
    rep.post(f"{url}/favourite", data={"off": "1"})
    assert "Favourites</h2>" not in rep.get("/").text


def test_record_that_was_looked_at_is_listed_until_it_is_deleted(rep):
    url = rep.post("/o/account/new", data={"name": "Visited Ltd"}).location
    rep.get(url)
    assert "Visited Ltd" in rep.get("/").text.split("Looked at lately")[1].split("</section>")[0]
    rep.post(f"{url}/delete")
    assert "Visited Ltd" not in rep.get("/").text.split("Looked at lately")[1].split("</section>")[0]


def test_finished_import_leaves_a_message_that_leads_to_it(admin, rep, tenant, monkeypatch):
    Worker(tenant).run_until_idle()  # jobs that other tests left also tell of their end
    admin.post("/notifications/read")
    monkeypatch.setattr(imports, "AT_ONCE", 1)
    file = "Account name\nTold One\nTold Two\n"
    data = {"file": (io.BytesIO(file.encode()), "accounts.csv")}
    url = admin.post("/o/account/import", data=data, content_type="multipart/form-data").location
    job = admin.post(url, data={"column-0": "name", "step": "run"}).location
    Worker(tenant).run_until_idle()
    page = admin.get("/notifications").text
    assert "The import is done: 2 rows were imported, 0 were refused." in page
    number = re.search(r'name="id" value="(\d+)"', page)[1]
    assert "The import is done" not in rep.get("/notifications").text
    assert rep.post("/notifications/read", data={"id": number}).location == "/notifications"
    assert admin.post("/notifications/read", data={"id": number}).location == job
    assert "data: 0" in admin.get("/notifications/stream").text


def test_stream_counts_and_tells_only_what_is_new(rep, tenant, runtime):
    user = _user(tenant, "rep", runtime)

    def tell(text: str) -> None:
        with tenant.database.writing() as connection:
            notify(tenant, connection, [user], "mention", {"en": text})

    rep.post("/notifications/read")
    tell("first")
    stream = rep.get("/notifications/stream")
    assert stream.mimetype == "text/event-stream"
    assert "event: unread\ndata: 1\n" in stream.text and "event: message" not in stream.text
    last = re.search(r"id: (\d+)", stream.text)[1]
    tell("second <b>")
    news = rep.get("/notifications/stream", headers={"Last-Event-ID": last}).text
    assert news.count("event: message") == 1 and '"text": "second <b>"' in news
    assert "data: 2" in news
    assert "second &lt;b&gt;" in rep.get("/notifications").text


def test_strangers_get_no_stream(anonymous):
    assert anonymous.get("/notifications/stream").status_code == 303

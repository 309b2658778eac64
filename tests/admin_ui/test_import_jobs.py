"""Importing many rows in the UI: left to the worker, watched, stopped, seen by nobody else; a check comes first."""

from __future__ import annotations

import io
import re

import pytest

from trellis.exchange import importing
from trellis.jobs import Worker
from trellis_admin.views import imports

FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}
COLUMNS = {"column-0": "name", "column-1": "website"}


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(imports, "AT_ONCE", 3)
    monkeypatch.setitem(importing.Importer.__init__.__kwdefaults__, "chunk", 2)


def upload(client, prefix: str, rows: int = 7) -> str:
    lines = [f"{prefix} {n},https://{n}.example" for n in range(rows)] + [",https://nameless.example"]
    file = "Account name,Website\n" + "\n".join(lines) + "\n"
    data = {"file": (io.BytesIO(file.encode()), "accounts.csv")}
    return client.post("/o/account/import", data=data, content_type="multipart/form-data").location


def names(client, prefix: str) -> set[str]:
    return set(re.findall(rf"{prefix} \d", client.get(f"/o/account?q={prefix}").text))


def work(runtime) -> None:
    Worker(runtime.tenant("corvid")).run_until_idle()


def test_check_and_import_run_in_the_worker(admin, runtime):
    url = upload(admin, "Jobbed")
    job = admin.post(url, data={**COLUMNS, "step": "check"}).location
    assert "/job/" in job
    assert "Checking the rows" in admin.get(job).text
    work(runtime)
    checked = admin.get(job).text
    assert "This is what the import will do" in checked
    assert "nameless" in admin.get(f"{url}/refused.csv").text
    assert names(admin, "Jobbed") == set()
    assert f'action="{url}"' in checked
    job = admin.post(url, data={**COLUMNS, "step": "run"}).location
    assert names(admin, "Jobbed") == set()
    assert "Importing the rows" in admin.get(job).text
    work(runtime)
    done = admin.get(job).text
    assert "Imported" in done and 'class="t-bad">1<' in done
    assert names(admin, "Jobbed") == {f"Jobbed {n}" for n in range(7)}
    assert "nameless" in admin.get(f"{url}/refused.csv").text


def test_page_shows_how_far_it_is_and_goes_on_by_itself_when_it_is_done(admin, runtime):
    url = upload(admin, "Watched")
    job = admin.post(url, data={**COLUMNS, "step": "run"}).location
    part = admin.get(job, headers=FRAGMENT)
    assert f'hx-get="{job}"' in part.text and 'hx-trigger="every 1s"' in part.text
    work(runtime)
    assert admin.get(job, headers=FRAGMENT).headers["HX-Redirect"] == job


def test_stopped_import_keeps_what_was_written_and_writes_no_more(admin, runtime, monkeypatch):
    url = upload(admin, "Stopped")
    job = admin.post(url, data={**COLUMNS, "step": "run"}).location
    real = importing.Importer._write_chunk
    calls = []

    def stop_in_the_middle(self, *args, **options):
        calls.append(1)
        return real(self, *args, **options)

    real_note = importing.Importer._note

    def note(self, report, lines):
        real_note(self, report, lines)
        if len(calls) == 2:
            admin.post(f"{job}/cancel")

    monkeypatch.setattr(importing.Importer, "_write_chunk", stop_in_the_middle)
    monkeypatch.setattr(importing.Importer, "_note", note)
    work(runtime)
    assert names(admin, "Stopped") == {f"Stopped {n}" for n in range(4)}
    shown = admin.get(job).text
    assert "You stopped the import." in shown
    work(runtime)
    assert names(admin, "Stopped") == {f"Stopped {n}" for n in range(4)}


def test_import_goes_on_after_a_crash_without_repeating_rows(admin, runtime, monkeypatch):
    url = upload(admin, "Crashed")
    job = admin.post(url, data={**COLUMNS, "step": "run"}).location
    real = importing.Importer._note
    calls = []

    def note(self, report, lines):
        real(self, report, lines)
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("the machine stopped")

    monkeypatch.setattr(importing.Importer, "_note", note)
    tenant = runtime.tenant("corvid")
    Worker(tenant).run_once()
    from trellis.storage import system

    with tenant.database.writing() as connection:
        connection.execute(system.outbox.update().values(due_at=tenant.clock.now()))
    work(runtime)
    rows = re.findall(r"Crashed \d", admin.get("/o/account?q=Crashed").text)
    assert set(rows) == {f"Crashed {n}" for n in range(7)}
    assert 'class="t-bad">1<' in admin.get(job).text


def test_others_cannot_watch_or_stop_an_import(admin, rep, runtime):
    job = admin.post(upload(admin, "Mine"), data={**COLUMNS, "step": "run"}).location
    assert rep.get(job).status_code == 404
    assert rep.post(f"{job}/cancel").status_code == 404
    assert admin.get(job.replace("/o/account/", "/o/deal/")).status_code == 404
    work(runtime)
    assert len(names(admin, "Mine")) == 7


def test_wrong_mapping_is_told_before_anything_is_left_to_the_worker(admin):
    answer = admin.post(upload(admin, "Wrong"), data={"column-0": "name", "column-1": "name", "step": "run"})
    assert answer.status_code == 422
    assert "both go to" in answer.text

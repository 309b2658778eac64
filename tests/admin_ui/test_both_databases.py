"""The workspace asks the same questions of SQLite and PostgreSQL: every display, a move, many records, a page of a timeline."""

from __future__ import annotations

import html
import re

import workbench
from application import make_app, session_key

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.runtime import Runtime
from trellis_admin.session import COOKIE

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}
PAGES = [
    "/",
    "/o/ticket?by=stage&sort=-hours,name",
    "/o/ticket?as=board&lanes=level",
    "/o/ticket?as=board&by=level&lanes=owner&q=Ticket",
    "/o/ticket?as=calendar&at=2026-11-10",
    "/o/ticket?as=calendar&by=starts_at&span=week&at=2026-11-10",
    "/o/ticket?as=gallery",
    "/o/ticket?as=tree",
]


def test_pages_answer_the_same_on_both_databases(database_url, tmp_path):
    runtime = Runtime(tmp_path / "home", database_url=database_url)
    try:
        tenant = workbench.make(runtime)
        rep = make_app(runtime, TRELLIS_CSRF=False).test_client()
        rep.set_cookie(COOKIE, session_key(runtime, "rep"))
        for path in PAGES:
            page = rep.get(path)
            assert page.status_code == 200 and "cannot be shown" not in page.text, path
        board = rep.get("/o/ticket?as=board").text
        assert re.findall(r't-board__head".*?t-count">(\d+)<', board, re.S) == ["40", "0", "0", "0"]
        ticket = re.search(r'data-id="(ticket_\w+)" data-name="Ticket 00"', board)[1]
        moved = rep.post(f"/o/ticket/{ticket}/place/stage", data={"stage": "doing"}, headers=PARTIAL)
        assert moved.status_code == 200 and "boardMoved" in moved.headers["HX-Trigger"]
        sent = {"all": "1", "field": "level", "level": "low", "back": "/o/ticket?f=level:=:high"}
        assert "<dd>20</dd>" in rep.post("/o/ticket/mass/edit/preview", data=sent, headers=PARTIAL).text
        assert rep.post("/o/ticket/mass/edit/run", data=sent).status_code == 303
        notes = [{"subject": f"N{i}", "about": ticket, "text": "x"} for i in range(40)]
        tenant.run(SYSTEM, Cause("import"), lambda tx: tx.create("note", notes))
        page = rep.get(f"/o/ticket/{ticket}").text
        more = html.unescape(re.search(r'hx-get="([^"]+/timeline\?[^"]*)"', page)[1])
        assert rep.get(more, headers=PARTIAL).status_code == 200
        note = rep.post(f"/o/ticket/{ticket}/log", data={"kind": "note", "text": "@Ada Park look"}, headers=PARTIAL)
        assert note.status_code == 200 and rep.get(f"/o/ticket/{ticket}/access").status_code == 200
    finally:
        runtime.close()

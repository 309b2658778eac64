"""Files: what is kept, what a browser is told. Search over objects."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from support.app import World

from trellis import files


def test_file_is_stored_and_returned_byte_for_byte(world: World) -> None:
    data = bytes(range(256)) * 5000
    sent = world.bob.post(
        "/files", data={"file": (io.BytesIO(data), "报告 2026.png", "image/png")}, content_type="multipart/form-data"
    )
    made = sent.get_json()
    assert (sent.status_code, made["size"], made["sha256"]) == (201, len(data), hashlib.sha256(data).hexdigest())
    got = world.bob.get(f"/files/{made['id']}")
    assert got.get_data() == data and got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Disposition"].startswith("inline;")
    assert "filename*=UTF-8''%E6%8A%A5%E5%91%8A%202026.png" in got.headers["Content-Disposition"]
    assert world.bob.get(f"/files/{made['id']}?download=true").headers["Content-Disposition"].startswith("attachment;")
    assert world.bob.get(f"/files/{made['id']}", headers={"If-None-Match": got.headers["ETag"]}).status_code == 304
    assert world.eve.get(f"/files/{made['id']}").status_code == 404


def test_nothing_that_a_browser_runs_is_shown_in_place(world: World) -> None:
    for kind in (
        "text/html",
        "image/svg+xml",
        "application/xhtml+xml",
        "text/xml",
        "application/javascript",
        "TEXT/HTML; charset=x",
        "text/html\t",
        "x",
        "multipart/x",
    ):
        made = world.bob.post("/files", data=b"<script>alert(1)</script>", content_type=kind)
        got = world.bob.get(f"/files/{made.get_json()['id']}")
        assert got.headers["Content-Disposition"].startswith("attachment;"), kind
        assert got.mimetype == "application/octet-stream" and "sandbox" in got.headers["Content-Security-Policy"]


def test_names_are_names_and_never_paths(world: World) -> None:
    for sent, kept in (
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("a\r\nSet-Cookie: x", "aSet-Cookie: x"),
        ('"; x="', '"; x="'),
        ("..", "file"),
        ("\x00", "file"),
        ("x" * 400, "x" * 255),
    ):
        made = world.bob.post("/files", data=b"x", content_type="text/plain", query_string={"name": sent})
        assert made.get_json()["name"] == kept
        header = world.bob.get(f"/files/{made.get_json()['id']}").headers["Content-Disposition"]
        assert "\n" not in header and header.count('"') == 2
    kept_files = [p for p in world.tenant.files.rglob("*") if p.is_file()]
    assert len(kept_files) == 7 and all(files.FILE_ID.match(p.name) for p in kept_files)
    for path in ("..%2f..%2fkeys%2fapp.key", "%2e%2e", "a" * 31, "A" * 32, "a" * 32):
        assert world.ada.get(f"/files/{path}").status_code == 404, path


def test_wrong_uploads_are_refused_and_leave_nothing(world: World, monkeypatch: object) -> None:
    hidden = world.bob.create("account", name="Hidden")["id"]
    notice = world.bob.create("notice", name="Read only")["id"]
    text = {"data": b"x", "content_type": "text/plain"}
    assert world.eve.post(f"/files?object=account&record={hidden}", **text).status_code == 404
    assert world.eve.post(f"/files?object=notice&record={notice}", **text).status_code == 403
    assert world.eve.post("/files?object=account", **text).status_code == 400
    assert world.eve.post("/files?objct=account", **text).status_code == 400
    assert (
        world.eve.post("/files", data={"fil": (io.BytesIO(b"x"), "x")}, content_type="multipart/form-data").status_code
        == 400
    )
    assert world.eve.post("/files", data={"file": "text"}, content_type="multipart/form-data").status_code == 400
    assert world.token(world.bob.user, "read").post("/files", **text).status_code == 403
    monkeypatch.setattr("trellis.files.MAX_FILE", 1000)  # type: ignore[attr-defined]
    assert world.eve.post("/files", data=b"x" * 100_000, content_type="text/plain").status_code == 413
    assert world.rows("t_file") == 0
    assert [p for p in Path(world.tenant.files).rglob("*") if p.is_file()] == []


def test_search_finds_chinese_and_initials_in_all_objects(world: World) -> None:
    account = world.bob.create("account", name="瑞恒科技", code="RH-1")["id"]
    world.bob.create("contact", name="Ruiheng 瑞恒")
    world.bob.create("account", name="Nothing")
    assert [(r["object"], r["id"], r["title"]) for r in world.bob.get("/search?q=rhkj").get_json()["results"]] == [
        ("account", account, "瑞恒科技")
    ]
    assert {r["object"] for r in world.bob.get("/search?q=瑞恒").get_json()["results"]} == {"account", "contact"}
    assert {r["object"] for r in world.bob.get("/search?q=瑞恒&objects=contact").get_json()["results"]} == {"contact"}
    assert len(world.bob.get("/search?q=瑞恒&limit=1").get_json()["results"]) == 1
    for odd in ('"', "'", "*", "a*", "OR", "NEAR(", "a AND", "-", "%00", "\ud7ff", "' | 'x", ":*", "<->", "\\"):
        assert world.bob.get("/search", query_string={"q": odd}).status_code == 200, odd
    assert world.bob.get("/search?q=a&objects=acount").status_code == 404

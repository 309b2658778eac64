"""What a user who must not see a record learns of it: nothing, at every door."""

from __future__ import annotations

import json

from support.app import World


def test_hidden_record_stays_hidden_at_every_door(world: World) -> None:
    hidden = world.bob.create("account", name="瑞恒科技", code="secret-7", amount="12.30")
    contact = world.bob.create("contact", name="Li Wang", account=hidden["id"])
    file = world.bob.post("/files?name=plan.txt", data=b"plan", content_type="text/plain").get_json()["id"]
    world.bob.patch(f"/records/account/{hidden['id']}", {"logo": file})
    record = f"/records/account/{hidden['id']}"
    eve = world.eve

    assert eve.get("/records/account").get_json()["records"] == []
    assert eve.get("/records/account?total=true").get_json()["total"] == 0
    assert eve.get("/records/account?search=瑞恒").get_json()["records"] == []
    assert eve.get("/search?q=rhkj").get_json()["results"] == []
    assert eve.get("/records/account/export").get_data() == b""
    aggregate = eve.post(
        "/records/account/query", {"aggregates": [{"function": "count"}, {"function": "sum", "field": "amount"}]}
    ).get_json()
    assert aggregate["records"] == [{"count": 0, "sum(amount)": None}]
    groups = eve.post(
        "/records/contact/query", {"group_by": ["account.name"], "aggregates": [{"function": "count"}]}
    ).get_json()
    assert groups["records"] == [{"account.name": None, "count": 1}]
    by_relation = json.dumps({"field": "account.name", "op": "=", "value": "瑞恒科技"})
    assert eve.get(f"/records/contact?filter={by_relation}").get_json()["records"] == []
    assert eve.get("/records/contact?fields=name,account.name").get_json()["records"][0]["account.name"] is None
    assert eve.get("/records/contact?sort=account.name").get_json()["records"][0]["id"] == contact["id"]
    assert eve.post("/records/contact/query", {"children": {}}).status_code == 200
    assert eve.get(f"/files/{file}").status_code == 404

    missing = "/records/account/" + _other_id(hidden["id"])
    for method, tail, body in (
        ("GET", "", None),
        ("PATCH", "", {"name": "x"}),
        ("DELETE", "", None),
        ("GET", "/history", None),
        ("GET", "/related/contacts", None),
        ("POST", "/restore", None),
    ):
        seen, absent = eve.call(method, record + tail, body), eve.call(method, missing + tail, body)
        assert (seen.status_code, seen.get_data()) == (absent.status_code, absent.get_data()), (method, tail)
        assert seen.status_code == 404


def _other_id(known: str) -> str:
    from trellis.record_id import format_id

    return format_id(known.rpartition("_")[0], 987654)


def test_hidden_and_missing_reference_are_refused_alike(world: World) -> None:
    hidden = world.bob.create("account", name="Hidden")["id"]
    missing = _other_id(hidden)
    answers = [world.eve.post("/records/contact", {"name": "x", "account": i}) for i in (hidden, missing)]
    assert [a.status_code for a in answers] == [422, 422]
    texts = [a.get_data(as_text=True).replace(i, "ID") for a, i in zip(answers, (hidden, missing), strict=True)]
    assert texts[0] == texts[1]


def test_hidden_file_cannot_be_claimed_by_naming_it(world: World) -> None:
    file = world.bob.post("/files", data=b"x", content_type="text/plain").get_json()["id"]
    refused = world.eve.post("/records/account", {"name": "mine", "logo": file})
    assert refused.get_json()["error"]["fields"]["logo"][0]["code"] == "bad_reference"
    assert world.eve.get(f"/files/{file}").status_code == 404
    assert world.ada.get(f"/files/{file}").status_code == 200


def test_file_is_read_by_whoever_reads_its_record(world: World) -> None:
    contact = world.bob.create("contact", name="Shared")["id"]
    file = world.bob.post(f"/files?object=contact&record={contact}", data=b"x", content_type="text/plain").get_json()[
        "id"
    ]
    assert world.eve.get(f"/files/{file}").get_data() == b"x"
    world.bob.delete(f"/records/contact/{contact}")
    assert world.eve.get(f"/files/{file}").status_code == 404


def test_reader_may_not_write_what_is_shared_for_reading(world: World) -> None:
    notice = world.bob.create("notice", name="Read me")["id"]
    assert world.eve.get(f"/records/notice/{notice}").status_code == 200
    assert world.eve.patch(f"/records/notice/{notice}", {"name": "x"}).status_code == 403
    assert world.eve.delete(f"/records/notice/{notice}").status_code == 403
    line = world.eve.post(
        "/records/notice/bulk?operation=delete", data=json.dumps({"id": notice}), content_type="application/x-ndjson"
    ).get_data()
    assert json.loads(line)["errors"]["id"][0]["code"] == "access_denied"


def test_token_scopes_limit_what_its_user_may(world: World) -> None:
    reader, writer = world.token(world.bob.user, "read"), world.token(world.bob.user, "write")
    assert reader.post("/records/notice", {"name": "x"}).status_code == 403
    assert writer.get("/records/notice").status_code == 403
    assert writer.post("/records/contact", {"name": "x"}).status_code == 201
    assert world.bob.get("/metadata").status_code == 403
    assert world.bob.post("/metadata/apply", {"documents": []}).status_code == 403
    for path in ("/records/notice", "/objects", "/openapi.json", "/search?q=a", "/files/x", "/jobs/1"):
        assert world.nobody.get(path).status_code == 401, path


def test_job_of_another_user_is_not_found(world: World) -> None:
    job = world.bob.post(
        "/records/contact/bulk?async=true", data=b'{"name":"x"}', content_type="application/x-ndjson"
    ).get_json()["id"]
    assert world.eve.get(f"/jobs/{job}").status_code == 404
    assert world.eve.get(f"/jobs/{job}/results").status_code == 404
    assert world.bob.get(f"/jobs/{job}").get_json()["state"] == "ready"


def test_metadata_is_described_only_to_administrators(world: World) -> None:
    assert not any(p.startswith("/metadata") for p in world.bob.get("/openapi.json").get_json()["paths"])
    assert "/metadata/apply" in world.ada.get("/openapi.json").get_json()["paths"]

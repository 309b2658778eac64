"""Records: the life of one, versions, repetition, external ids, strictness."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.app import World


def test_record_lives_and_comes_back(world: World) -> None:
    made = world.bob.post("/records/contact", {"name": "Ada"})
    record = made.get_json()["id"]
    assert made.headers["Location"] == f"/api/v1/records/contact/{record}"
    read = world.bob.get(f"/records/contact/{record}")
    assert read.headers["ETag"] == '"1"' and read.get_json() == made.get_json()
    assert world.bob.get(f"/records/contact/{record}", headers={"If-None-Match": '"1"'}).status_code == 304
    assert world.bob.patch(f"/records/contact/{record}", {"name": "Bea"}).get_json()["version"] == 2
    assert world.bob.delete(f"/records/contact/{record}").status_code == 204
    assert world.bob.get(f"/records/contact/{record}").status_code == 404
    assert [r["id"] for r in world.bob.get("/records/contact?deleted=true").get_json()["records"]] == [record]
    assert world.bob.post(f"/records/contact/{record}/restore").get_json()["restored"] == [
        {"object": "contact", "id": record}
    ]
    changes = world.bob.get(f"/records/contact/{record}/history").get_json()["changes"]
    assert [c["action"] for c in changes] == ["restored", "deleted", "updated", "created"]
    assert changes[2]["changes"] == {"name": {"from": "Ada", "to": "Bea"}}


def test_stale_version_is_refused(world: World) -> None:
    record = world.bob.create("contact", name="Ada")["id"]
    path = f"/records/contact/{record}"
    assert world.bob.patch(path, {"name": "B"}, headers={"If-Match": '"1"'}).status_code == 200
    stale = world.bob.patch(path, {"name": "C"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.get_json()["error"]["code"]) == (412, "precondition_failed")
    by_body = world.bob.patch(path, {"name": "C", "version": 1})
    assert (by_body.status_code, by_body.get_json()["error"]["code"]) == (409, "version_conflict")
    assert world.bob.delete(path, headers={"If-Match": '"1"'}).status_code == 412
    for wrong in ("x", '"x"', "1", 'W/"2"', '"99999999999999999999"'):
        assert world.bob.patch(path, {"name": "C"}, headers={"If-Match": wrong}).status_code == 412, wrong
    assert world.bob.patch(path, {"name": "C"}, headers={"If-Match": "*"}).status_code == 200


def test_repeated_request_writes_once(world: World) -> None:
    head = {"Idempotency-Key": "k1"}
    first = world.bob.post("/records/contact", {"name": "Once"}, headers=head)
    again = world.bob.post("/records/contact", {"name": "Once"}, headers=head)
    assert again.get_data() == first.get_data() and again.status_code == 201
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (again.headers["ETag"], again.headers["Location"]) == (first.headers["ETag"], first.headers["Location"])
    other = world.bob.post("/records/contact", {"name": "Twice"}, headers=head)
    assert (other.status_code, other.get_json()["error"]["code"]) == (409, "idempotency_conflict")
    assert world.eve.post("/records/contact", {"name": "Once"}, headers=head).get_json()["id"] != first.get_json()["id"]
    assert world.bob.post("/records/contact", {}, headers={"Idempotency-Key": "k2"}).status_code == 422
    assert world.bob.post("/records/contact", {"name": "Mended"}, headers={"Idempotency-Key": "k2"}).status_code == 201
    record = first.get_json()["id"]
    for _ in range(2):
        assert world.bob.delete(f"/records/contact/{record}", headers={"Idempotency-Key": "k3"}).status_code == 204
    assert world.bob.post("/records/contact", {"name": "x"}, headers={"Idempotency-Key": "x" * 201}).status_code == 400


def test_concurrent_repetitions_write_once(world: World) -> None:
    def send(_: int) -> str:
        response = world.bob.post("/records/contact", {"name": "Race"}, headers={"Idempotency-Key": "race"})
        assert response.status_code == 201, response.get_data(as_text=True)
        return str(response.get_json()["id"])

    with ThreadPoolExecutor(6) as pool:
        ids = set(pool.map(send, range(12)))
    assert len(ids) == 1
    assert world.bob.get("/records/contact?total=true").get_json()["total"] == 1


def test_upsert_by_external_id_makes_one_record_under_race(world: World) -> None:
    def send(number: int) -> str:
        response = world.bob.put("/records/contact/external/erp/4711", {"name": f"n{number}"})
        assert response.status_code in (200, 201), response.get_data(as_text=True)
        return str(response.get_json()["id"])

    with ThreadPoolExecutor(6) as pool:
        ids = set(pool.map(send, range(12)))
    assert len(ids) == 1
    record = ids.pop()
    assert world.bob.get("/records/contact/external/erp/4711").get_json()["id"] == record
    assert world.bob.get("/records/contact/external/erp/4712").status_code == 404
    world.bob.delete(f"/records/contact/{record}")
    assert world.bob.get("/records/contact/external/erp/4711").status_code == 404
    assert world.bob.put("/records/contact/external/erp/4711", {"name": "again"}).status_code == 201
    for path in ("external/erp/%00", f"external/erp/{'x' * 256}", f"external/{'x' * 61}/1", "external/erp/a%0ab"):
        assert world.bob.put(f"/records/contact/{path}", {"name": "x"}).status_code == 400, path
    assert world.bob.put("/records/contact/external/erp/1", {"name": "x", "id": record}).status_code == 400


def test_related_list_pages_and_filters(world: World) -> None:
    account = world.bob.create("account", name="Acme")["id"]
    for name in ("a", "b", "c"):
        world.bob.create("contact", name=name, account=account)
    world.bob.create("contact", name="d")
    path = f"/records/account/{account}/related/contacts?sort=name&fields=name&limit=2"
    page = world.bob.get(path).get_json()
    rest = world.bob.get(f"{path}&cursor={page['cursor']}").get_json()
    assert [r["name"] for r in page["records"] + rest["records"]] == ["a", "b", "c"]
    only = json.dumps({"field": "name", "op": "=", "value": "b"})
    assert [
        r["name"]
        for r in world.bob.get(f"/records/account/{account}/related/contacts?filter={only}").get_json()["records"]
    ] == ["b"]
    unknown = world.bob.get(f"/records/account/{account}/related/contact")
    assert unknown.status_code == 404 and "Did you mean 'contacts'?" in unknown.get_json()["error"]["message"]


HINTS = [
    ("GET", "/records/account?limt=3", None, 400, "limit"),
    ("GET", "/records/account?fields=nam", None, 422, "name"),
    ("GET", "/records/account?sort=nme", None, 422, "name"),
    ("GET", "/records/acount", None, 404, "account"),
    ("GET", "/records/contact?fields=account.nmae", None, 422, "name"),
    ("POST", "/records/account/query", {"filtr": {}}, 422, "filter"),
    ("POST", "/records/account/query", {"filter": {"feild": "name", "op": "=", "value": "x"}}, 422, "field"),
    ("POST", "/records/account/query", {"filter": {"field": "name", "op": "contain", "value": "x"}}, 422, "contains"),
    ("POST", "/records/account/query", {"aggregates": [{"function": "summ", "field": "amount"}]}, 422, "sum"),
    ("POST", "/records/account", {"nme": "x"}, 422, "name"),
    ("GET", "/search?qq=1", None, 400, "q"),
    ("POST", "/composite", {"operation": []}, 400, "operations"),
    ("GET", "/records/account/export?format=cvs", None, 400, "csv"),
    ("POST", "/composite", {"operations": [{"op": "crate", "object": "account", "body": {}}]}, 422, "create"),
]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_misspelling_is_refused_with_the_likely_intent(world: World) -> None:
    for method, path, body, status, meant in HINTS:
        response = world.ada.call(method, path, body)
        assert response.status_code == status, (path, response.get_data(as_text=True))
        assert f"'{meant}'" in response.get_data(as_text=True), (path, response.get_data(as_text=True))


WRONG_REQUESTS = [
    ("GET", "/records/account?limit=0", None),
    ("GET", "/records/account?limit=1001", None),
    ("GET", "/records/account?limit=x", None),
    ("GET", "/records/account?limit=1&limit=2", None),
    ("GET", "/records/account?cursor=x", None),
    ("GET", "/records/account?total=yes", None),
    ("GET", "/records/account?filter=x", None),
    ("GET", "/records/account?filter=[]", None),
    ("GET", "/records/account?sort=topics", None),
    ("GET", "/records/account?cursor=eyJhIjoxfQ", None),
    ("GET", "/records/account?cursor=W10", None),
    ("GET", "/records/account?cursor=%00", None),
    ("GET", "/records/a%00b", None),
    ("GET", "/records/account/x%00", None),
    ("GET", "/search?q=", None),
    ("GET", "/search", None),
    ("GET", f"/search?q={'x' * 201}", None),
    ("GET", "/search?q=a&objects=nope", None),
    ("GET", "/files/..%2f..%2fetc%2fpasswd", None),
    ("GET", "/files/" + "a" * 32, None),
    ("GET", "/jobs/x", None),
    ("GET", "/jobs/99999999999999999999", None),
    ("GET", "/jobs/-1", None),
    ("POST", "/records/account/query", []),
    ("POST", "/records/account/query", {"limit": 10**30}),
    ("POST", "/records/account/query", {"filter": {"and": 1}}),
    ("POST", "/records/account/query", {"filter": {"field": "id", "op": "=", "value": 10**30}}),
    ("POST", "/records/account/query", {"filter": {"field": "id", "op": "=", "value": True}}),
    ("POST", "/records/account/query", {"filter": {"field": "name", "op": "contains", "value": "a\0b"}}),
    ("POST", "/records/account/query", {"filter": {"field": "name", "op": "contains", "value": "a\ud800b"}}),
    ("POST", "/records/account/query", {"filter": {"field": "name", "op": "=", "value": "a\ud800b"}}),
    ("POST", "/records/account/query", {"filter": {"field": "topics", "op": "includes_any", "value": ["a\0b"]}}),
    ("POST", "/records/account/query", {"filter": {"field": "topics", "op": "includes_any", "value": ["a\ud800"]}}),
    ("POST", "/records/account/query", {"filter": {"field": "kind_of", "op": "in", "value": ["hot"] * 1001}}),
    ("POST", "/records/account/query", {"filter": {"field": "founded", "op": "=", "value": "LAST_N_DAYS:x"}}),
    ("POST", "/records/account/query", {"filter": {"field": "address.city", "op": "=", "value": 5}}),
    ("POST", "/records/account/query", {"filter": {"field": "address.city", "op": "=", "value": "a\0"}}),
    ("POST", "/records/account/query", {"filter": {"field": "place.latitude", "op": "=", "value": "x"}}),
    ("POST", "/records/account/query", {"filter": {"field": "version", "op": "=", "value": 10**30}}),
    ("POST", "/records/account/query", {"fields": ["name"] * 3 + [5]}),
    ("POST", "/records/account/query", {"fields": [f"f{i}" for i in range(201)]}),
    ("POST", "/records/account/query", {"aggregates": [{"function": "sum", "field": "name"}]}),
    ("POST", "/records/account/query", {"group_by": ["topics"]}),
    ("POST", "/records/account/query", {"children": {"nope": {}}}),
    ("POST", "/records/account/query", {"children": []}),
    ("POST", "/composite", {"operations": []}),
    ("POST", "/composite", {"operations": [5]}),
    ("POST", "/composite", {"operations": [{"op": ["create"]}]}),
    ("POST", "/composite", {"operations": [{"op": "delete", "object": "account", "id": "@{x.id}"}]}),
    ("POST", "/metadata/plan", {"documents": [5]}),
    ("POST", "/metadata/plan", {"documents": {}}),
    ("POST", "/metadata/plan", {"removed": [["a"]]}),
    ("POST", "/metadata/apply", {"documents": [{"kind": "object", "name": "Bad Name", "fields": []}]}),
    ("POST", "/metadata/plan", {"renames": [{}]}),
    ("POST", "/metadata/plan", {"removed": [["object", "nope"]]}),
    ("GET", "/metadata?kind=nope", None),
    ("GET", "/schemas/nope.json", None),
    ("GET", "/nope", None),
]


def test_wrong_requests_are_refused_and_leak_nothing(world: World) -> None:
    failures = []
    for method, path, body in WRONG_REQUESTS:
        response = world.ada.call(method, path, body)
        text = response.get_data(as_text=True)
        if not 400 <= response.status_code < 500 or any(
            leak in text for leak in ("Traceback", "sqlalchemy", "SELECT ", "site-packages", ".py")
        ):
            failures.append((method, path[:80], str(body)[:80], response.status_code, text[:200]))
    assert not failures


def test_relative_dates_at_the_edges_answer(world: World) -> None:
    for word in (
        "LAST_N_DAYS:9999",
        "NEXT_N_YEARS:9999",
        "LAST_N_YEARS:9999",
        "LAST_N_MONTHS:9999",
        "NEXT_N_WEEKS:9999",
    ):
        for field in ("founded", "seen_at"):
            response = world.ada.post("/records/account/query", {"filter": {"field": field, "op": "=", "value": word}})
            assert response.status_code in (200, 422), (word, field)


def test_body_must_be_json_of_sane_depth(world: World) -> None:
    def send(data: bytes, kind: str = "application/json") -> int:
        return world.ada.call("POST", "/records/account", data=data, content_type=kind).status_code

    assert send(b"name=x", "application/x-www-form-urlencoded") == 415
    assert send(b"<a/>", "text/xml") == 415
    for wrong in (
        b"",
        b"{",
        b'{"name": NaN}',
        b'\xff{"name":"x"}',
        b'{"name":"x"} {}',
        b"[" * 100_000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b'{"a":' * 300 + b"1" + b"}" * 300,
        b'{"staff": ' + b"9" * 5000 + b"}",
    ):
        assert send(wrong) == 400, wrong[:30]
    for wrong in (b"[]", b'"x"', b"5", b"null"):
        assert send(wrong) == 422, wrong
    assert send(b'{"name":"' + b"x" * (17 * 2**20) + b'"}') == 413
    deep: object = {}
    for _ in range(60):
        deep = {"children": {"contacts": deep}}
    assert world.ada.post("/records/account/query", deep).status_code in (400, 422)


def test_methods_are_told(world: World) -> None:
    wrong = world.ada.put("/records/account", {})
    assert (wrong.status_code, wrong.get_json()["error"]["code"], wrong.headers["Allow"]) == (
        405,
        "method_not_allowed",
        "GET, HEAD, OPTIONS, POST",
    )
    assert "POST" in world.ada.call("OPTIONS", "/records/account").headers["Allow"]
    head = world.ada.call("HEAD", "/records/account")
    assert (head.status_code, head.get_data()) == (200, b"")
    assert world.ada.call("BREW", "/records/account").status_code == 405
    assert world.ada.get("/").status_code == 404

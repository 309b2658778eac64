"""Packs over HTTP: what an administrator may do, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packs.samples import base_pack, school_pack
from support.app import World, world

from trellis.packs import archive
from trellis.packs.shelf import Shelf, sign_archive
from trellis.packs.signing import TrustList, new_key

CONTACT = {
    "kind": "object",
    "name": "contact",
    "label": "Contact",
    "fields": [{"name": "name", "type": "text", "required": True}],
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world("sqlite://", tmp_path_factory.mktemp("home"), [CONTACT]) as made:
        yield made


@pytest.fixture
def key(here: World, tmp_path: Path) -> Path:
    shelf = Shelf.of(here.tenant)
    public = new_key(tmp_path / "vendor.pem")
    TrustList().with_key("Acme", public).write(shelf.trust_file)
    return tmp_path / "vendor.pem"


def built(source: Any, tmp_path: Path, key: Path | None) -> bytes:
    file = tmp_path / f"{source.name}-{source.version}.trellis"
    archive.build(source.folder, file)
    if key is not None:
        sign_archive(file, key)
    return file.read_bytes()


def upload(here: World, data: bytes) -> Any:
    return here.ada.call("POST", "/packs", data=data, content_type="application/zip")


def act(here: World, name: str, **change: Any) -> Any:
    plan = here.ada.post(f"/packs/{name}/plan", change).get_json()
    assert "hash" in plan, plan
    return here.ada.post(f"/packs/{name}/apply", {**change, "confirm": plan["hash"]})


def test_pack_is_uploaded_installed_upgraded_and_removed(here: World, tmp_path: Path, key: Path) -> None:
    before = here.ada.get("/metadata").get_json()["hash"]
    for source in (base_pack(tmp_path), school_pack(tmp_path)):
        answer = upload(here, built(source, tmp_path, key))
        assert (answer.status_code, answer.get_json()["signed_by"]) == (201, "Acme")
        assert act(here, source.name).status_code == 200
    listed = {p["name"]: p for p in here.ada.get("/packs").get_json()["packs"]}
    assert (listed["school"]["installed"], listed["school"]["upgrade"]) == ("1.0.0", False)
    student = here.tenant.model().snapshot.get("object", "student") or {}
    changed = [{**f, "min": 2} if f["name"] == "grade" else f for f in student["fields"]]
    assert here.ada.post("/metadata/apply", {"documents": [{**student, "fields": changed}]}).status_code == 200
    newer = school_pack(tmp_path, "1.1.0", lambda d, p: d["student"]["fields"][2].update(min=3))
    upload(here, built(newer, tmp_path, key))
    plan = here.ada.post("/packs/school/plan", {}).get_json()
    conflict = plan["conflicts"][0]
    assert (plan["to"], conflict["ours"], conflict["theirs"], conflict["recommended"]) == ("1.1.0", 2, 3, "ours")
    assert here.ada.post("/packs/school/apply", {}).status_code == 409
    assert here.ada.post("/packs/school/choices", {"choices": {conflict["key"]: "theirs"}}).get_json() == {
        "remembered": 1
    }
    assert act(here, "school").status_code == 200
    for name in ("school", "base"):
        assert act(here, name, action="uninstall", data="drop").status_code == 200
    assert here.ada.get("/metadata").get_json()["hash"] == before


def test_unsigned_and_hostile_uploads_are_refused(here: World, tmp_path: Path, key: Path) -> None:
    unsigned = upload(here, built(base_pack(tmp_path), tmp_path, None))
    hostile = upload(here, b"PK not really")
    assert [(r.status_code, r.get_json()["error"]["code"]) for r in (unsigned, hostile)] == [
        (422, "bad_signature"),
        (422, "hostile_archive"),
    ]
    assert here.ada.call("POST", "/packs", {"a": 1}).status_code == 415


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/packs"),
        ("POST", "/packs"),
        ("POST", "/packs/crm/plan"),
        ("POST", "/packs/crm/apply"),
        ("POST", "/packs/crm/choices"),
    ],
)
def test_only_an_administrator_may_touch_packs(here: World, method: str, path: str) -> None:
    assert here.bob.call(method, path, {} if method == "POST" else None).status_code == 403
    assert here.nobody.call(method, path, {} if method == "POST" else None).status_code == 401
    assert (
        here.token(here.ada.user, "read", "write").call(method, path, {} if method == "POST" else None).status_code
        == 403
    )


def test_unknown_pack_and_malformed_request_are_refused(here: World) -> None:
    assert here.ada.post("/packs/crmm/plan", {}).status_code == 404
    assert here.ada.post("/packs/crm/plan", {"action": "explode"}).status_code == 400
    assert here.ada.post("/packs/crm/plan", {"nothing": 1}).status_code == 400
    assert here.ada.post("/packs/crm/plan", {"action": "uninstall"}).status_code == 404


def test_endpoints_are_documented_for_administrators_only(here: World) -> None:
    paths = [set(who.get("/openapi.json").get_json()["paths"]) for who in (here.ada, here.bob)]
    assert ["/packs/{name}/apply" in found for found in paths] == [True, False]


def test_pictures_of_a_pack_are_for_who_may_install_it(here: World) -> None:
    listed = {p["name"]: p for p in here.ada.get("/packs").get_json()["packs"]}
    assert listed["crm"]["screenshots"][0]["label"] == "Deals with their stages"
    path = f"/packs/crm/screenshots/{listed['crm']['screenshots'][0]['file']}"
    found = here.ada.get(path)
    assert (found.status_code, found.mimetype, found.data[:4]) == (200, "image/png", b"\x89PNG")
    refused = here.ada.get("/packs/crm/screenshots/pack.json")
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (404, "no_screenshot")
    assert here.bob.get(path).status_code == 403


def test_rehearsal_is_asked_for_and_read(here: World, tmp_path: Path, key: Path) -> None:
    upload(here, built(base_pack(tmp_path), tmp_path, key))
    asked = here.ada.post("/packs/base/rehearse", {})
    assert (asked.status_code, asked.get_json()["state"]) == (202, "ready")
    path = f"/packs/base/rehearsals/{asked.get_json()['id']}"
    assert here.ada.get(path).get_json() == asked.get_json()
    assert here.ada.get("/packs/base/rehearsals/999999").status_code == 404
    assert here.ada.post("/packs/base/rehearse", {"action": "uninstall"}).status_code == 400
    assert here.bob.get(path).status_code == 403
    assert here.bob.post("/packs/base/rehearse", {}).status_code == 403

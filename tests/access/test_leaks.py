"""A sweep over every address that the OpenAPI document of an administrator names, as somebody who must not see something.

What Eve is answered must not depend on what she may not see: everything hidden is changed, and every answer stays the same. No
answer holds a hidden word, and a hidden record is answered like one that is missing.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from support.app import Client, World
from support.copies import OpenWorld

from trellis.access import memberships
from trellis.access.accounts import create_token
from trellis.record_id import format_id

WORD = "Zaphod"
DOCUMENTS: list[dict[str, Any]] = [
    {
        "kind": "object",
        "name": "account",
        "label": "Account",
        "features": {"search": ["name", "hush"]},
        "fields": [
            {"name": "name", "type": "text", "required": True},
            {"name": "hush", "type": "text", "label": "Zaphod hush"},
            {"name": "phone", "type": "text"},
            {"name": "amount", "type": "number", "scale": 2},
            {"name": "parent", "type": "lookup", "target": "account", "relationship": "children"},
        ],
    },
    {
        "kind": "object",
        "name": "contact",
        "label": "Contact",
        "sharing": {"default": "edit"},
        "features": {"search": ["name"]},
        "fields": [
            {"name": "name", "type": "text", "required": True},
            {"name": "account", "type": "lookup", "target": "account", "relationship": "contacts"},
            {"name": "vault", "type": "lookup", "target": "zaphod_vault"},
        ],
    },
    {
        "kind": "object",
        "name": "zaphod_vault",
        "label": "Zaphod vault",
        "sharing": {"default": "edit"},
        "features": {"search": ["name"]},
        "fields": [
            {"name": "name", "type": "text", "required": True},
            {"name": "account", "type": "lookup", "target": "account", "relationship": "zaphods"},
        ],
    },
    {
        "kind": "permission_set",
        "name": "narrow",
        "objects": [
            {
                "name": "account",
                "rights": ["create", "read", "edit", "delete", "export"],
                "fields": [{"name": "hush", "access": "none"}, {"name": "phone", "access": "masked"}],
            },
            {
                "name": "contact",
                "rights": ["read", "edit", "export"],
                "fields": [{"name": "vault", "access": "none"}],
            },
        ],
    },
]


@pytest.fixture
def leaky(open_world: OpenWorld) -> World:
    """Bob has everything, Eve the narrow set."""
    made = open_world(DOCUMENTS)
    with made.tenant.database.reading() as connection:
        old = memberships.memberships(connection, user=made.eve.user)
    memberships.add(made.tenant, made.eve.user, "permission_set", "narrow")
    for membership in old:
        memberships.remove(made.tenant, membership.id)
    return made


def _hide(made: World) -> dict[str, Any]:
    """Let Bob write what Eve must not see, beside what she may."""
    vault = made.bob.create("zaphod_vault", name=f"{WORD} gold")["id"]
    account = made.bob.create("account", name=f"{WORD} Ltd", hush=WORD, phone="5550123456", amount="12")["id"]
    made.bob.put("/records/account/external/erp/K1", {"name": f"{WORD} by key"})
    contact = made.bob.create("contact", name="Li Wang", account=account, vault=vault)["id"]
    file = made.bob.post(
        f"/files?name={WORD}.txt&object=account&record={account}", data=WORD.encode(), content_type="text/plain"
    ).get_json()["id"]
    deleted = made.bob.create("account", name=f"{WORD} gone")["id"]
    made.bob.delete(f"/records/account/{deleted}")
    mine = made.eve.create("account", name="Eve's")["id"]
    made.ada.patch(f"/records/account/{mine}", {"hush": WORD, "phone": "5559876543"})
    job = made.bob.post(
        "/records/contact/bulk?async=true&operation=update", data=b'{"id":"x"}', content_type="application/x-ndjson"
    )
    return {
        "vault": vault,
        "account": account,
        "contact": contact,
        "file": file,
        "deleted": deleted,
        "mine": mine,
        "job": (job.get_json() or {}).get("id", "1"),
    }


def _change(made: World, known: dict[str, Any]) -> None:
    """Change everything that Eve must not see, and nothing else."""
    made.bob.patch(f"/records/account/{known['account']}", {"name": "Other", "hush": "else", "amount": "99"})
    made.bob.create("account", name=f"{WORD} Two", amount="7", parent=known["account"])
    made.ada.create("zaphod_vault", name="more", account=known["mine"])
    made.bob.patch(f"/records/zaphod_vault/{known['vault']}", {"name": "Lead"})
    made.bob.post(f"/records/account/{known['deleted']}/restore")
    with made.tenant.database.writing() as connection:
        table = made.tenant.model().object("account").table
        number = made.tenant.model().env.parse_id(known["mine"], ["account"])[1]
        # Written beside the write path: the version and the moment of the change are Eve's to see.
        connection.execute(table.update().where(table.c.id == number).values(f_hush="changed"))


_QUERIES = (
    "",
    "?total=true",
    "?deleted=true",
    f"?search={WORD}",
    "?sort=-amount",
    "?fields=name,hush",
    "?fields=name,phone",
    "?sort=hush",
    "?sort=phone",
    "?fields=account.name,account.hush",
    "?filter=" + json.dumps({"field": "hush", "op": "=", "value": WORD}),
    "?filter=" + json.dumps({"field": "phone", "op": "starts_with", "value": "555"}),
    "?filter=" + json.dumps({"field": "account.name", "op": "contains", "value": "a"}),
    "?filter=" + json.dumps({"field": "account.name", "op": "is_not_blank"}),
)
_BODIES: tuple[dict[str, Any], ...] = (
    {"aggregates": [{"function": "count"}, {"function": "sum", "field": "amount"}]},
    {"group_by": ["account.name"], "aggregates": [{"function": "count"}]},
    {"group_by": ["hush"], "aggregates": [{"function": "count"}]},
    {"group_by": ["phone"], "aggregates": [{"function": "count"}]},
    {"aggregates": [{"function": "max", "field": "hush"}]},
    {"children": {"contacts": {"fields": ["name"]}, "zaphods": {}}},
    {"children": {"children": {"fields": ["name", "hush"]}}},
    {"filter": {"formula": 'hush = "Zaphod"'}},
)


def _addresses(made: World, known: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """Return every reading request: method, address, body."""
    found: list[tuple[str, str, Any]] = []
    for path, item in made.ada.get("/openapi.json").get_json()["paths"].items():
        for address in _filled(path, item, known):
            if "get" in item:
                queries = _QUERIES if re.search(r"/records/\w+$|/related/|/export$", address) else ("",)
                found += [("GET", address + q, None) for q in queries]
            if "post" in item and address.endswith("/query"):
                found += [("POST", address, body) for body in _BODIES]
    found += [("GET", f"/search?q={WORD}", None), ("GET", f"/search?q={WORD}&objects=zaphod_vault", None)]
    record = f"object=account&record={known['account']}"
    mine = f"object=account&record={known['mine']}"
    found += [("GET", f"/access/{p}?{r}", None) for p in ("explain", "who") for r in (record, mine)]
    return found


def _filled(path: str, item: dict[str, Any], known: dict[str, Any]) -> list[str]:
    parameters = {p["name"]: p for p in item.get("parameters", ()) if isinstance(p, dict) and "name" in p}
    fixed = {
        "system": "erp",
        "key": "K1",
        "file": known["file"],
        "job": known["job"],
        "kind": "object",
        "change": "1",
        "number": "1",
    }
    names = re.findall(r"\{(\w+)\}", path)
    choices: dict[str, list[str]] = {}
    for name in names:
        if name == "record":
            choices[name] = [known["mine"], known["account"], known["contact"], known["vault"]]
        elif name == "relationship":
            choices[name] = parameters.get(name, {}).get("schema", {}).get("enum", ["contacts"])
        elif name == "name":
            choices[name] = ["account", "contact", "zaphod_vault"]
        else:
            choices[name] = [fixed.get(name, "1")]
    found = [path]
    for name, values in choices.items():
        found = [f.replace(f"{{{name}}}", str(v)) for f in found for v in values]
    return found


def _answers(client: Client, requests: list[tuple[str, str, Any]]) -> list[tuple[int, str]]:
    made = [client.call(method, address, body) for method, address, body in requests]
    return [(a.status_code, a.get_data(as_text=True)) for a in made]


def test_no_answer_depends_on_or_tells_what_is_hidden(leaky: World) -> None:
    known = _hide(leaky)
    requests = [r for r in _addresses(leaky, known) if "/health" not in r[1] and "/ready" not in r[1]]
    assert len(requests) > 150
    before = _answers(leaky.eve, requests)
    _change(leaky, known)
    after = _answers(leaky.eve, requests)
    different = [(r, b, a) for r, b, a in zip(requests, before, after, strict=True) if a != b]
    assert different == []
    sent = {r[1]: json.dumps(r[2]) for r in requests}
    told = [
        (address, text)
        for (_, address, body), (_, text) in zip(requests, before, strict=True)
        if WORD.lower() in _without(text, address, body).lower()
    ]
    assert told == [], len(sent)


def _without(text: str, address: str, body: Any) -> str:
    """Take out what the caller said himself: an error repeats his words."""
    for said in (WORD, "zaphod_vault", "zaphods"):
        if said in address or said in json.dumps(body):
            text = text.replace(said, "")
    return text


def test_hidden_record_is_written_to_like_a_missing_one(leaky: World) -> None:
    known = _hide(leaky)
    missing = {k: format_id(known[k].rpartition("_")[0], 987654) for k in ("account", "vault")}
    paths = leaky.ada.get("/openapi.json").get_json()["paths"]
    wrong = []
    for path, item in paths.items():
        for name, hidden in (("account", known["account"]), ("zaphod_vault", known["vault"])):
            if not path.startswith(f"/records/{name}/{{record}}"):
                continue
            absent = missing["account" if name == "account" else "vault"]
            tail = re.sub(r"\{\w+\}", "1", path.split("{record}")[1])
            for method in ("post", "patch", "put", "delete"):
                if method in item:
                    answers = []
                    for record in (hidden, absent):
                        body = None if method == "delete" or tail in ("/restore", "/purge") else {"name": "x"}
                        body = {"receiver": {"user": known["mine"]}} if tail == "/shares" else body
                        made = leaky.eve.call(method.upper(), f"/records/{name}/{record}{tail}", body)
                        answers.append((made.status_code, made.get_data(as_text=True).replace(record, "?")))
                    if answers[0] != answers[1] or answers[0][0] < 400:
                        wrong.append((method, path, answers))
    assert wrong == []


def test_masked_field_tells_little_and_hidden_field_does_not_exist(leaky: World) -> None:
    known = _hide(leaky)
    mine = leaky.eve.get(f"/records/account/{known['mine']}").get_json()
    assert (mine["phone"], "hush" in mine) == ("555•••43", False)
    listed = leaky.eve.get("/records/account?fields=name,phone").get_json()["records"]
    assert [r["phone"] for r in listed] == ["555•••43"]
    unknown, hidden = (
        leaky.eve.patch(f"/records/account/{known['mine']}", {name: "x"}).get_json()["error"]["fields"]
        for name in ("hoooosh", "hush")
    )
    assert (unknown["hoooosh"][0]["code"], hidden["hush"][0]["code"]) == ("unknown_field", "unknown_field")
    refused = leaky.eve.patch(f"/records/account/{known['mine']}", {"phone": "1"}).get_json()["error"]["fields"]
    assert refused["phone"][0]["code"] == "access_denied"
    assert leaky.ada.get(f"/records/account/{known['mine']}").get_json()["phone"] == "5559876543"
    exported = leaky.eve.get("/records/account/export?format=csv").get_data(as_text=True)
    assert "hush" not in exported and "5559876543" not in exported
    description = leaky.eve.get("/objects/account").get_json()
    assert "hush" not in [f["name"] for f in description["fields"]]
    assert "hush" not in description["create_schema"]["properties"]


def test_rights_on_the_object_hold_at_every_door(leaky: World) -> None:
    known = _hide(leaky)
    lines = json.dumps({"name": "x"})
    many = {"content_type": "application/x-ndjson"}
    assert leaky.eve.post("/records/contact", {"name": "x"}).status_code == 403
    assert leaky.eve.post("/records/account/bulk", data=lines, **many).status_code == 403
    update = json.dumps({"id": known["contact"], "name": "y"})
    assert leaky.eve.post("/records/contact/bulk?operation=update", data=update, **many).status_code == 403
    assert leaky.eve.patch(f"/records/contact/{known['contact']}", {"name": "y"}).status_code == 200
    assert leaky.eve.delete(f"/records/contact/{known['contact']}").status_code == 403
    share = {"receiver": {"user": format_id("user", leaky.bob.user)}}
    assert leaky.eve.post(f"/records/account/{known['mine']}/shares", share).status_code == 403
    assert leaky.eve.get("/records/zaphod_vault").status_code == 404
    assert leaky.eve.get("/access/memberships").status_code == 403
    assert leaky.eve.get(f"/access/what?user={format_id('user', leaky.bob.user)}").status_code == 403
    nobody = Client(leaky.ada.http, create_token(leaky.tenant, leaky.bob.user, "t"), leaky.bob.user)
    with leaky.tenant.database.reading() as connection:
        sets = memberships.memberships(connection, user=leaky.bob.user)
    assert nobody.get("/records/contact").status_code == 200
    for membership in sets:
        memberships.remove(leaky.tenant, membership.id)
    assert nobody.get("/records/contact").status_code == 404
    assert leaky.ada.get("/records/contact").status_code == 200

"""People outside read what leads to the record that they belong to, and nothing else, at every door."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from support.kernel import create, obj, publish, rows, write
from support.office import Office

from trellis.access import AccessDenied, Principal, shares
from trellis.access.accounts import create_token, principal_of_token
from trellis.access.decide import may
from trellis.access.explain import explain_access
from trellis.access.people import what, who
from trellis.accounts.portal import BadPortal, clear_portal, set_portal
from trellis.app import create_app
from trellis.exchange.exporting import Export, export
from trellis.record_id import format_id
from trellis.transaction import NotFound
from trellis_metadata.errors import TrellisError

COMPANY = obj(
    "company",
    {"name": "name", "type": "text"},
    sharing={"default": "edit", "portal": ["id"]},
    features={"search": ["name"]},
)
TICKET = obj(
    "ticket",
    {"name": "name", "type": "text"},
    {"name": "company", "type": "lookup", "target": "company", "relationship": "tickets"},
    {"name": "payer", "type": "lookup", "target": "company"},
    sharing={"default": "edit", "portal": ["company", "payer"]},
    features={"search": ["name"]},
)
NOTE = obj(
    "remark",
    {"name": "name", "type": "text"},
    {"name": "ticket", "type": "master_detail", "target": "ticket", "relationship": "remarks"},
    sharing={"default": "controlled_by_parent", "parent": "ticket"},
)
SECRET = obj("plan_item", {"name": "name", "type": "text"}, sharing={"default": "edit"})


def furnish(office: Office) -> dict[str, int]:
    """Two companies with tickets; Eve belongs to the first one, which owns nothing of the second."""
    tenant = office.tenant
    publish(tenant, COMPANY, TICKET, NOTE, SECRET)
    ours, theirs = create(tenant, "company", {"name": "Ours"}, {"name": "Theirs"})
    o, t = (format_id("company", n) for n in (ours, theirs))
    mine, paid, other, blank = create(
        tenant,
        "ticket",
        {"name": "mine", "company": o},
        {"name": "paid", "company": t, "payer": o},
        {"name": "other", "company": t},
        {"name": "blank"},
        principal=office.person("eve"),
    )
    create(
        tenant,
        "remark",
        *({"name": f"on {n}", "ticket": format_id("ticket", i)} for n, i in (("mine", mine), ("other", other))),
    )
    create(tenant, "plan_item", {"name": "hush"}, principal=office.person("eve"))
    set_portal(tenant, office.person("ada"), office.number("eve"), "company", ours)
    return {"ours": ours, "theirs": theirs, "mine": mine, "paid": paid, "other": other, "blank": blank}


def names(office: Office, name: str, by: Principal) -> list[str]:
    return [r["name"] for r in rows(office.tenant, name, by, fields=["name"])]


def test_portal_person_reads_what_leads_to_his_record_and_nothing_else(office: Office) -> None:
    furnish(office)
    eve = office.person("eve")
    assert (eve.kind, eve.admin) == ("portal", False)
    assert names(office, "company", eve) == ["Ours"]
    assert names(office, "ticket", eve) == ["mine", "paid"], "though she owns all four and everybody may edit them"
    assert names(office, "remark", eve) == ["on mine"], "by the parent"
    for name in ("plan_item", "user"):
        with pytest.raises(TrellisError):
            rows(office.tenant, name, eve)
    assert names(office, "ticket", office.person("bob")) == ["mine", "paid", "other", "blank"]


def test_relation_to_a_hidden_record_shows_no_name(office: Office) -> None:
    furnish(office)
    found = rows(office.tenant, "ticket", office.person("eve"), fields=["name", "company.name", "owner.name"])
    assert [(r["name"], r["company.name"], r.get("owner.name")) for r in found] == [
        ("mine", "Ours", None),
        ("paid", None, None),
    ]
    assert "Theirs" not in str(found) and "Moneypenny" not in str(found)


def test_portal_person_writes_shares_and_exports_nothing(office: Office) -> None:
    there = furnish(office)
    eve, tenant = office.person("eve"), office.tenant
    with pytest.raises(AccessDenied):
        create(tenant, "ticket", {"name": "new"}, principal=eve)
    with pytest.raises(AccessDenied):
        write(tenant, lambda tx: tx.update("ticket", [{"id": there["mine"], "name": "x"}]), eve)
    with pytest.raises((AccessDenied, NotFound)):
        write(tenant, lambda tx: tx.delete("ticket", [there["mine"]]), eve)
    with pytest.raises(NotFound):
        write(tenant, lambda tx: tx.update("ticket", [{"id": there["other"], "name": "x"}]), eve)
    with pytest.raises(AccessDenied):
        b"".join(export(tenant, eve, Export("ticket"), "csv"))


def test_share_role_and_ownership_give_somebody_outside_nothing(office: Office) -> None:
    there, tenant = furnish(office), office.tenant
    root = tenant.model().object("ticket")
    write(tenant, lambda tx: shares.give(tx, root, there["other"], office.number("eve"), "edit"))
    assert names(office, "ticket", office.person("eve")) == ["mine", "paid"]


def test_decide_list_explain_and_who_agree(office: Office) -> None:
    there, tenant = furnish(office), office.tenant
    model, eve = tenant.model(), office.person("eve")
    root = model.object("ticket")
    with tenant.database.reading() as connection:
        for name, reads in (("mine", True), ("paid", True), ("other", False), ("blank", False)):
            record = there[name]
            assert may(connection, eve, model, root, record, "read") is reads
            assert not may(connection, eve, model, root, record, "edit")
            told = explain_access(connection, model, eve, root, record, "read").to_json("en")
            assert told["allowed"] is reads and [p["kind"] for p in told["paths"]] == (["portal"] if reads else [])
            assert (eve.user in {p.user for p in who(tenant, connection, model, root, record)}) is reads
        assert {o["object"]: o["readable"] for o in what(tenant, connection, model, eve)} == {
            "company": 1,
            "ticket": 2,
            "remark": 1,
        }


def test_statements_of_one_portal_person_do_not_serve_another_ones_records(office: Office) -> None:
    there, tenant = furnish(office), office.tenant
    set_portal(tenant, office.person("ada"), office.number("bob"), "company", there["theirs"])
    assert names(office, "ticket", office.person("eve")) == ["mine", "paid"]
    assert names(office, "ticket", office.person("bob")) == ["paid", "other"]
    assert names(office, "company", office.person("bob")) == ["Theirs"]


def test_token_of_a_portal_person_stays_outside(office: Office) -> None:
    furnish(office)
    token = create_token(office.tenant, office.number("eve"), "x")
    with office.tenant.database.reading() as connection:
        found = principal_of_token(office.tenant, connection, token)
    assert found is not None and found.kind == "portal" and names(office, "ticket", found) == ["mine", "paid"]


def test_portal_over_http_knows_of_nothing_else(office: Office) -> None:
    there = furnish(office)
    http: FlaskClient = create_app(office.runtime, default_tenant="acme").test_client()
    headers = {"Authorization": f"Bearer {create_token(office.tenant, office.number('eve'), 'x')}"}

    def get(path: str) -> Any:
        return http.get(f"/api/v1{path}", headers=headers)

    assert {o["name"] for o in get("/objects").get_json()["objects"]} == {"company", "ticket", "remark"}
    other, mine = (format_id("ticket", there[n]) for n in ("other", "mine"))
    assert get(f"/records/ticket/{mine}").status_code == 200
    for path in (f"/records/ticket/{other}", f"/records/ticket/{other}/history", "/records/user", "/records/plan_item"):
        assert get(path).status_code == 404, path
    for path in ("/metadata/versions", "/audit", "/security", "/access/memberships"):
        assert get(path).status_code in (403, 404), path
    assert "Theirs" not in get("/search?q=Theirs").get_data(as_text=True)
    assert "Ours" in get("/search?q=Ours").get_data(as_text=True)


def test_who_belongs_where_is_set_by_administrators_only(office: Office) -> None:
    there, tenant = furnish(office), office.tenant
    with pytest.raises(AccessDenied):
        set_portal(tenant, office.person("bob"), office.number("bob"), "company", there["ours"])
    for user, record in (("ada", there["ours"]), ("bob", 999)):
        with pytest.raises(BadPortal):
            set_portal(tenant, office.person("ada"), office.number(user), "company", record)
    clear_portal(tenant, office.person("ada"), office.number("eve"))
    assert office.person("eve").kind == "person"
    assert [r["detail"]["portal"] for r in office.audit("account_changed")] == ["company", None]


def test_portal_fields_must_be_references(office: Office) -> None:
    for bad in (["name"], ["nothing"]):
        with pytest.raises(TrellisError):
            publish(office.tenant, COMPANY, {**TICKET, "sharing": {"portal": bad}})

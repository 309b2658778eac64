"""The audit: what is in it, who may read it, and that nobody changes it unseen."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
import sqlalchemy as sa
from support.kernel import create, obj, publish, rows
from support.office import Office

from trellis.access import AccessDenied, Principal, memberships
from trellis.accounts.acting import ReasonMissing, begin_acting
from trellis.audit import note
from trellis.audit import reading as audit_reading
from trellis.audit.reading import BadAuditQuery, Search
from trellis.audit.sealing import seal_rows, verify
from trellis.exchange.exporting import Export, export
from trellis.jobs import Worker
from trellis.query import get_record

CLIENT = obj(
    "client",
    {"name": "name", "type": "text"},
    {"name": "tax", "type": "text", "sensitive": True},
    {"name": "parent", "type": "lookup", "target": "client", "relationship": "children"},
    sharing={"default": "edit"},
)


def check(office: Office, head: str | None = None) -> Any:
    with office.tenant.database.reading() as connection:
        return verify(office.tenant, connection, head)


def sealed(office: Office) -> Office:
    """Seal two batches."""
    seal_rows(office.tenant)
    for n in range(5):
        with office.tenant.database.writing() as connection:
            note(office.tenant, connection, "exported", actor=office.number("bob"), number=n, 文="文")
    seal_rows(office.tenant)
    assert check(office).broken == ()
    return office


def tamper(office: Office, statement: str) -> tuple[str, ...]:
    with office.tenant.database.writing() as connection:
        connection.exec_driver_sql(statement)
    broken: tuple[str, ...] = check(office).broken
    return broken


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("UPDATE t_audit SET actor = 1 WHERE id = (SELECT max(id) FROM t_audit)", "changed"),
        ("UPDATE t_audit SET detail = '{}' WHERE id = (SELECT min(id) FROM t_audit)", "changed"),
        ("DELETE FROM t_audit WHERE id = (SELECT max(id) FROM t_audit) - 1", "removed"),
        (
            "INSERT INTO t_audit (id, at, kind, detail) SELECT min(id) - 1, min(at), 'exported', '{}' FROM t_audit",
            "inserted",
        ),
        ("UPDATE t_audit_seal SET rows = rows + 1 WHERE number = 1", "removed"),
        ("DELETE FROM t_audit_seal WHERE number = 1", "missing"),
        (f"UPDATE t_audit_seal SET hash = '{'0' * 64}' WHERE number = 1", "changed"),
    ],
)
def test_whoever_changes_the_database_breaks_the_chain(office: Office, statement: str, word: str) -> None:
    sealed(office)
    assert any(word in line for line in tamper(office, statement))


def test_seals_that_were_cut_off_are_found_by_a_head_that_was_kept(office: Office) -> None:
    head = check(sealed(office)).to_json()["head"]
    assert check(office, head).broken == ()
    assert tamper(office, "DELETE FROM t_audit WHERE id > (SELECT last FROM t_audit_seal WHERE number = 1)")
    assert tamper(office, "DELETE FROM t_audit_seal WHERE number = 2") == ()
    assert "cut off" in check(office, head).broken[0]


def test_a_chain_that_was_made_anew_without_the_key_does_not_hold(office: Office) -> None:
    import hashlib

    sealed(office)
    forged = hashlib.sha256(b"made up").hexdigest()
    assert tamper(office, f"UPDATE t_audit_seal SET hash = '{forged}' WHERE number = 2")


def test_the_worker_seals_and_doctor_complains_of_what_was_changed(office: Office) -> None:
    from trellis.cli.checks.audit import check as examine

    office.log_in("bob")
    office.wait(minutes=2)
    Worker(office.tenant).run_until_idle()
    assert check(office).unsealed == 0 and check(office).seals == 1
    office.log_in("eve")
    assert check(office).unsealed == 1
    office.wait(minutes=2)
    Worker(office.tenant).run_until_idle()
    assert (check(office).unsealed, check(office).seals) == (0, 2)
    tamper(office, "UPDATE t_audit SET actor = 7 WHERE kind = 'logged_in'")
    with office.tenant.database.reading() as connection:
        assert [c.subject for c in examine(office.tenant, connection)] == ["t_audit", "t_audit"]


def test_rights_memberships_and_exports_are_noted(office: Office) -> None:
    tenant, ada = office.tenant, office.person("ada")
    publish(tenant, CLIENT, {"kind": "permission_set", "name": "clerk", "label": "Clerk", "objects": []})
    number = memberships.add(tenant, office.number("bob"), "permission_set", "clerk", by=ada.user)
    memberships.remove(tenant, number, by=ada.user)
    publish(tenant, {**CLIENT, "sharing": {"default": "private"}})
    publish(tenant, {**CLIENT, "sharing": {"default": "private"}, "label": "Customer"})
    b"".join(export(tenant, ada, Export("client", ("name",)), "csv"))
    found = [
        (r["kind"], r["detail"])
        for r in office.audit("rights_changed", "membership_added", "membership_removed", "exported")
    ]
    assert [kind for kind, _ in found] == [
        "rights_changed",
        "membership_added",
        "membership_removed",
        "rights_changed",
        "exported",
    ]
    assert found[0][1]["documents"] == ["permission_set.clerk"] and found[3][1]["documents"] == ["object.client"]
    assert found[1][1] == {"of": "permission_set", "name": "clerk"}
    assert found[4][1]["fields"] == ["id", "name"]


def test_refused_export_is_no_export(office: Office) -> None:
    publish(office.tenant, CLIENT)
    with pytest.raises(AccessDenied):
        b"".join(export(office.tenant, Principal("person", office.number("bob"), "Bob"), Export("client"), "csv"))
    assert office.audit("exported") == []


def viewed(office: Office) -> list[tuple[Any, ...]]:
    """Return what was noted since the last call: who, record, records, fields."""
    before = len(office.audit("sensitive_viewed"))
    office.tenant.views.write(office.tenant)
    return [
        (r["actor"], r["record"], r["detail"].get("records"), r["detail"]["fields"])
        for r in office.audit("sensitive_viewed")[before:]
    ]


def test_views_of_sensitive_fields_are_noted_in_every_way_of_reading(office: Office) -> None:
    tenant, bob = office.tenant, office.person("bob")
    publish(tenant, CLIENT)
    bob = office.person("bob")
    a, b = create(tenant, "client", {"name": "A", "tax": "1"}, {"name": "B", "tax": "2"})
    create(tenant, "client", {"name": "C"})
    viewed(office)

    def read(**query: Any) -> list[tuple[Any, ...]]:
        rows(tenant, "client", bob, **query)
        return viewed(office)

    me, c = bob.user, max(a, b) + 1
    assert read(fields=["name"]) == []
    assert read(fields=["name", "tax"]) == [(me, None, [a, b, c], ["tax"])]
    assert read(fields=["parent.tax"], limit=1) == [(me, a, None, ["parent.tax"])]
    assert read(fields=["tax"], filter={"field": "name", "op": "=", "value": "nobody"}) == []
    with tenant.database.reading() as connection:
        get_record(tenant, connection, tenant.model_in(connection), bob, "client", b)
    assert viewed(office) == [(me, b, None, ["tax"])]
    from support.kernel import page

    page(tenant, "client", bob, group_by=["tax"], aggregates=[{"function": "count"}])
    assert viewed(office) == [(me, None, [], ["tax"])]
    b"".join(export(tenant, office.person("ada"), Export("client", ("tax",)), "csv"))
    assert viewed(office) == []
    assert office.audit("sensitive_viewed")[-1]["detail"]["records"] == [a, b, c]


def test_many_views_are_few_rows(office: Office) -> None:
    publish(office.tenant, CLIENT)
    bob = office.person("bob")
    for n in range(1200):
        office.tenant.views.add(bob, "client", ["tax"], [n])
    assert [len(records) for _, _, records, _ in viewed(office)] == [500, 500, 200]


def test_masked_value_is_not_a_view(office: Office) -> None:
    narrow = {"name": "client", "rights": ["read"], "fields": [{"name": "tax", "access": "masked"}]}
    publish(office.tenant, CLIENT, {"kind": "permission_set", "name": "narrow", "label": "Narrow", "objects": [narrow]})
    memberships.add(office.tenant, office.number("bob"), "permission_set", "narrow")
    with office.tenant.database.reading() as connection:
        found = memberships.memberships(connection, user=office.number("bob"), name="standard")
    memberships.remove(office.tenant, found[0].id)
    create(office.tenant, "client", {"name": "A", "tax": "12345678"})
    viewed(office)
    assert rows(office.tenant, "client", office.person("bob"), fields=["tax"])[0]["tax"] != "12345678"
    assert viewed(office) == []


def test_audit_is_searched_in_pages_by_administrators_only(office: Office) -> None:
    for login in ("bob", "eve", "bob"):
        office.log_in(login)
    tenant, ada = office.tenant, office.person("ada")

    def ask(by: Any = ada, limit: int = 50, **search: Any) -> list[Any]:
        with tenant.database.reading() as connection:
            return audit_reading.rows(connection, tenant.model_in(connection), by, Search(**search), limit)

    logged = ask(kind="logged_in")
    assert [r["actor_name"] for r in logged] == ["Bob Babbage", "Eve Moneypenny", "Bob Babbage"]
    assert [r["id"] for r in ask(kind="logged_in", before=logged[0]["id"], limit=1)] == [logged[1]["id"]]
    assert len(ask(kind="logged_in", person=office.number("eve"))) == 1
    assert len(ask(text="192.0.2.7")) == 3 and ask(text="%") == [] and ask(text="'; DROP TABLE t_audit; --") == []
    assert ask(since=office.clock.now().replace(year=2027)) == []
    with pytest.raises(BadAuditQuery):
        ask(kind="loged_in")
    with pytest.raises(AccessDenied):
        ask(office.person("bob"))
    acting = begin_acting(tenant, office.log_in("ada"), office.number("bob"), "looking at ticket 12")
    with pytest.raises(AccessDenied):
        ask(acting.principal)


def test_exported_audit_holds_no_formula_and_is_noted(office: Office) -> None:
    with office.tenant.database.writing() as connection:
        note(office.tenant, connection, "logged_in", address="=HYPERLINK(1)", agent="@SUM(1)")
    text = b"".join(audit_reading.export(office.tenant, office.person("ada"), Search())).decode()
    lines = list(csv.DictReader(io.StringIO(text)))
    assert lines[0]["kind"] == "audit_exported" and lines[1]["address"] == "'=HYPERLINK(1)"
    with pytest.raises(AccessDenied):
        audit_reading.export(office.tenant, office.person("bob"), Search())


def test_acting_as_somebody_stands_under_both_names(office: Office) -> None:
    publish(office.tenant, CLIENT)
    session = office.log_in("ada")
    with pytest.raises(ReasonMissing):
        begin_acting(office.tenant, session, office.number("bob"), "  x ")
    for wrong in (office.number("ada"), 999):
        with pytest.raises(AccessDenied):
            begin_acting(office.tenant, session, wrong, "looking at ticket 12")
    with pytest.raises(AccessDenied):
        begin_acting(office.tenant, office.log_in("bob"), office.number("eve"), "looking at ticket 12")
    acting = begin_acting(office.tenant, session, office.number("bob"), "looking at ticket 12")
    assert (acting.principal.name, acting.principal.admin, acting.principal.behind_name) == (
        "Bob Babbage",
        False,
        "Ada Lovelace",
    )
    (made,) = create(office.tenant, "client", {"name": "A"}, principal=acting.principal)
    with office.tenant.database.reading() as connection:
        row = connection.execute(sa.text("SELECT actor, cause FROM t_change WHERE record = :r"), {"r": made}).one()
    assert row[0] == office.number("bob") and "Ada Lovelace" in str(row[1])
    began = office.audit("acting_began")[0]
    assert (began["actor"], began["record"], began["detail"]["reason"]) == (
        office.number("ada"),
        office.number("bob"),
        "looking at ticket 12",
    )

"""Somebody leaves: access ends at once, records go to others by rule, and the hand-over can be taken back."""

from __future__ import annotations

from typing import Any

import pytest
from support.kernel import changes, create, obj, publish, rows, write
from support.office import PASSWORD, Office

from trellis.access import AccessDenied, memberships
from trellis.access.accounts import LoginFailed, create_token, principal_of_token, session_of
from trellis.accounts.links import BadLink, make_link
from trellis.jobs import Worker
from trellis.offboarding import BadHandover, UnknownHandover, handover_of, holdings, start, take_back

TASK = obj("task_item", {"name": "name", "type": "text"}, {"name": "urgent", "type": "boolean"})
CLIENT = obj(
    "client",
    {"name": "name", "type": "text"},
    validation=[{"name": "stays", "when": 'name = "stuck"', "message": "Stuck.", "at": "name"}],
)


def furnish(office: Office, clients: int = 5, tasks: int = 3) -> None:
    publish(office.tenant, {**CLIENT, "validation": []}, TASK, {"kind": "group", "name": "sales", "label": "Sales"})
    bob = office.person("bob")
    create(office.tenant, "client", *({"name": f"c{n}"} for n in range(clients)), principal=bob)
    create(office.tenant, "task_item", *({"name": f"t{n}"} for n in range(tasks)), principal=bob)
    for login in ("ada", "eve"):
        memberships.add(office.tenant, office.number(login), "group", "sales")


def text(office: Office, login: str) -> str:
    return office.tenant.model().env.format_id("user", office.number(login))


def owners(office: Office, name: str) -> list[str]:
    return [r["owner.name"].split()[0] for r in rows(office.tenant, name, fields=["owner.name"])]


def hand_over(office: Office, rules: dict[str, Any], **more: Any) -> Any:
    number = start(office.tenant, office.person("ada"), office.number("bob"), rules, **more)
    Worker(office.tenant).run_until_idle()
    with office.tenant.database.reading() as connection:
        return handover_of(connection, number)


def test_records_go_where_the_rules_say_and_nobody_is_left_out(office: Office) -> None:
    furnish(office)
    with office.tenant.database.reading() as connection:
        assert holdings(connection, office.tenant.model(), office.number("bob")) == {"client": 5, "task_item": 3}
    rules = {
        "default": {"to": "person", "value": text(office, "ada")},
        "objects": {"client": {"to": "group", "value": "sales"}},
    }
    done = hand_over(office, rules)
    assert (done.state, done.done, done.total, done.given) == ("done", 8, 8, {"client": 5, "task_item": 3})
    assert (
        owners(office, "client") == ["Ada", "Eve", "Ada", "Eve", "Ada"] and owners(office, "task_item") == ["Ada"] * 3
    )
    moved = [c for c in changes(office.tenant, object="client", action="updated")]
    assert {c["cause"]["handover"] for c in moved} == {done.id} and {c["actor"] for c in moved} == {
        office.number("ada")
    }
    with office.tenant.database.reading() as connection:
        assert holdings(connection, office.tenant.model(), office.number("bob")) == {}


def test_access_ends_in_the_transaction_that_deactivates(office: Office) -> None:
    furnish(office, 1, 0)
    session, token = office.log_in("bob"), create_token(office.tenant, office.number("bob"), "x")
    link = make_link(office.tenant, office.number("bob"))
    start(office.tenant, office.person("ada"), office.number("bob"), {"default": {"to": "group", "value": "sales"}})
    assert session_of(office.tenant, session.key) is None
    with office.tenant.database.reading() as connection:
        assert principal_of_token(office.tenant, connection, token) is None
        for table in ("t_session", "t_token", "t_one_time_link", "t_known_browser"):
            assert (
                connection.exec_driver_sql(
                    f'SELECT count(*) FROM {table} WHERE "user" = {office.number("bob")}'
                ).scalar()
                == 0
            )
    with pytest.raises(LoginFailed):
        office.log_in("bob", PASSWORD)
    with pytest.raises(BadLink):
        make_link(office.tenant, office.number("bob"))
    del link
    assert office.audit("user_deactivated")[0]["record"] == office.number("bob")


def test_manager_receives(office: Office) -> None:
    furnish(office, 2, 0)
    write(office.tenant, lambda tx: tx.update("user", [{"id": office.number("bob"), "manager": text(office, "eve")}]))
    assert hand_over(office, {"default": {"to": "manager"}}).state == "done"
    assert owners(office, "client") == ["Eve", "Eve"]


@pytest.mark.parametrize(
    ("rules", "gaps"),
    [
        ({}, 2),
        ({"default": {"to": "manager"}}, 2),
        ({"default": {"to": "person", "value": "user_nobody"}}, 2),
        ({"default": {"to": "person", "value": "{bob}"}}, 2),
        ({"default": {"to": "group", "value": "nobody"}}, 2),
        ({"default": {"to": "poool"}}, 2),
        ({"objects": {"client": {"to": "group", "value": "sales"}}}, 1),
        ({"default": {"to": "group", "value": "sales"}, "objects": {"nothing": {"to": "manager"}}, "defualt": {}}, 2),
    ],
)
def test_rules_with_a_gap_change_nothing(office: Office, rules: dict[str, Any], gaps: int) -> None:
    furnish(office)
    if rules.get("default", {}).get("value") == "{bob}":
        rules = {"default": {"to": "person", "value": text(office, "bob")}}
    with pytest.raises(BadHandover) as caught:
        start(office.tenant, office.person("ada"), office.number("bob"), rules)
    assert len(caught.value.details["problems"]) == gaps
    assert owners(office, "client") == ["Bob"] * 5 and office.log_in("bob")


def test_only_administrators_hand_over_and_nobody_deactivates_himself(office: Office) -> None:
    furnish(office, 1, 0)
    rules = {"default": {"to": "group", "value": "sales"}}
    for by, user in (("eve", "bob"), ("bob", "bob"), ("ada", "ada")):
        with pytest.raises(AccessDenied):
            start(office.tenant, office.person(by), office.number(user), rules)
    with pytest.raises(AccessDenied):
        take_back(office.tenant, office.person("eve"), 1)


def test_taking_back_returns_what_has_not_changed_hands_since(office: Office) -> None:
    furnish(office, 4, 0)
    done = hand_over(office, {"default": {"to": "person", "value": text(office, "ada")}})
    first = rows(office.tenant, "client", fields=["id"])[0]["id"]
    write(office.tenant, lambda tx: tx.update("client", [{"id": first, "owner": text(office, "eve")}]))
    take_back(office.tenant, office.person("ada"), done.id)
    Worker(office.tenant).run_until_idle()
    with office.tenant.database.reading() as connection:
        undone = handover_of(connection, done.id)
    assert (undone.state, undone.kept) == ("undone", 1)
    assert owners(office, "client") == ["Eve", "Bob", "Bob", "Bob"]
    with pytest.raises(BadHandover):
        take_back(office.tenant, office.person("ada"), done.id)
    with pytest.raises(UnknownHandover):
        take_back(office.tenant, office.person("ada"), 999)
    write(office.tenant, lambda tx: tx.update("user", [{"id": office.number("bob"), "active": True}]))
    assert office.log_in("bob")


def test_record_that_a_rule_holds_back_is_told_and_keeps_its_owner(office: Office) -> None:
    furnish(office, 2, 0)
    create(office.tenant, "client", {"name": "stuck"}, principal=office.person("bob"))
    publish(office.tenant, CLIENT)
    done = hand_over(office, {"default": {"to": "person", "value": text(office, "ada")}})
    assert (done.state, done.refused, done.given) == ("done", 1, {"client": 2})
    assert owners(office, "client") == ["Ada", "Ada", "Bob"]


def test_a_job_that_was_interrupted_goes_on_and_counts_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from trellis.offboarding import carrying_out

    furnish(office, 7, 0)
    monkeypatch.setattr(carrying_out, "CHUNK", 2)
    real, calls = carrying_out._give, []

    def dying(*args: Any) -> int:
        calls.append(1)
        if len(calls) == 3:
            raise OSError("the power failed")
        return real(*args)

    monkeypatch.setattr(carrying_out, "_give", dying)
    number = start(
        office.tenant, office.person("ada"), office.number("bob"), {"default": {"to": "group", "value": "sales"}}
    )
    Worker(office.tenant).run_until_idle()
    assert owners(office, "client").count("Bob") == 3
    office.wait(minutes=1)
    Worker(office.tenant).run_until_idle()
    with office.tenant.database.reading() as connection:
        done = handover_of(connection, number)
    assert (done.state, done.done, done.given) == ("done", 7, {"client": 7})
    assert owners(office, "client") == ["Ada", "Eve", "Ada", "Eve", "Ada", "Eve", "Ada"]

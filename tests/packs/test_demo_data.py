"""The demo data in a tenant: loaded, read, and removed without a trace."""

from __future__ import annotations

import time
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from support.kernel import person

from trellis.access import Cause, Principal
from trellis.access.principal import SYSTEM
from trellis.packs import DemoLoaded, DemoRemoval, install, load_demo, remove_demo
from trellis.query.query import Page, read_query
from trellis.query.run import run_query
from trellis.storage import system
from trellis.tenant import Tenant

TODAY = date(2026, 11, 20)
BUDGET_S = 15
"""Of processor time, which other work on the machine does not lengthen."""
FULL_VIEWS = (
    "closing_this_month",
    "overdue_deals",
    "big_deals",
    "hot_leads",
    "new_leads",
    "overdue_tasks",
    "decision_makers",
)
PERSONAL_VIEWS = ("my_accounts", "my_contacts", "my_open_deals", "my_open_tasks", "my_mails", "my_planned_visits")


def ask(tenant: Tenant, name: str, query: dict[str, Any], principal: Principal = SYSTEM) -> Page:
    with tenant.database.reading() as connection:
        return run_query(tenant, connection, tenant.model_in(connection), principal, read_query(name, query))


def view_query(tenant: Tenant, name: str) -> tuple[str, dict[str, Any]]:
    """Return object and query of a list view, as the list page asks it."""
    view = tenant.model().snapshot.of_kind("list_view")[name]
    sort = [("-" if key.get("direction") == "desc" else "") + key["field"] for key in view.get("sort", ())]
    query = {"fields": list(view["columns"]), "sort": sort, "total": True}
    return view["object"], {**query, "filter": view["filter"]} if "filter" in view else query


def counts(tenant: Tenant) -> dict[str, int | None]:
    return {name: ask(tenant, name, {"total": True, "limit": 1}).total for name in tenant.model().object_names}


def run_as_admin(tenant: Tenant, name: str, values: dict[str, Any]) -> int:
    record = tenant.run(SYSTEM, Cause("api"), lambda tx: tx.create(name, [values]))[0].id
    assert record is not None
    return record


@pytest.mark.slow
def test_demo_loads_in_time_and_says_what_it_wrote(crm: Tenant) -> None:
    start = time.process_time()
    written = load_demo(crm, "crm", today=TODAY)
    assert time.process_time() - start < BUDGET_S
    assert counts(crm) == written


# The generator chooses the currency, and knows no database.
@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_demo_of_an_organisation_in_dollars_has_amounts_in_dollars(tenant: Tenant) -> None:
    tenant.change_settings(currency="USD", country="US")
    install(tenant, "crm")
    load_demo(tenant, "crm", today=TODAY)
    unknown = {"filter": {"field": "amount.corporate", "op": "is_blank"}, "total": True}
    assert ask(tenant, "deal", unknown).total == 0


def test_second_load_is_refused(demo: Tenant) -> None:
    with pytest.raises(DemoLoaded):
        load_demo(demo, "crm", today=TODAY)


def test_records_keep_the_time_that_they_tell_of(demo: Tenant) -> None:
    oldest = ask(demo, "account", {"fields": ["created_at"], "sort": ["created_at"], "limit": 1}).rows[0]
    assert oldest["created_at"] < "2025-03"


def test_the_change_log_names_the_demo_as_cause(demo: Tenant) -> None:
    with demo.database.reading() as connection:
        causes = connection.execute(sa.select(system.change.c.cause)).scalars().all()
    assert {str(c) for c in causes} <= {"{'kind': 'demo'}"}


def test_every_list_view_runs(demo: Tenant) -> None:
    for name in demo.model().snapshot.of_kind("list_view"):
        ask(demo, *view_query(demo, name))


@pytest.mark.parametrize("name", FULL_VIEWS)
def test_list_view_shows_records_of_the_demo(demo: Tenant, name: str) -> None:
    assert (ask(demo, *view_query(demo, name)).total or 0) > 2


@pytest.mark.parametrize("name", PERSONAL_VIEWS)
def test_list_view_of_a_person_shows_only_what_is_his(demo: Tenant, name: str) -> None:
    siyuan = ask(demo, "user", {"filter": {"field": "login", "op": "=", "value": "siyuan.chen"}}).rows[0]["id"]
    number = demo.model().env.parse_id(siyuan, ["user"])[1]
    object_name, query = view_query(demo, name)
    page = ask(demo, object_name, {**query, "fields": ["owner"], "sort": []}, person(demo, number))
    assert {row["owner"] for row in page.rows} == {siyuan}


@pytest.mark.slow
def test_removal_leaves_the_tenant_as_it_was(loaded: tuple[Tenant, dict[str, int]]) -> None:
    tenant, written = loaded
    assert remove_demo(tenant) == DemoRemoval(sum(written.values()), 0)
    assert set(counts(tenant).values()) == {0}
    with tenant.database.reading() as connection:
        assert connection.execute(sa.select(system.external_id)).all() == []
        assert connection.execute(sa.select(system.search)).all() == []


@pytest.mark.slow
def test_demo_can_be_loaded_again_after_removal(loaded: tuple[Tenant, dict[str, int]]) -> None:
    tenant, written = loaded
    remove_demo(tenant)
    assert load_demo(tenant, "crm", today=TODAY) == written


@pytest.mark.slow
def test_removal_spares_own_records_and_what_they_point_to(loaded: tuple[Tenant, dict[str, int]]) -> None:
    tenant, _ = loaded
    account = ask(tenant, "account", {"limit": 1, "filter": {"field": "parent", "op": "is_blank"}}).rows[0]
    run_as_admin(tenant, "deal", {"name": "Own deal", "account": account["id"], "close_date": "2027-01-31"})
    run_as_admin(tenant, "account", {"name": "Own account"})
    kept = remove_demo(tenant).kept
    assert [d["name"] for d in ask(tenant, "deal", {}).rows] == ["Own deal"]
    assert sorted(a["name"] for a in ask(tenant, "account", {}).rows) == sorted(["Own account", account["name"]])
    # The account's owner stays with it, and the owner's managers.
    assert kept == 1 + len(ask(tenant, "user", {}).rows)


def test_removal_of_nothing_removes_nothing(crm: Tenant) -> None:
    assert remove_demo(crm) == DemoRemoval(0, 0)

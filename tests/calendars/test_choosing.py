"""Whose calendar counts when, and what formulas and publishing make of calendars."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from support.kernel import counting, create, field, obj, publish, rows

from trellis.access import memberships
from trellis.access.accounts import create_user
from trellis.calendars import ALWAYS, UnknownCalendar, calendar_for, calendar_of, calendars_for
from trellis.clock import FakeClock
from trellis.publishing.errors import InvalidMetadata
from trellis.tenant import Tenant

from .sample import CALENDARS

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
REGION = {
    "kind": "org_unit_tree",
    "name": "region",
    "units": [
        {"name": "europe", "calendar": "berlin"},
        {"name": "south", "parent": "europe", "calendar": "munich"},
        {"name": "munich_office", "parent": "south"},
        {"name": "north", "parent": "europe"},
        {"name": "asia"},
    ],
}
VISIT = obj(
    "visit",
    field("name"),
    field("day", "date"),
    field("at", "datetime"),
    field("later", "formula", returns="date", formula='WORKDAY(day, 2, "shanghai")'),
    field("later_here", "formula", returns="date", formula="WORKDAY(day, 2)"),
    field("span", "formula", returns="number", formula='WORKING_HOURS(at, NEXT_WORKING_TIME(at, "plain"), "nights")'),
)


def build(tenant: Tenant) -> None:
    tenant.clock = FakeClock(NOON)
    publish(tenant, *CALENDARS, REGION, VISIT)
    for login in ("ada", "bob", "eve"):
        create_user(tenant, login=login, name=login)


@pytest.fixture
def office(open_copy: Any) -> Tenant:
    tenant: Tenant = open_copy("calendars", build)
    tenant.clock = FakeClock(NOON)
    return tenant


def people(tenant: Tenant) -> list[int]:
    t = tenant.model().object("user").table
    with tenant.database.reading() as connection:
        return list(connection.execute(sa.select(t.c.id).order_by(t.c.id)).scalars())


def chosen(tenant: Tenant, user: int | None, at: datetime | None = None) -> str | None:
    with tenant.database.reading() as connection:
        return calendar_for(tenant, connection, user, at=at).name


def test_own_calendar_counts_before_that_of_the_nearest_unit_and_that_before_the_organisations(office: Tenant) -> None:
    ada, bob, eve = people(office)
    assert chosen(office, None) == chosen(office, ada) == "shanghai"
    memberships.add(office, ada, "unit", "region.munich_office")
    memberships.add(office, bob, "unit", "region.north")
    memberships.add(office, eve, "unit", "region.asia")
    assert [chosen(office, u) for u in (ada, bob, eve)] == ["munich", "berlin", "shanghai"]
    memberships.add(office, ada, "calendar", "nights")
    assert chosen(office, ada) == "nights"


def test_a_calendar_counts_on_the_days_of_its_membership(office: Tenant) -> None:
    ada, *_ = people(office)
    memberships.add(office, ada, "calendar", "nights", starts_on=date(2026, 3, 10), ends_on=date(2026, 3, 12))
    days = [chosen(office, ada, NOON + timedelta(days=n)) for n in (0, 6, 8, 9)]
    assert days == ["shanghai", "nights", "nights", "shanghai"]


def test_belonging_to_a_calendar_gives_no_access_and_an_unknown_one_is_refused(office: Tenant) -> None:
    ada, *_ = people(office)
    with office.database.reading() as connection:
        before = connection.exec_driver_sql("SELECT count(*) FROM t_reach").scalar_one()
    memberships.add(office, ada, "calendar", "nights")
    with office.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM t_reach").scalar_one() == before
    with pytest.raises(memberships.BadMembership, match=r"no calendar 'night'.*nights"):
        memberships.add(office, ada, "calendar", "night")


def test_calendars_of_many_people_are_read_in_one_statement(office: Tenant) -> None:
    users = people(office)
    with office.database.reading() as connection:
        office.model_in(connection)
        with counting(office) as statements:
            assert set(calendars_for(office, connection, users)) == set(users)
    assert len([s for s in statements if "t_member" in s]) == 1


def test_without_any_calendar_every_moment_is_working_time(tenant: Tenant) -> None:
    with tenant.database.reading() as connection:
        assert calendar_for(tenant, connection, None) is ALWAYS
    with pytest.raises(UnknownCalendar):
        calendar_of(tenant.model(), "nobody")


def test_formula_fields_reckon_with_the_calendar_they_name_or_with_the_organisations(office: Tenant) -> None:
    create(office, "visit", {"name": "a", "day": "2026-02-13", "at": "2026-03-06T18:00:00Z"})
    [row] = rows(office, "visit", fields=["later", "later_here", "span"])
    # 14 February is worked, the 24th is the next working day; from Friday 18:00 to Monday 9:00 lie 2½ nights of 8 hours,
    # of the third six: Friday 21:00 UTC on, Saturday and Sunday.
    assert (row["later"], row["later_here"], row["span"]) == ("2026-02-24", "2026-02-24", "24.00")


def test_formula_with_a_calendar_filters_exactly_or_is_refused_by_name(office: Tenant) -> None:
    create(office, "visit", {"name": "a", "day": "2026-02-13"}, {"name": "b", "day": "2026-02-16"}, {"name": "c"})
    query = {"field": "later", "op": "=", "value": "2026-02-24"}
    if office.database.is_sqlite:
        assert [r["name"] for r in rows(office, "visit", filter=query)] == ["a"]
    else:
        with pytest.raises(Exception, match="WORKDAY depends on a calendar"):
            rows(office, "visit", filter=query)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ('WORKDAY(day, 2, "nobody")', "no calendar 'nobody'"),
        ("WORKDAY(day, 2, name)", "fixed text"),
        ('WORKDAY(at, 2, "plain")', "must be a date"),
    ],
)
def test_formula_with_a_wrong_calendar_is_refused_at_publishing(office: Tenant, formula: str, message: str) -> None:
    wrong = {**VISIT, "fields": [*VISIT["fields"], field("bad", "formula", returns="date", formula=formula)]}
    with pytest.raises(InvalidMetadata) as refused:
        publish(office, wrong)
    assert message in refused.value.message


def test_calendar_that_a_formula_names_cannot_be_removed(office: Tenant) -> None:
    with pytest.raises(InvalidMetadata) as refused:
        publish(office, removed=[("calendar", "nights")])
    assert "no calendar 'nights'" in refused.value.message


def test_changed_calendar_changes_what_its_formulas_give(office: Tenant) -> None:
    create(office, "visit", {"name": "a", "day": "2026-02-13"})
    closed = {"name": "closed", "date": "2026-02-24"}
    publish(office, {**CALENDARS[1], "days": [closed]})
    assert [r["later"] for r in rows(office, "visit", fields=["later"])] == ["2026-02-25"]
    if office.database.is_sqlite:
        query = {"field": "later", "op": "=", "value": "2026-02-25"}
        assert [r["name"] for r in rows(office, "visit", filter=query)] == ["a"]

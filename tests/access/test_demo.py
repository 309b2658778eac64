"""The demo of the pack ``crm``: people see their own records and those of the people below them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.kernel import rows

from trellis.access.people import everybody
from trellis.access.rights import rights
from trellis.cli.demo import prepare
from trellis.tenant import Tenant


@pytest.mark.slow
def test_demo_people_see_their_own_and_their_teams_records(open_copy: Callable[..., Tenant]) -> None:
    tenant = open_copy("demo_access", prepare)
    with tenant.database.reading() as connection:
        everyone = everybody(tenant, connection, tenant.model_in(connection))
    names = ("Lin", "Wang", "Chen", "Zhao", "Fischer", "Brooks", "Zhou")
    people = {name: next(p for p in everyone if name in p.name.split()) for name in names}
    deals = {
        name: {r["id"]: r["owner"] for r in rows(tenant, "deal", one, fields=["owner"], limit=1000)}
        for name, one in people.items()
        if rights(one, tenant.model().object("deal").doc).read != "none"
    }
    own = {name: {i for i, o in found.items() if o == _id(tenant, people[name].user)} for name, found in deals.items()}
    assert set(deals["Chen"]) == own["Chen"] and own["Chen"]
    assert set(deals["Wang"]) == own["Wang"] | own["Chen"] | own["Zhao"]
    assert set(deals["Fischer"]) == own["Fischer"] | own["Brooks"]
    assert set(deals["Lin"]) >= set(deals["Wang"]) | set(deals["Fischer"])
    assert "Zhou" not in deals
    chen, wang = (rights(people[n], tenant.model().object("product").doc) for n in ("Chen", "Wang"))
    assert (chen.may_read_field("cost"), wang.may_read_field("cost")) == (False, True)


def _id(tenant: Tenant, number: int | None) -> str:
    return tenant.model().env.format_id("user", number or 0)

"""Paths to a part of a field (``address.city``, ``amount.corporate``) in documents, in queries and on pages."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support.app import World
from support.copies import OpenCopy, OpenWorld
from support.kernel import create, field, obj, publish, rows

from trellis.access.accounts import create_user, log_in, session_of
from trellis.preferences import prefer
from trellis.publishing.publisher import InvalidMetadata
from trellis.tenant import Tenant
from trellis_admin.session import COOKIE

DEAL = obj("deal", field("name"), field("amount", "currency"), field("site", "address"), field("place", "geolocation"))
VISIT = obj("visit", field("name"), field("deal", "lookup", target="deal"), sharing={"default": "edit"})
VIEW: dict[str, Any] = {
    "kind": "list_view",
    "name": "southern",
    "label": "Southern",
    "object": "visit",
    "shared": True,
    "columns": ["name", "deal.site.city", "deal.amount.corporate", "deal.place.latitude"],
    "filter": {"and": [{"field": "deal.site.city", "op": "!=", "value": "Oslo"}]},
    "sort": [{"field": "deal.amount.corporate", "direction": "desc"}],
}
LAYOUT: dict[str, Any] = {
    "kind": "layout",
    "name": "deal",
    "object": "deal",
    "sections": [{"name": "main", "cells": [["name", "amount"], ["site", "place"]]}],
    "highlights": ["site.city", "amount.corporate"],
}
DOCUMENTS = [DEAL, VISIT, VIEW, LAYOUT]


def fill(tenant: Tenant) -> None:
    """Three deals with a visit each."""
    for city, amount in (("Rome", "5"), ("Oslo", "9"), ("Bari", "70")):
        site = {"city": city, "street": f"{city} road"}
        place = {"latitude": "41.5", "longitude": "12.25"}
        (number,) = create(tenant, "deal", {"name": city, "amount": amount, "site": site, "place": place})
        create(tenant, "visit", {"name": f"to {city}", "deal": tenant.model().env.format_id("deal", number)})


@pytest.fixture
def tenant(open_copy: OpenCopy) -> Tenant:
    def build(tenant: Tenant) -> None:
        publish(tenant, *DOCUMENTS)
        fill(tenant)

    return open_copy("parts", build)


def test_list_view_of_parts_is_published_and_answered(tenant: Tenant) -> None:
    view = tenant.model().snapshot.of_kind("list_view")["southern"]
    found = rows(tenant, "visit", fields=view["columns"], filter=view["filter"], sort=["-deal.amount.corporate"])
    shown = [(r["name"], r["deal.site.city"], r["deal.amount.corporate"], r["deal.place.latitude"]) for r in found]
    assert shown == [("to Bari", "Bari", "70.00", "41.500000"), ("to Rome", "Rome", "5.00", "41.500000")]


@pytest.mark.parametrize(
    ("document", "pointer", "words"),
    [
        ({**VIEW, "columns": ["deal.site.town"]}, "/columns/0", "no part 'town'. Parts: street, city"),
        ({**VIEW, "columns": ["deal.site.citi"]}, "/columns/0", "Did you mean 'city'?"),
        (
            {**VIEW, "filter": {"field": "deal.amount.dollars", "op": "is_blank"}},
            "/filter/field",
            "Parts: amount, currency, corporate.",
        ),
        ({**VIEW, "sort": [{"field": "deal.site.cities"}]}, "/sort/0/field", "Did you mean 'city'?"),
        ({**VIEW, "columns": ["name.first"]}, "/columns/0", "leads to no other object"),
        ({**LAYOUT, "highlights": ["place.lat"]}, "/highlights/0", "Parts: latitude, longitude."),
        ({**LAYOUT, "sections": [{"name": "m", "cells": [["site.town"]]}]}, "/sections/0/cells/0/0", "no part 'town'"),
        (
            {**VIEW, "filter": {"field": "deal.amount.corporate", "op": "contains", "value": "5"}},
            "/filter/op",
            "does not work",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_part_that_is_not_there_is_refused_with_those_that_are(
    tenant: Tenant, document: dict[str, Any], pointer: str, words: str
) -> None:
    with pytest.raises(InvalidMetadata) as refusal:
        publish(tenant, document)
    (found,) = refusal.value.diagnostics
    assert found.pointer == pointer and words in found.message


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_pages_show_the_parts(open_world: OpenWorld) -> None:
    world: World = open_world(DOCUMENTS)
    fill(world.tenant)
    create_user(world.tenant, login="pat", name="Pat", password="correct horse battery", admin=True)
    browser = world.ada.http.application.test_client()
    key = log_in(world.tenant, "pat", "correct horse battery").key
    browser.set_cookie(COOKIE, key)
    listed = browser.get("/o/visit?view=southern").text
    table = re.sub(r"<[^>]+>", " ", listed[listed.index("<thead") : listed.index("</tbody>")])
    assert [" ".join(line.split()) for line in table.strip().splitlines() if line.strip()] == [
        "Name Deal · Site · City Deal · Amount · in the organisation&#39;s currency Deal · Place · Latitude",
        "to Bari Bari 70.00 41.500000",
        "to Rome Rome 5.00 41.500000",
    ]
    record = browser.get(f"/o/deal/{rows(world.tenant, 'deal')[0]['id']}").text
    facts = " ".join(re.sub(r"<[^>]+>", " ", record).split())
    assert "Site · City Rome Amount · in the organisation&#39;s currency 5.00" in facts
    session = session_of(world.tenant, key)
    assert session is not None
    prefer(world.tenant, session.principal, {"language": "zh"})
    chinese = browser.get(f"/o/deal/{rows(world.tenant, 'deal')[0]['id']}").text
    assert "城市" in chinese and "本位币" in chinese

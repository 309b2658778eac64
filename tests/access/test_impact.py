"""The plan of a change of the metadata says who gains and who loses access to what."""

from __future__ import annotations

from collections.abc import Callable

from access.worlds import build, load
from support.kernel import rows, table

from trellis.storage.tables.access import access_rule, reach, share
from trellis.tenant import Tenant


def test_plan_counts_people_and_records_that_gain_and_lose(open_copy: Callable[..., Tenant]) -> None:
    world = build(open_copy(), load("criteria"))
    tenant = world.tenant
    before = [table(tenant, t) for t in (access_rule, reach, share)]
    rule = {"kind": "sharing_rule", "name": "big", "object": "deal", "when": "amount > 4000", "level": "read"}
    plan = tenant.publisher.plan_documents([{**rule, "share_with": [{"group": "desk"}, {"role": "outsider"}]}])
    found = {(f.code, f.subject): f.count for f in plan.findings}
    # Dora loses the 2,000 of "big_east"; Olaf gains the 5,000 of "big".
    assert found == {("access_gained", "deal"): 1, ("access_lost", "deal"): 1}
    assert [table(tenant, t) for t in (access_rule, reach, share)] == before

    seen = {
        name: {r["name"] for r in rows(tenant, "deal", p, fields=["name"])} for name, p in world.principals().items()
    }
    tenant.publisher.apply(plan)
    after = {
        name: {r["name"] for r in rows(tenant, "deal", p, fields=["name"])} for name, p in world.principals().items()
    }
    assert sum(len(after[n] - seen[n]) for n in seen) == 1
    assert sum(len(seen[n] - after[n]) for n in seen) == 1


def test_change_that_touches_no_access_looks_at_nobody(open_copy: Callable[..., Tenant]) -> None:
    tenant = build(open_copy(), load("defaults")).tenant
    view = {"kind": "list_view", "name": "all", "object": "deal", "columns": ["name"]}
    assert tenant.publisher.plan_documents([view]).findings == ()
    opened = {**(tenant.model().snapshot.get("object", "deal") or {}), "sharing": {"default": "read"}}
    found = tenant.publisher.plan_documents([opened]).findings
    # Ann and Bob gain two records each of the three that there are.
    assert [(f.code, f.subject, f.count) for f in found] == [("access_gained", "deal", 4)]

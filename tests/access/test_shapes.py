"""The two shapes of one condition give the same answers: rows, totals, groups, child lists, exports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from access.worlds import build, load
from support.kernel import page

from trellis.access import narrow
from trellis.exchange.exporting import Export, export
from trellis.tenant import Tenant

QUERIES: tuple[dict[str, Any], ...] = (
    {"sort": ["name"], "limit": 1000, "total": True},
    {"sort": ["-modified_at"], "limit": 2},
    {"aggregates": [{"function": "count"}]},
    {"group_by": ["owner"], "aggregates": [{"function": "count"}]},
    {"filter": {"not": {"field": "name", "op": "=", "value": "x"}}, "total": True},
    {"search": "a"},
    {"deleted": True},
)


@pytest.mark.parametrize("file", ["shares", "restrictions"])
def test_wide_and_narrow_shapes_give_the_same_answers(
    file: str, open_copy: Callable[..., Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = build(open_copy(), load(file))
    people = world.principals()
    objects = sorted({o for o, _ in world.records.values()})
    answers: dict[int, list[Any]] = {}
    for few in (0, 2000):
        monkeypatch.setattr(narrow, "FEW", few)
        world.tenant.__dict__.pop("_reach_sizes", None)
        world.tenant.model().cache.clear()
        answers[few] = [
            (name, who, _answers(world.tenant, name, principal))
            for who, principal in people.items()
            for name in objects
            if principal.admin or "read" in principal.grants.on(name).rights
        ]
        chosen = {small for _, small in world.tenant.__dict__.get("_reach_sizes", {}).values()}
        assert (few > 0) in chosen
    assert answers[0] == answers[2000]


def _answers(tenant: Tenant, name: str, principal: Any) -> list[Any]:
    found: list[Any] = [page(tenant, name, principal, **query) for query in QUERIES]
    may_export = principal.admin or "export" in principal.grants.on(name).rights
    exported = b"".join(export(tenant, principal, Export(name), "ndjson")) if may_export else b""
    return [*((p.rows, p.total) for p in found), exported]

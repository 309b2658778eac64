"""Laws of publishing, for random pairs of metadata on real databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from language.strategies import snapshots
from support.kernel import ADMIN, API, publish, rows, undo

from trellis.runtime import Runtime
from trellis.tenant import Tenant
from trellis_metadata.snapshot import Snapshot

laws = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=12, derandomize=True)


@pytest.fixture
def numbered(runtime: Runtime) -> Iterator[Tenant]:
    """One tenant for all examples: each starts from whatever the one before left."""
    yield runtime.create_tenant("laws")


def replace_all(tenant: Tenant, wanted: Snapshot) -> None:
    publish(tenant, *(dict(d) for d in wanted), replace_all=True)


@pytest.mark.slow
def test_plan_applied_gives_its_target_and_undo_its_base(numbered: Tenant) -> None:
    @laws
    @given(snapshots(), snapshots(), st.data())
    def law(a: Snapshot, b: Snapshot, data: Any) -> None:
        tenant = numbered
        replace_all(tenant, a)
        first = tenant.model().snapshot
        contents = {n: rows(tenant, n) for n in first.of_kind("object") if n != "user"}
        plan = tenant.publisher.plan_documents([dict(d) for d in b], replace_all=True)
        tenant.publisher.apply(plan, confirm=plan.hash)
        reached = tenant.model().snapshot
        assert reached.hash == plan.new.hash
        for name in reached.of_kind("object"):
            if name != "user":
                rows(tenant, name)
        if reached.hash == first.hash:
            return
        undo(tenant)
        assert tenant.model().snapshot.hash == first.hash
        assert list(tenant.model().snapshot) == list(first)
        assert {n: rows(tenant, n) for n in contents} == contents
        for name, doc in first.of_kind("object").items():
            if name != "user" and not any(f.get("required") for f in doc["fields"]):
                with tenant.transaction(ADMIN, API) as tx:
                    tx.create(name, [{}])

    law()

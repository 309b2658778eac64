"""Rehearsals: on a copy that nobody works for, in the background, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from packs.samples import base_pack, school_pack
from support.kernel import create

from trellis.clock import FakeClock
from trellis.jobs import Worker
from trellis.packs import apply, archive, plan_install
from trellis.packs.rehearsing import UnknownRehearsal, ask, state_of
from trellis.packs.shelf import Shelf, sign_archive
from trellis.packs.signing import TrustList, new_key
from trellis.runtime import COPY, Runtime
from trellis.tenant import Tenant
from trellis.worker import run
from trellis_metadata.errors import TrellisError

OpenCopy = Callable[[str, Callable[[Tenant], object]], Tenant]


@pytest.fixture
def tenant(runtime: Runtime, tmp_path: Path) -> Tenant:
    made = runtime.create_tenant("acme")
    for source in (base_pack(tmp_path), school_pack(tmp_path)):
        plan = plan_install(made, source)
        apply(made, plan, confirm=plan.hash)
    create(made, "student", {"name": "Mei"}, {"name": "Li"})
    shelf = Shelf.of(made)
    TrustList().with_key("Acme", new_key(tmp_path / "key")).write(shelf.trust_file)
    migration = {"version": "1.1.0", "steps": [{"object": "student", "delete": True}]}
    newer = school_pack(tmp_path, "1.1.0", migrations=[migration])
    file = tmp_path / "school.trellis"
    assert newer.folder is not None
    archive.build(newer.folder, file)
    sign_archive(file, tmp_path / "key")
    shelf.put(file)
    return made


def test_worker_rehearses_and_the_tenant_stays_as_it_was(runtime: Runtime, tenant: Tenant) -> None:
    before = tenant.model().snapshot
    number = ask(tenant, "school")
    assert state_of(tenant, "school", number) == {"id": str(number), "state": "ready", "error": None, "report": None}
    run(runtime, once=True)
    found = state_of(tenant, "school", number)
    assert (found["state"], found["error"]) == ("done", None)
    report = found["report"]
    assert (report["plan"]["from"], report["plan"]["to"]) == ("1.0.0", "1.1.0")
    assert (report["records_before"]["student"], report["records_after"]["student"]) == (2, 0)
    assert (tenant.model().snapshot, runtime.names()) == (before, ["acme"])
    assert runtime.copies_before(runtime.clock.now() + timedelta(days=9)) == []
    with pytest.raises(UnknownRehearsal):
        state_of(tenant, "base", number)


def test_what_cannot_be_planned_is_not_rehearsed(tenant: Tenant) -> None:
    with pytest.raises(TrellisError, match="has no part 'moon'"):
        ask(tenant, "school", slices=["moon"])


def test_copy_is_in_no_list_and_no_worker_works_for_it(runtime: Runtime, tenant: Tenant) -> None:
    with tenant.copied() as copy:
        create(copy, "student", {"name": "Only here"})
        assert runtime.names() == ["acme"]
        assert Worker(copy)._claim() != [], "its write left something to do"
        assert copy.name not in runtime.due.due(runtime.clock.now() + timedelta(days=1))
    with pytest.raises(TrellisError, match="There is no tenant"):
        runtime.tenant(copy.name)


def test_copy_that_was_left_behind_is_removed_by_the_next(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    clock = FakeClock(datetime(2026, 1, 5, tzinfo=UTC))
    runtime = Runtime(tmp_path / "home", clock=clock)
    tenant = runtime.create_tenant("acme")
    runtime.create_tenant("copy_left", status=COPY)
    clock.advance(timedelta(hours=23))
    with tenant.copied():
        assert "copy_left" in runtime.copies_before(clock.now())
    clock.advance(timedelta(hours=2))
    with tenant.copied() as copy:
        assert runtime.copies_before(clock.now() + timedelta(seconds=1)) == [copy.name]
    runtime.close()

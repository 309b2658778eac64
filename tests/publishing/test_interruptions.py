"""Whatever interrupts a publication: the visible model is the old or the new one, and the change can be brought to its end."""

from __future__ import annotations

import pytest
from support.kernel import create, field, obj, publish, rows, undo, values, write

from trellis.publishing import publication as publishing
from trellis.publishing.publisher import PublicationRunning, Publisher
from trellis.runtime import Runtime
from trellis.tenant import Tenant

NAME = field("name", required=True)
OLD = [obj("deal", NAME, field("size"), field("gone", "integer"))]
NEW = [
    obj("deal", field("name", required=True, unique=True), field("size", "integer"), field("fresh")),
    obj("visit", NAME, field("deal", "lookup", target="deal")),
]


class Interrupted(Exception):
    """Thrown at a step in place of a crash."""


@pytest.fixture
def in_phases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Convert even five records in batches of two."""
    monkeypatch.setattr(publishing, "INLINE_ROWS", 1)
    monkeypatch.setattr("trellis.publishing.filling.BATCH_ROWS", 2)


def begin(runtime: Runtime, name: str = "acme") -> Tenant:
    tenant = runtime.create_tenant(name)
    publish(tenant, *OLD)
    create(tenant, "deal", *({"name": f"d{n}", "size": str(n), "gone": n} for n in range(5)))
    return tenant


def steps_of(tenant: Tenant) -> list[str]:
    """Every time a step is reached, in order, with its number."""
    seen: list[str] = []
    publisher = Publisher(tenant, fault=seen.append)
    plan = publisher.plan_documents(NEW)
    publisher.apply(plan, confirm=plan.hash)
    return seen


def is_new(tenant: Tenant) -> bool:
    """Tell which model is visible, and that it is one of the two and serves records."""
    names = list(tenant.model().object("deal").fields)
    assert names in (["name", "size", "gone"], ["name", "size", "fresh"])
    new = names[-1] == "fresh"
    assert ("visit" in tenant.model().object_names) is new
    read = values(tenant, "deal", "size")
    assert read[:5] == ([0, 1, 2, 3, 4] if new else ["0", "1", "2", "3", "4"])
    return new


@pytest.mark.slow
@pytest.mark.parametrize("way", ["inline", "in phases"])
def test_interrupted_at_every_step_shows_old_or_new_and_can_go_on(
    runtime: Runtime, way: str, request: pytest.FixtureRequest
) -> None:
    if way == "in phases":
        request.getfixturevalue("in_phases")
    names = steps_of(begin(runtime))
    assert len(names) >= 5
    tenant = begin(runtime, "torn")
    base = tenant.model().version
    for position, step in enumerate(names):
        countdown = iter(range(position + 1))

        def fault(_name: str, countdown: object = countdown, position: int = position) -> None:
            if next(countdown) == position:  # type: ignore[call-overload]
                raise Interrupted

        publisher = Publisher(tenant, fault=fault)
        plan = publisher.plan_documents(NEW)
        with pytest.raises(Interrupted):
            publisher.apply(plan, confirm=plan.hash)
        new = is_new(tenant)
        late = create(tenant, "deal", {"name": f"late{position}", "size": 77 if new else "77"})
        if not new and tenant.publisher.running():
            with pytest.raises(PublicationRunning):
                tenant.publisher.apply(plan, confirm=plan.hash)
            tenant.publisher.resume()
        elif not new:
            publish(tenant, *NEW)
        assert is_new(tenant), step
        assert values(tenant, "deal", "size")[-1] == 77, step
        assert tenant.publisher.running() is None
        undo(tenant)
        assert not is_new(tenant)
        assert values(tenant, "deal", "gone")[:5] == [0, 1, 2, 3, 4]
        write(tenant, lambda tx, late=late: tx.delete("deal", late))  # type: ignore[misc]
    assert tenant.model().version == base + 2 * len(names)


@pytest.mark.parametrize("step", ["after expand", "in fill batch", "before commit of activate"])
def test_interrupted_publication_is_finished_by_the_next_start(
    runtime: Runtime, database_url: str, step: str, in_phases: None
) -> None:
    tenant = begin(runtime)

    def fault(name: str) -> None:
        if name == step:
            raise Interrupted

    publisher = Publisher(tenant, fault=fault)
    plan = publisher.plan_documents(NEW)
    with pytest.raises(Interrupted):
        publisher.apply(plan, confirm=plan.hash)
    assert not is_new(tenant)
    again = Runtime(runtime.home, database_url=database_url)
    opened = again.tenant("acme")
    assert opened.publisher.running() is None
    assert is_new(opened)
    again.close()


def test_abandoned_publication_leaves_the_old_model_and_free_names(runtime: Runtime, in_phases: None) -> None:
    tenant = begin(runtime)

    def fault(step: str) -> None:
        if step == "after fill batch":
            raise Interrupted

    for _ in range(2):
        publisher = Publisher(tenant, fault=fault)
        plan = publisher.plan_documents(NEW)
        with pytest.raises(Interrupted):
            publisher.apply(plan, confirm=plan.hash)
        tenant.publisher.abandon()
        assert not is_new(tenant)
    publish(tenant, *NEW)
    assert is_new(tenant)
    create(tenant, "visit", {"name": "v"})


def test_records_written_while_others_are_converted_are_converted_too(runtime: Runtime, in_phases: None) -> None:
    tenant = begin(runtime)
    ids = [r["id"] for r in rows(tenant, "deal")]

    def meanwhile(step: str) -> None:
        if step == "after fill batch" and not done:
            done.append(step)
            write(tenant, lambda tx: tx.update("deal", [{"id": ids[0], "size": "100"}, {"id": ids[4], "size": None}]))
            write(tenant, lambda tx: tx.delete("deal", [tenant.model().env.parse_id(ids[1], ["deal"])[1]]))
            create(tenant, "deal", {"name": "new", "size": "55"})

    done: list[str] = []
    publisher = Publisher(tenant, fault=meanwhile)
    plan = publisher.plan_documents(NEW)
    publisher.apply(plan, confirm=plan.hash)
    assert values(tenant, "deal", "size") == [100, 2, 3, None, 55]

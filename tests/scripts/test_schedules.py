"""Scheduled scripts: at their moments, once, with no rights but those that were approved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.kernel import create, obj, publish, rows, table

from trellis.clock import FakeClock
from trellis.jobs import Worker
from trellis.publishing.errors import InvalidMetadata
from trellis.storage.tables.schedules import schedule
from trellis.tenant import Tenant
from trellis_plugins.scripts import audit
from trellis_plugins.scripts.catalogue import catalogue_of
from trellis_plugins.scripts.host.sandbox import Sandbox

NOTE = obj("note", {"name": "name", "type": "text"}, sharing={"default": "private"})
SCRIPT: dict[str, Any] = {
    "kind": "script",
    "name": "morning",
    "events": ["scheduled"],
    "schedule": {"cron": "0 8 * * *", "zone": "Asia/Shanghai"},
    "rights": [{"object": "note", "verbs": ["read", "create"]}],
    "source": "crm.create('note', {'name': 'run %d' % crm.count('note', [])})",
}
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def desk(open_copy: Any, sandbox: Sandbox) -> tuple[Tenant, FakeClock]:
    clock = FakeClock(START)
    tenant = open_copy("scheduled_scripts", lambda t: publish(t, NOTE), clock=clock)
    publish(tenant, SCRIPT)
    return tenant, clock


def grant(tenant: Tenant) -> None:
    asks = catalogue_of(tenant.model()).scripts["morning"].asks
    assert asks is not None
    audit.grant(tenant, "morning", asks, None)


def test_script_runs_once_at_each_moment_of_its_zone(desk: tuple[Tenant, FakeClock]) -> None:
    tenant, clock = desk
    grant(tenant)
    create(tenant, "note", {"name": "before"})
    for moment, count in (
        (datetime(2026, 3, 2, 23, 59, tzinfo=UTC), 1),
        (datetime(2026, 3, 3, 0, 1, tzinfo=UTC), 2),
        (datetime(2026, 3, 3, 0, 2, tzinfo=UTC), 2),
        (datetime(2026, 3, 7, 0, 1, tzinfo=UTC), 3),  # nothing ran for days: once for all of them
    ):
        clock.set(moment)
        Worker(tenant).run_until_idle()
        assert len(rows(tenant, "note")) == count
    assert [r["event"] for r in audit.history(tenant, "morning")] == ["scheduled", "scheduled"]


def test_script_without_approved_rights_may_do_nothing(desk: tuple[Tenant, FakeClock]) -> None:
    tenant, clock = desk
    clock.advance(timedelta(days=1))
    Worker(tenant).run_until_idle()
    assert rows(tenant, "note") == []
    assert audit.history(tenant, "morning")[0]["outcome"] != "ok"


def test_inactive_script_and_one_that_is_gone_have_no_schedule(desk: tuple[Tenant, FakeClock]) -> None:
    tenant, _ = desk
    assert [s["owner"] for s in table(tenant, schedule)] == ["morning"]
    publish(tenant, {**SCRIPT, "active": False})
    assert table(tenant, schedule) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"schedule": {"cron": "0 25 * * *"}}, "bad_schedule"),
        ({"schedule": {"cron": "0 8 * * *", "zone": "Nowhere/Land"}}, "bad_schedule"),
        ({"events": ["action"]}, "script_schedule"),
        ({"events": ["scheduled", "action"]}, "schedule_alone"),
        ({"object": "note"}, "schedule_alone"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_schedule_that_cannot_be_is_refused(desk: tuple[Tenant, FakeClock], change: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidMetadata) as caught:
        publish(desk[0], {**SCRIPT, **change})
    assert code in [d.code for d in caught.value.diagnostics]

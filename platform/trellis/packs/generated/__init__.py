"""Tests that metadata give by themselves: records of every object, both sides of every rule, walks through every pipeline,
and the rights that every permission set grants and withholds."""

from __future__ import annotations

from collections.abc import Sequence

from trellis.packs.generated.check import Check
from trellis.packs.generated.records import RecordTests
from trellis.packs.generated.rights import rights_checks
from trellis.packs.generated.walks import walk_checks
from trellis.packs.scratch import START, Scratch
from trellis.tenant import Tenant

__all__ = ["Check", "run_generated"]


def run_generated(scratch: Scratch, objects: Sequence[str] | None = None) -> list[Check]:
    """Test every object (or those named) of the metadata in a scratch tenant; return one entry per test."""
    with scratch.tenant(START) as tenant:
        names = [n for n in tenant.model().object_names if n in objects] if objects is not None else _own(tenant)
        tests = {name: RecordTests(tenant, name) for name in names}
        found = [check for t in tests.values() for check in t.checks()]
        found += [check for t in tests.values() for check in walk_checks(t)]
        return [*found, *rights_checks(tenant, list(tests.values()))]


def _own(tenant: Tenant) -> list[str]:
    core = tenant.core_snapshot().of_kind("object")
    return [n for n in tenant.model().object_names if n not in core]

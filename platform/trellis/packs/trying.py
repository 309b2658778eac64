"""Trying a plan out: the cases of a pack against the metadata as they would be, and a rehearsal on a copy of the tenant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trellis import plugins
from trellis.packs.cases import Report, run_cases
from trellis.packs.generated import Check, run_generated
from trellis.packs.installing import apply
from trellis.packs.pack_plan import PackPlan
from trellis.packs.planning import with_cases
from trellis.packs.scratch import START, Scratch, scratch
from trellis.packs.shelf import Shelf
from trellis.packs.source import PackSource
from trellis.packs.state import installed_names
from trellis_metadata.errors import TrellisError
from trellis_metadata.snapshot import Snapshot

if TYPE_CHECKING:
    from trellis.tenant import Tenant


def with_case_reports(tenant: Tenant, plan: PackPlan, source: PackSource, language: str = "en") -> PackPlan:
    """Return the plan with what the cases come to against the metadata that it would make.

    Run are the pack's own cases, and those of the other installed packs that are on the shelf in the installed version: a
    new pack must not break what an older one promises.
    """
    if plan.action == "nothing":
        return plan
    own = {source.name: source.cases}
    suites = {name: cases for name, cases in (own | _cases_of_others(tenant, source.name)).items() if cases}
    tested = _tested(plan.tenant_plan.new, source)
    if not suites and not tested:
        return plan
    reports = []
    with scratch(plan.tenant_plan.new, tenant.settings) as maker:
        reports += [{**r.to_json(language), "pack": source.name} for r in _document_tests(maker, tested)]
        for name, cases in suites.items():
            reports += [{**r.to_json(language), "pack": name} for r in run_cases(maker, cases)]
    return with_cases(plan, reports)


def _cases_of_others(tenant: Tenant, name: str) -> dict[str, Sequence[Mapping[str, Any]]]:
    shelf, found = Shelf.of(tenant), {}
    for other, version in installed_names(tenant.model().snapshot).items():
        if other == name or other not in shelf.names():
            continue
        try:
            with shelf.source(other, version) as source:
                found[other] = source.cases
        except TrellisError:
            # The installed version is not on the shelf, or its archive is no longer trusted.
            continue
    return found


def check_tenant(tenant: Tenant, objects: list[str] | None = None) -> list[Check]:
    """Run the tests that the tenant's metadata give by themselves, in a scratch tenant."""
    with scratch(tenant.model().snapshot, tenant.settings) as maker:
        return run_generated(maker, objects)


def try_pack(snapshot: Any, source: PackSource) -> tuple[list[Report], list[Check]]:
    """Run the cases of a pack and the generated tests of its objects against ``snapshot``."""
    objects = [d["name"] for d in source.documents if d.get("kind") == "object"]
    with scratch(snapshot) as maker:
        reports = [*run_cases(maker, source.cases), *_document_tests(maker, _tested(snapshot, source))]
        return reports, run_generated(maker, objects)


def _tested(snapshot: Snapshot, source: PackSource) -> list[Mapping[str, Any]]:
    """Return the documents of a pack that hold tests, as they are among the customer's metadata."""
    keys = [(str(d["kind"]), str(d["name"])) for d in source.documents if d.get("tests")]
    return [found for kind, name in keys if (found := snapshot.get(kind, name)) is not None]


def _document_tests(maker: Scratch, documents: Sequence[Mapping[str, Any]]) -> list[Report]:
    """Run the tests that documents hold (those of scripts); what cannot be run has failed."""
    reports: list[Report] = []
    if not documents:
        return reports
    with maker.tenant(START) as tenant:
        for document in documents:
            try:
                found = [t for _, t in plugins.given("trellis_document_tests", tenant=tenant, document=document)]
            except TrellisError as problem:
                found = [("tests", problem.message)]
            for name, failure in found:
                told = {
                    "en": f"Script '{document['name']}': test '{name}'",
                    "zh": f"脚本“{document['name']}”：测试“{name}”",
                }
                reports.append(Report(f"{document['name']}.{name}", told, [failure] if failure else []))
    return reports


def rehearse(tenant: Tenant, plan_for: Callable[[Tenant], PackPlan], language: str = "en") -> dict[str, Any]:
    """Do an installation or upgrade on a copy of the tenant and report; the tenant itself is not touched."""
    with tenant.copied() as copy:
        before = _counts(copy)
        plan = plan_for(copy)
        apply(copy, plan, confirm=plan.hash, broken_cases=True)
        after = _counts(copy)
    return {
        "plan": plan.to_json(language),
        "records_before": before,
        "records_after": after,
        "cases_failed": [c["story"] for c in plan.cases if not c["passed"]],
    }


def _counts(tenant: Tenant) -> dict[str, int]:
    import sqlalchemy as sa

    with tenant.database.reading() as connection:
        model = tenant.model_in(connection)
        tables = {n: model.object(n).table for n in model.object_names}
        parts = [
            sa.select(sa.literal(n), sa.func.count()).select_from(t).where(t.c.deleted_at.is_(None))
            for n, t in tables.items()
        ]
        return {n: int(count) for n, count in connection.execute(sa.union_all(*parts)).all()}

"""Install, customise at random, upgrade, remove: the metadata are what they were, whatever was done in between."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from merge.triples import Editor, base_pack, edited
from packs.samples import label
from support.copies import OpenCopy
from support.kernel import create, values

from trellis.packs import apply, plan_install, plan_uninstall
from trellis.packs.generated.values import usual_value
from trellis.packs.source import PackSource
from trellis.tenant import Tenant
from trellis_metadata.merge import Side, prune
from trellis_metadata.snapshot import Snapshot

ROUNDS = 30
WITH_RECORDS = 50
"""On each database, so 50 in all."""
OWN: list[dict[str, Any]] = [
    {"kind": "object", "name": "club", "label": "Club", "fields": [{"name": "name", "type": "text"}]},
    {"kind": "app", "name": "own_app", "label": "Own", "items": [{"object": "club"}]},
]


def pack(snapshot: Snapshot, version: str) -> PackSource:
    document = {"kind": "pack", "name": "tutoring", "label": label("T", "T"), "version": version, "prefix": "tut"}
    part = {"kind": "object", "name": "club", "fields": [{"name": "tut_city", "type": "text"}]}
    return PackSource(document, list(snapshot), [("core", part)], (), ())


def customised(tenant: Tenant, rng: random.Random) -> Snapshot:
    """Change what the pack brought, build upon it, and touch own documents only to name what the pack brought."""
    current = tenant.model().snapshot
    brought = {
        k: d for k, d in current.documents.items() if k in base_pack().documents or k[1].startswith(("b", "v", "x_"))
    }
    editor = Editor(Snapshot(brought), rng, "x_")
    for _ in range(rng.randrange(9)):
        editor.step()
    after = {k: d for k, d in current.documents.items() if k not in brought} | editor.documents
    app = json.loads(json.dumps(after["app", "own_app"]))
    if ("object", "student") in after and rng.random() < 0.5:
        app["items"].append({"object": "student"})
        after["app", "own_app"] = app
    club = json.loads(json.dumps(after["object", "club"]))
    if rng.random() < 0.5:
        club["fields"].append({"name": "x_star", "type": "lookup", "target": "student", "relationship": "x_clubs"})
        after["object", "club"] = club
    return prune(tenant.language, Snapshot(after))[0]


def publish(tenant: Tenant, snapshot: Snapshot) -> None:
    plan = tenant.publisher.plan(snapshot)
    tenant.publisher.apply(plan, confirm=plan.hash)


def put(tenant: Tenant, source: PackSource, rng: random.Random) -> None:
    plan = plan_install(tenant, source)
    answers = {c.key: rng.choice(list(Side)) for c in plan.conflicts}
    try:
        plan = plan_install(tenant, source, choices=answers)
    except Exception:
        plan = plan_install(tenant, source)
    apply(tenant, plan, confirm=plan.hash)


def round_trip(tenant: Tenant, seed: int) -> tuple[Snapshot, Snapshot]:
    """Return the metadata before the installation and after the removal."""
    rng = random.Random(seed)
    before = tenant.model().snapshot
    first = edited(base_pack(), rng, "b", 2)
    put(tenant, pack(first, "1.0.0"), rng)
    publish(tenant, customised(tenant, rng))
    put(tenant, pack(edited(first, rng, "v"), "1.1.0"), rng)
    plan = plan_uninstall(tenant, "tutoring")
    apply(tenant, plan, confirm=plan.hash, data="drop")
    return before, tenant.model().snapshot


@pytest.fixture
def tenant(open_copy: OpenCopy) -> Tenant:
    def build(tenant: Tenant) -> None:
        publish(tenant, tenant.model().snapshot.with_documents(OWN))

    return open_copy("round trip", build)


@pytest.mark.slow
def test_metadata_are_what_they_were_before(tenant: Tenant) -> None:
    for seed in range(ROUNDS if tenant.database.is_sqlite else 5):
        before, after = round_trip(tenant, seed)
        assert after.hash == before.hash, seed


@pytest.mark.slow
def test_records_live_through_random_upgrades(tenant: Tenant, tmp_path: Path) -> None:
    create(tenant, "club", {"name": "Chess"})
    for seed in range(1000, 1000 + WITH_RECORDS):
        rng = random.Random(seed)
        first = edited(base_pack(), rng, "b", 2)
        put(tenant, pack(first, "1.0.0"), rng)
        wanted = [f for f in tenant.model().object("school").fields.values() if f.required and f.name != "name"]
        also = {f.name: usual_value(f) for f in wanted}
        create(tenant, "school", {**also, "name": "North"}, {**also, "name": "South"})
        publish(tenant, customised(tenant, rng))
        has = ("object", "school") in tenant.model().snapshot.documents
        plan = plan_install(tenant, pack(edited(first, rng, "v"), "1.1.0"))
        apply(tenant, plan, confirm=plan.hash)
        if has and ("object", "school") in tenant.model().snapshot.documents:
            assert values(tenant, "school", "name") == ["North", "South"], seed
        removal = plan_uninstall(tenant, "tutoring")
        apply(tenant, removal, confirm=removal.hash, data="drop")
        assert values(tenant, "club", "name") == ["Chess"], seed

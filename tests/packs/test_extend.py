"""An installed pack is extended live, in every kind of document: each extension survives, each vendor change arrives.

Nothing in the merge knows these kinds; their schemas say how they merge.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packs.samples import label, write_pack
from support.copies import OpenCopy
from support.kernel import create, rows

from trellis.packs import PackSource, apply, plan_install
from trellis.publishing.publisher import InvalidMetadata
from trellis.tenant import Tenant
from trellis_metadata.addresses import ABSENT, find

Json = dict[str, Any]

CASE: Json = {
    "kind": "object",
    "name": "case",
    "label": label("Case", "案件"),
    "fields": [
        {"name": "name", "type": "text", "label": label("Name", "名称")},
        {"name": "fee", "type": "number", "scale": 2, "label": label("Fee", "费用")},
        {
            "name": "stage",
            "type": "stage",
            "label": label("Stage", "阶段"),
            "pipelines": ["cases"],
        },
    ],
    "validation": [{"name": "fee_small", "when": "fee > 100", "message": label("Too much.", "过高。")}],
    "sharing": {"default": "edit"},
}
PIPELINE: Json = {
    "kind": "pipeline",
    "name": "cases",
    "label": label("Cases", "案件"),
    "object": "case",
    "field": "stage",
    "stages": [
        {"name": "new"},
        {"name": "open"},
        {"name": "closed", "closed": "won"},
    ],
    "moves": [["new", "open"], ["open", "closed"]],
}
CLERKS: Json = {
    "kind": "permission_set",
    "name": "clerks",
    "label": label("Clerks", "职员"),
    "objects": [{"name": "case", "rights": ["read", "edit"]}],
}
PAGE: Json = {
    "kind": "layout",
    "name": "case_page",
    "label": label("Case", "案件"),
    "object": "case",
    "sections": [{"name": "main", "label": label("Main", "主要"), "cells": [["name", "stage"]]}],
}
VIEW: Json = {
    "kind": "list_view",
    "name": "cases",
    "label": label("Cases", "案件"),
    "object": "case",
    "columns": ["name"],
}
AUTOMATION: Json = {
    "kind": "automation",
    "name": "case_opened",
    "label": label("Case opened", "案件立案"),
    "object": "case",
    "triggers": [{"on": "created"}],
    "when": "fee > 1",
    "steps": [{"name": "name", "action": "set_fields", "with": {"values": {"name": "opened"}}}],
}
LISTED = [CASE, PIPELINE, CLERKS, PAGE, VIEW, AUTOMATION]


def delivered(
    folder: Path, version: str, edit: Callable[[dict[tuple[str, str], Json]], None] | None = None
) -> PackSource:
    documents = {(d["kind"], d["name"]): copy.deepcopy(d) for d in LISTED}
    if edit:
        edit(documents)
    pack = {"name": "law", "label": label("Law", "法律"), "version": version}
    return write_pack(folder / version, pack, list(documents.values()))


@pytest.fixture
def tenant(open_copy: OpenCopy, tmp_path: Path) -> Tenant:
    def build(tenant: Tenant) -> None:
        plan = plan_install(tenant, delivered(tmp_path / "first", "1.0.0"))
        apply(tenant, plan, confirm=plan.hash)

    return open_copy("pack law", build)


FORMULA = {"name": "x_double", "type": "formula", "formula": "fee * 2", "returns": "number", "scale": 2}
OURS: dict[str, tuple[tuple[str, str], tuple[str, ...], Any]] = {
    "a field": (("object", "case"), ("fields",), {"name": "x_note", "type": "text"}),
    "a formula": (("object", "case"), ("fields",), FORMULA),
    "a rule": (("object", "case"), ("validation",), {"name": "x_rule", "when": "fee < 0", "message": "no"}),
    "a stage": (("pipeline", "cases"), ("stages",), {"name": "x_hold"}),
    "a move": (("pipeline", "cases"), ("moves",), ["new", "closed"]),
    "a right": (("permission_set", "clerks"), ("objects", "case", "rights"), "create"),
    "a column": (("list_view", "cases"), ("columns",), "fee"),
    "a cell": (("layout", "case_page"), ("sections", "main", "cells"), ["fee"]),
    "a step": (
        ("automation", "case_opened"),
        ("steps",),
        {"name": "x_fee", "action": "set_fields", "with": {"values": {"fee": 9}}},
    ),
}
THEIRS: dict[str, tuple[tuple[str, str], tuple[str, ...], Any]] = {
    "a field": (("object", "case"), ("fields",), {"name": "court", "type": "text", "label": label("Court", "法院")}),
    "a rule": (
        ("object", "case"),
        ("validation",),
        {"name": "named", "when": "ISBLANK(name)", "message": label("x", "y")},
    ),
    "a stage": (("pipeline", "cases"), ("stages",), {"name": "appeal"}),
    "a move": (("pipeline", "cases"), ("moves",), ["open", "new"]),
    "a right": (("permission_set", "clerks"), ("objects", "case", "rights"), "export"),
    "a column": (("list_view", "cases"), ("columns",), "stage"),
    "a cell": (("layout", "case_page"), ("sections", "main", "cells"), ["court"]),
    "a step": (
        ("automation", "case_opened"),
        ("steps",),
        {"name": "sign", "action": "set_fields", "with": {"values": {"court": "North"}}},
    ),
}


def add(documents: dict[tuple[str, str], Json], changes: dict[str, Any]) -> None:
    for key, path, value in changes.values():
        find(documents[key], path).append(value)


def holds(document: Any, path: tuple[str, ...], value: Any) -> bool:
    listed = find(document, path)
    if isinstance(value, dict):
        return find(document, (*path, value["name"])) is not ABSENT
    return value in listed


def test_every_extension_survives_and_every_vendor_change_arrives(tenant: Tenant, tmp_path: Path) -> None:
    documents = {k: json.loads(json.dumps(d)) for k, d in tenant.model().snapshot.documents.items()}
    add(documents, OURS)
    own = {**AUTOMATION, "name": "x_own", "active": False}
    mine = tenant.publisher.plan_documents([own, *(documents[d["kind"], d["name"]] for d in LISTED)])
    tenant.publisher.apply(mine, confirm=mine.hash)
    plan = plan_install(tenant, delivered(tmp_path, "1.1.0", lambda d: add(d, THEIRS)))
    assert [c.describe() for c in plan.conflicts] == []
    apply(tenant, plan, confirm=plan.hash)
    now = tenant.model().snapshot.documents
    missing = [
        n for side in (OURS, THEIRS) for n, (key, path, value) in side.items() if not holds(now[key], path, value)
    ]
    assert missing == []
    create(tenant, "case", {"name": "new", "fee": "2"})
    found = rows(tenant, "case", fields=["name", "fee", "court", "x_double"])[0]
    assert [found[n] for n in ("name", "fee", "court", "x_double")] == ["opened", "9.00", "North", "18.00"]
    assert "x_own" in {d["name"] for d in tenant.model().snapshot.of_kind("automation").values()}


def test_pack_that_is_broken_by_itself_is_not_installed(open_copy: OpenCopy, tmp_path: Path) -> None:
    tenant = open_copy()
    broken = delivered(tmp_path, "1.0.0", lambda d: d["list_view", "cases"]["columns"].append("nothing"))
    with pytest.raises(InvalidMetadata, match="nothing"):
        plan_install(tenant, broken)


def test_new_right_of_the_vendor_is_flagged(tenant: Tenant, tmp_path: Path) -> None:
    only = {"a right": THEIRS["a right"]}
    plan = plan_install(tenant, delivered(tmp_path, "1.1.0", lambda d: add(d, only)))
    assert [(f.direction, f.outcome.kind) for f in plan.flags] == [("loosened", "permission_set")]
    assert plan.needs_confirmation

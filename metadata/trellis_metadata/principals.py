"""References to people in documents: ``{"role": "sales_rep"}``, ``{"unit_and_below": "region.china"}`` …"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trellis_metadata.diagnostics import Diagnostic, did_you_mean
from trellis_metadata.kind import Reference
from trellis_metadata.snapshot import Snapshot

_KIND = {
    "role": "role",
    "role_and_below": "role",
    "group": "group",
    "unit": "org_unit_tree",
    "unit_and_below": "org_unit_tree",
}


def references(principals: Sequence[Mapping[str, Any]], pointer: str) -> Iterator[Reference]:
    """Yield the documents that a list of principals names."""
    for index, principal in enumerate(principals):
        yield from reference(principal, f"{pointer}/{index}")


def reference(principal: Mapping[str, Any], pointer: str) -> Iterator[Reference]:
    """Yield the document that one principal names."""
    for key, name in principal.items():
        if key in _KIND:
            yield Reference(f"{pointer}/{key}", _KIND[key], name.partition(".")[0])


def check(principals: Sequence[Mapping[str, Any]], pointer: str, snapshot: Snapshot) -> Iterator[Diagnostic]:
    """Yield units that their tree does not have."""
    for index, principal in enumerate(principals):
        yield from check_one(principal, f"{pointer}/{index}", snapshot)


def check_one(principal: Mapping[str, Any], pointer: str, snapshot: Snapshot) -> Iterator[Diagnostic]:
    """Yield a unit that its tree does not have."""
    for key in ("unit", "unit_and_below"):
        tree_name, _, unit = principal.get(key, "").partition(".")
        tree = snapshot.get("org_unit_tree", tree_name)
        known = [u["name"] for u in tree.get("units", ())] if tree else []
        if tree and unit not in known:
            yield Diagnostic(
                "unknown_unit",
                f"{pointer}/{key}",
                f"The tree '{tree_name}' has no unit '{unit}'.{did_you_mean(unit, known)}",
                "Name one of its units, or add the unit.",
            )


def circle(parents: Mapping[str, str | None], start: str) -> list[str] | None:
    """Return the way from ``start`` up to itself, or None if it ends at a top."""
    way, at = [start], parents.get(start)
    while at is not None and at not in way:
        way.append(at)
        at = parents.get(at)
    return [*way, start] if at == start else None

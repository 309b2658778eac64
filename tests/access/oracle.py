"""Access by brute force, written apart from the product: plain loops over plain dictionaries, nothing shared with it.

An organisation is a dictionary: ``roles`` (name → parent), ``units`` (name → parent), ``groups`` (name → members by rule),
``people`` (name → roles, units, groups, rights), ``objects``, ``records``, ``rules``, ``restrictions``, ``shares``.
"""

from __future__ import annotations

from typing import Any

World = dict[str, Any]


def above(parents: dict[str, Any], name: str) -> list[str]:
    """The name itself and everything above it."""
    found = []
    while name:
        found.append(name)
        name = parents.get(name)
    return found


def part_of(world: World, person: str, who: dict[str, Any]) -> bool:
    """Whether a person is meant by a principal."""
    ((kind, name),) = who.items()
    me = world["people"][person]
    if kind == "everyone":
        return True
    if kind == "user":
        return bool(name == person)
    if kind == "role":
        return name in me["roles"]
    if kind == "role_and_below":
        return any(name in above(world["roles"], r) for r in me["roles"])
    if kind == "unit":
        return name in me["units"]
    if kind == "unit_and_below":
        return any(name in above(world["units"], u) for u in me["units"])
    return name in me["groups"] or any(part_of(world, person, m) for m in world["groups"][name])


def is_boss(world: World, boss: str, person: str) -> bool:
    """Whether one person stands above another in the role tree."""
    mine, theirs = world["people"][boss]["roles"], world["people"][person]["roles"]
    return any(m != t and m in above(world["roles"], t) for m in mine for t in theirs)


def receives(world: World, person: str, who: dict[str, Any], hierarchy: bool) -> bool:
    """Whether a person, or somebody below him, is meant."""
    if part_of(world, person, who):
        return True
    return hierarchy and any(is_boss(world, person, p) and part_of(world, p, who) for p in world["people"])


def may(world: World, person: str, record: str, action: str) -> bool:
    """Whether a person may read or edit a record."""
    stored = world["records"][record]
    kind = world["objects"][stored["object"]]
    rights = world["people"][person]["rights"].get(stored["object"], set())
    if action not in rights:
        return False
    if any(
        r["object"] == stored["object"] and stored[r["field"]] == r["value"]
        for r in world["restrictions"]
        if any(part_of(world, person, w) for w in r["applies_to"])
    ):
        return False
    if "edit_all" in rights or (action == "read" and "view_all" in rights):
        return True
    if kind["default"] == "controlled_by_parent":
        if stored["parent"] is None:
            return bool(stored["owner"] == person)
        return may(world, person, stored["parent"], action)
    if kind["default"] == "edit" or (kind["default"] == "read" and action == "read"):
        return True
    if stored["owner"] == person or (kind["hierarchy"] and stored["owner"] and is_boss(world, person, stored["owner"])):
        return True
    enough = {"read": ("read", "edit"), "edit": ("edit",)}[action]
    for rule in world["rules"]:
        if rule["object"] != stored["object"] or rule["level"] not in enough:
            continue
        if "owned_by" in rule:
            hit = stored["owner"] is not None and part_of(world, stored["owner"], rule["owned_by"])
        else:
            hit = stored[rule["field"]] == rule["value"]
        if hit and any(receives(world, person, w, kind["hierarchy"]) for w in rule["share_with"]):
            return True
    for unit, level, reach, name in world["unit_sharing"]:
        if name == stored["object"] and level in enough and stored["owner"] is not None:
            source = {"unit" if reach == "unit" else "unit_and_below": unit}
            if part_of(world, stored["owner"], source) and receives(world, person, {"unit": unit}, kind["hierarchy"]):
                return True
    return any(
        s["record"] == record and s["level"] in enough and receives(world, person, s["with"], kind["hierarchy"])
        for s in world["shares"]
    )

"""Random organisations: what the product decides, lists and explains is what brute force says, and revoking works.

``TRELLIS_FUZZ_SECONDS`` makes it go on for that long; otherwise at least 2,000 triples of person, record and action.
"""

from __future__ import annotations

import os
import random
import time
from typing import Any

import pytest
from access import oracle
from access.worlds import AccessWorld, build
from support.kernel import rows

from trellis.access.decide import may
from trellis.access.explain import explain_access
from trellis.access.people import who
from trellis.access.rights import AccessDenied
from trellis.runtime import Runtime

COLOURS = ("red", "green", "blue")
OBJECTS: dict[str, dict[str, Any]] = {
    "private": {"default": "private", "hierarchy": True},
    "flat": {"default": "private", "hierarchy": False},
    "public": {"default": "read", "hierarchy": True},
    "child": {"default": "controlled_by_parent", "hierarchy": True},
}


def organisation(seed: int) -> oracle.World:
    """Return a random world for the oracle."""
    r = random.Random(seed)
    roles = {f"r{i}": f"r{r.randrange(i)}" if i and r.random() < 0.8 else None for i in range(r.randint(1, 5))}
    units = {f"t.u{i}": f"t.u{r.randrange(i)}" if i and r.random() < 0.7 else None for i in range(r.randint(1, 4))}
    groups: dict[str, list[Any]] = {}

    def somebody() -> dict[str, Any]:
        kinds = ["role", "role_and_below", "unit", "unit_and_below", "everyone", *(["group"] if groups else [])]
        kind = r.choices(kinds, [3, 3, 2, 2, 0.3, *([3] if groups else [])])[0]
        pool = {"role": roles, "role_and_below": roles, "unit": units, "unit_and_below": units, "group": groups}
        return {kind: True if kind == "everyone" else r.choice(list(pool[kind]))}

    for i in range(r.randint(0, 3)):
        groups[f"g{i}"] = [somebody() for _ in range(r.randint(0, 2))]
    people = {}
    for i in range(r.randint(2, 8)):
        rights = {}
        for name in OBJECTS:
            granted = {"read", "edit"} if r.random() < 0.75 else {"read"} if r.random() < 0.7 else set()
            if granted and r.random() < 0.06:
                granted |= {"view_all"}
            if "edit" in granted and r.random() < 0.04:
                granted |= {"edit_all"}
            rights[name] = granted
        people[f"p{i}"] = {
            "roles": r.sample(list(roles), r.choice([0, 1, 1, 1, min(2, len(roles))])),
            "units": r.sample(list(units), r.choice([0, 1, min(2, len(units))])),
            "groups": r.sample(list(groups), r.randint(0, len(groups))) if groups else [],
            "rights": rights,
        }
    records: dict[str, Any] = {}
    for i in range(r.randint(10, 40)):
        name = r.choice(list(OBJECTS))
        parents = [n for n, x in records.items() if x["object"] == "private"]
        records[f"x{i}"] = {
            "object": name,
            "owner": r.choice([*people, None]) if r.random() < 0.95 else None,
            "colour": r.choice(COLOURS),
            "parent": r.choice(parents) if name == "child" and parents and r.random() < 0.9 else None,
        }
    rules, restrictions = [], []
    for i in range(r.randint(0, 12)):
        rule: dict[str, Any] = {"name": f"s{i}", "object": r.choice(["private", "flat", "public"])}
        rule.update(share_with=[somebody() for _ in range(r.randint(1, 2))], level=r.choice(["read", "edit"]))
        if r.random() < 0.5:
            rule["owned_by"] = somebody()
        else:
            rule.update(field="colour", value=r.choice(COLOURS))
        rules.append(rule)
    for i in range(r.choice([0, 0, 1, 2])):
        hidden = {"name": f"h{i}", "object": r.choice(list(OBJECTS)), "field": "colour", "value": r.choice(COLOURS)}
        restrictions.append({**hidden, "applies_to": [somebody() for _ in range(r.randint(1, 2))]})
    shares = []
    plain = [n for n, x in records.items() if x["object"] != "child"]
    for _ in range(r.randint(0, 10) if plain else 0):
        receiver = {"user": r.choice(list(people))} if r.random() < 0.5 else somebody()
        given = {"record": r.choice(plain), "with": receiver, "level": r.choice(["read", "edit"])}
        if not any(s["record"] == given["record"] and s["with"] == receiver for s in shares):
            shares.append(given)
    sharing = [(u, level, reach, name) for name, level, reach in _unit_sharing(r) for u in units]
    return {
        "roles": roles,
        "units": units,
        "groups": groups,
        "people": people,
        "objects": OBJECTS,
        "records": records,
        "rules": rules,
        "restrictions": restrictions,
        "shares": shares,
        "unit_sharing": sharing,
    }


def _unit_sharing(r: random.Random) -> list[tuple[str, str, str]]:
    names = [n for n in ("private", "flat") if r.random() < 0.4]
    return [(n, r.choice(["read", "edit"]), r.choice(["unit", "below"])) for n in names]


def as_data(world: oracle.World) -> dict[str, Any]:
    """Return the same world as documents, people, records and shares."""
    documents: list[dict[str, Any]] = []
    colour = {"name": "colour", "type": "text"}
    for name, o in OBJECTS.items():
        fields = [{"name": "name", "type": "text"}, colour]
        sharing: dict[str, Any] = {"default": o["default"], "hierarchy": o["hierarchy"]}
        if name == "child":
            fields.append({"name": "parent", "type": "lookup", "target": "private"})
            sharing["parent"] = "parent"
        documents.append({"kind": "object", "name": name, "label": name, "fields": fields, "sharing": sharing})
    documents += [{"kind": "role", "name": n, **({"parent": p} if p else {})} for n, p in world["roles"].items()]
    units = [{"name": n[2:], **({"parent": p[2:]} if p else {})} for n, p in world["units"].items()]
    entries = sorted({(name, level, reach) for _, level, reach, name in world["unit_sharing"]})
    unit_sharing = [{"name": n, "level": level, "reach": reach} for n, level, reach in entries]
    documents.append({"kind": "org_unit_tree", "name": "t", "units": units, "sharing": unit_sharing})
    documents += [{"kind": "group", "name": n, "members": m} for n, m in world["groups"].items()]
    for rule in world["rules"]:
        body = {k: rule[k] for k in ("name", "object", "share_with", "level")}
        test = {"owned_by": rule["owned_by"]} if "owned_by" in rule else {"when": f'colour = "{rule["value"]}"'}
        documents.append({"kind": "sharing_rule", **body, **test})
    for rule in world["restrictions"]:
        body = {k: rule[k] for k in ("name", "object", "applies_to")}
        documents.append({"kind": "restriction_rule", **body, "hide_when": f'colour = "{rule["value"]}"'})
    people = {}
    for name, p in world["people"].items():
        objects = [{"name": o, "rights": sorted(g)} for o, g in p["rights"].items() if g]
        documents.append({"kind": "permission_set", "name": f"of_{name}", "objects": objects})
        people[name] = {**{k: p[k] for k in ("roles", "units", "groups")}, "sets": [f"of_{name}"]}
    records = {}
    for name, x in world["records"].items():
        values = {"colour": x["colour"], **({"parent": f"@{x['parent']}"} if x["parent"] else {})}
        records[name] = {"object": x["object"], "owner": x["owner"], "values": values}
    shares = [
        {
            "record": s["record"],
            "level": s["level"],
            "with": ["everyone", ""] if "everyone" in s["with"] else next(iter(s["with"].items())),
        }
        for s in world["shares"]
    ]
    return {"documents": documents, "people": people, "records": records, "shares": shares}


def differences(made: AccessWorld, world: oracle.World) -> tuple[list[Any], int]:
    """Compare every person, record and action; return what differs and how many triples were looked at."""
    tenant, principals, wrong, count = made.tenant, made.principals(), [], 0
    listed: dict[tuple[str, str], set[str]] = {}
    for person, principal in principals.items():
        for name in OBJECTS:
            try:
                listed[person, name] = {r["name"] for r in rows(tenant, name, principal, fields=["name"])}
            except AccessDenied:
                listed[person, name] = set()
    with tenant.database.reading() as connection:
        model = tenant.model_in(connection)
        for record, (name, number) in made.records.items():
            root = model.object(name)
            for action in ("read", "edit"):
                people = {p.user for p in who(tenant, connection, model, root, number, action)}
                for person, principal in principals.items():
                    count += 1
                    wanted = oracle.may(world, person, record, action)
                    found = {
                        "decision": may(connection, principal, model, root, number, action),
                        "who": principal.user in people,
                    }
                    explanation = explain_access(connection, model, principal, root, number, action)
                    found["explanation"] = explanation.allowed
                    found["ways"] = bool(explanation.paths) and not explanation.reasons
                    if action == "read":
                        found["list"] = record in listed[person, name]
                    wrong += [(person, record, action, wanted, k) for k, v in found.items() if v is not wanted]
    return wrong, count


@pytest.mark.slow
def test_random_organisations_agree_with_brute_force(runtime: Runtime) -> None:
    seconds, seed, seen = float(os.environ.get("TRELLIS_FUZZ_SECONDS", "0")), 20261122, 0
    end = time.monotonic() + seconds
    while seen < 1000 or time.monotonic() < end:
        world = organisation(seed)
        name = f"world_{seed}"
        made = build(runtime.create_tenant(name), as_data(world))
        wrong, count = differences(made, world)
        assert wrong == [], (seed, wrong[:5])
        seed, seen = seed + 1, seen + count
        runtime.drop_tenant(name)

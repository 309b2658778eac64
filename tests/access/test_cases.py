"""The meaning of access as cases that a product person can read (``cases/*.json``), run through all three readings.

A case is: name, person, action, record, ``yes`` or ``no``, and, where it says so, every way that leads there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from access.worlds import FOLDER, AccessWorld, build, load
from support.kernel import rows

from trellis.access.decide import may
from trellis.access.explain import explain_access
from trellis.access.people import who
from trellis.access.rights import rights
from trellis.tenant import Tenant

FILES = sorted(p.stem for p in FOLDER.glob("*.json"))


def test_there_are_enough_cases_and_every_name_is_one_of_its_own() -> None:
    names = [case[0] for file in FILES for case in load(file)["cases"]]
    assert len(names) >= 150
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("file", FILES)
def test_decision_list_and_explanation_agree_with_the_cases(file: str, open_copy: Callable[..., Tenant]) -> None:
    data = load(file)
    worlds: list[AccessWorld] = []
    tenant = open_copy()
    worlds.append(build(tenant, data))
    wrong = [w for case in data["cases"] for w in _differences(worlds[0], case)]
    assert wrong == []


def _differences(world: AccessWorld, case: list[Any]) -> list[str]:
    name, person, action, record, expected, *why = case
    object_name, number = world.records[record] if record in world.records else ("user", world.people[record])
    principal, tenant = world.principals()[person], world.tenant
    wanted = expected == "yes"
    found: dict[str, Any] = {}
    with tenant.database.reading() as connection:
        model = tenant.model_in(connection)
        root = model.object(object_name)
        allowed = rights(principal, root.doc)
        level = "read" if action == "read" else "edit"
        reached = may(connection, principal, model, root, number, level)
        granted = {"delete": allowed.delete, "share": allowed.may("share"), "transfer": allowed.may("transfer")}
        found["decision"] = reached and granted.get(action, True)
        explanation = explain_access(connection, model, principal, root, number, action)
        found["explanation"] = explanation.allowed
        if action in ("read", "edit"):
            found["who"] = person in {p.name.lower() for p in who(tenant, connection, model, root, number, action)}
    if action == "read":
        try:
            listed = {r["name"] for r in rows(tenant, object_name, principal, fields=["name"])}
        except Exception as refused:  # the object itself is not granted
            listed = {type(refused).__name__}
        title = record if record in world.records else record.capitalize()
        found["list"] = title in listed
    wrong = [f"{name}: {reading} says {value}" for reading, value in found.items() if value is not wanted]
    if wanted and why:
        kinds = sorted({p.kind for p in explanation.paths})
        if kinds != sorted(why[0].split()):
            wrong.append(f"{name}: the ways are {kinds}")
    if not wanted and not explanation.reasons:
        wrong.append(f"{name}: no reason is given")
    return wrong

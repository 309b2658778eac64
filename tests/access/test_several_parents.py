"""A record that belongs to one of several objects is seen by those who see what it belongs to, and by nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.kernel import create, field, obj, person, publish, ref, rows, write

from trellis.access import accounts
from trellis.access.decide import allowed_ids
from trellis.access.explain import explain_access
from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid
from trellis.transaction.errors import NotFound

DEAL = obj("deal", field("name"), sharing={"default": "private"})
FIRM = obj("firm", field("name"), sharing={"default": "read"})
NOTE = obj(
    "note",
    field("text"),
    field("about", "lookup", target=["deal", "firm"], on_delete="cascade", relationship="notes"),
    sharing={"default": "controlled_by_parent", "parent": "about"},
)
NO_FIRMS = {
    "kind": "permission_set",
    "name": "no_firms",
    "objects": [{"name": n, "rights": ["create", "read", "edit"]} for n in ("deal", "note")],
}


def build(tenant: Tenant) -> None:
    publish(tenant, DEAL, FIRM, NOTE, NO_FIRMS)
    for login in ("rep", "eve"):
        accounts.create_user(tenant, login=login, name=login, password="correct horse")


@pytest.fixture
def desk(open_copy: Any) -> Tenant:
    return open_copy("several_parents", build)


def _person(tenant: Tenant, login: str, *sets: str) -> Any:
    (found,) = rows(tenant, "user", filter={"field": "login", "op": "=", "value": login})
    return person(tenant, tenant.model().env.parse_id(found["id"], ("user",))[1], login, *sets)


@pytest.fixture
def notes(desk: Tenant) -> dict[str, int]:
    """Notes of the administrator about a deal of rep, a deal of eve and a firm of eve, and one about nothing."""
    rep, eve = _person(desk, "rep"), _person(desk, "eve")
    (mine,) = create(desk, "deal", {"name": "mine"}, principal=rep)
    (theirs,) = create(desk, "deal", {"name": "theirs"}, principal=eve)
    (firm,) = create(desk, "firm", {"name": "firm"}, principal=eve)
    about = {"mine": ref(desk, "deal", mine), "theirs": ref(desk, "deal", theirs), "firm": ref(desk, "firm", firm)}
    made = create(desk, "note", *({"text": n, "about": r} for n, r in about.items()), {"text": "loose"})
    return dict(zip((*about, "loose"), made, strict=True))


def _both_readings(tenant: Tenant, who: Any, notes: dict[str, int], action: str = "read") -> set[str]:
    model = tenant.model()
    with tenant.database.reading() as connection:
        found = allowed_ids(connection, who, model, model.object("note"), list(notes.values()), action)
    judged = {name for name, number in notes.items() if number in found}
    if action == "read":
        assert {r["text"] for r in rows(tenant, "note", who)} == judged
    return judged


def test_notes_are_seen_with_what_they_are_about(desk: Tenant, notes: dict[str, int]) -> None:
    assert _both_readings(desk, _person(desk, "rep"), notes) == {"mine", "firm"}
    assert _both_readings(desk, _person(desk, "eve"), notes) == {"theirs", "firm"}
    assert _both_readings(desk, _person(desk, "rep"), notes, "edit") == {"mine"}


def test_notes_about_an_object_without_rights_are_not_seen(desk: Tenant, notes: dict[str, int]) -> None:
    assert _both_readings(desk, _person(desk, "rep", "no_firms"), notes) == {"mine"}


def test_nobody_writes_a_note_about_what_he_does_not_see(desk: Tenant, notes: dict[str, int]) -> None:
    rep = _person(desk, "rep")
    hidden = rows(desk, "note", filter={"field": "text", "op": "=", "value": "theirs"})[0]["about"]
    with pytest.raises(RecordsInvalid):
        create(desk, "note", {"text": "x", "about": hidden}, principal=rep)
    mine = ref(desk, "note", notes["mine"])
    with pytest.raises(RecordsInvalid):
        write(desk, lambda tx: tx.update("note", [{"id": mine, "about": hidden}]), rep)
    with pytest.raises(NotFound):
        write(desk, lambda tx: tx.update("note", [{"id": ref(desk, "note", notes["theirs"]), "text": "x"}]), rep)
    firm = rows(desk, "firm")[0]["id"]
    create(desk, "note", {"text": "about the firm", "about": firm}, principal=rep)
    assert len(rows(desk, "note", rep)) == 3


def test_the_explanation_names_the_parent(desk: Tenant, notes: dict[str, int]) -> None:
    model, rep = desk.model(), _person(desk, "rep")
    with desk.database.reading() as connection:
        seen = explain_access(connection, model, rep, model.object("note"), notes["mine"])
        hidden = explain_access(connection, model, rep, model.object("note"), notes["theirs"])
    assert seen.allowed and [(p.kind, p.detail["object"]) for p in seen.paths] == [("parent", "deal")]
    assert not hidden.allowed


def test_objects_that_control_each_other_through_one_of_several_targets_are_refused(desk: Tenant) -> None:
    back = {**DEAL, "fields": [field("name"), field("above", "lookup", target=["firm", "note"])]}
    back["sharing"] = {"default": "controlled_by_parent", "parent": "above"}
    _, found = desk.language.check([back], desk.model().snapshot)
    assert any(d.code == "circle" and "note" in d.message for d in found)

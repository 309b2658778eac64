"""Who is away, who stands in, and who may say so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from support.app import World
from support.kernel import ADMIN, person, rows, write

from trellis import absences
from trellis.absences import BadAbsence, UnknownAbsence, stand_ins
from trellis.access import AccessDenied
from trellis.access.accounts import create_user
from trellis.tenant import Tenant

MAY = [date(2031, 5, d) for d in range(1, 31)]


def build(tenant: Tenant) -> None:
    for name in ("ann", "bob", "cy", "dan"):
        create_user(tenant, login=name, name=name.capitalize())


@pytest.fixture
def world(open_world: Callable[..., World]) -> World:
    return open_world()


@pytest.fixture
def tenant(open_copy: Callable[..., Tenant]) -> Tenant:
    return open_copy("absences", build)


def user(tenant: Tenant, login: str) -> int:
    from trellis.record_id import parse_id

    return next(
        parse_id(r["id"], ["user"])[1] for r in rows(tenant, "user", fields=["id", "login"]) if r["login"] == login
    )


def away(tenant: Tenant, who: str, stand_in: str | None, first: date = MAY[0], last: date = MAY[9]) -> int:
    number = None if stand_in is None else user(tenant, stand_in)
    return write(tenant, lambda tx: absences.add(tx, user(tenant, who), first, last, stand_in=number))


def acting(tenant: Tenant, day: date, *who: str) -> dict[str, str]:
    names = {user(tenant, n): n for n in ("ann", "bob", "cy", "dan")}
    with tenant.database.reading() as connection:
        found = stand_ins(connection, tenant.model_in(connection), [user(tenant, w) for w in who], day)
    return {names[k]: names[v] for k, v in found.items()}


def test_a_stand_in_acts_from_the_first_to_the_last_day(tenant: Tenant) -> None:
    away(tenant, "ann", "bob", MAY[1], MAY[3])
    assert [acting(tenant, d, "ann", "cy") for d in (MAY[0], MAY[1], MAY[3], MAY[4])] == [
        {},
        {"ann": "bob"},
        {"ann": "bob"},
        {},
    ]


def test_a_chain_ends_with_somebody_who_is_here(tenant: Tenant) -> None:
    away(tenant, "ann", "bob")
    away(tenant, "bob", "cy")
    assert acting(tenant, MAY[0], "ann", "bob") == {"ann": "cy", "bob": "cy"}
    away(tenant, "cy", None)
    assert acting(tenant, MAY[0], "ann", "bob", "cy") == {}


def test_a_circle_names_nobody(tenant: Tenant) -> None:
    away(tenant, "ann", "bob")
    away(tenant, "bob", "ann")
    assert acting(tenant, MAY[0], "ann", "bob") == {}


def test_a_stand_in_who_left_does_not_act(tenant: Tenant) -> None:
    away(tenant, "ann", "bob")
    write(tenant, lambda tx: tx.update("user", [{"id": user(tenant, "bob"), "active": False}]))
    assert acting(tenant, MAY[0], "ann") == {}


@pytest.mark.parametrize(
    ("first", "last", "stand_in", "words"),
    [
        (MAY[5], MAY[4], None, "lies before"),
        (MAY[0], MAY[0], "ann", "Nobody stands in for himself"),
        (MAY[9], MAY[12], None, "from 2031-05-01 to 2031-05-10 already"),
        (MAY[20], MAY[21], "gone", "no such active user"),
    ],
)
def test_a_wrong_absence_is_refused(tenant: Tenant, first: date, last: date, stand_in: str | None, words: str) -> None:
    away(tenant, "ann", "bob")
    write(tenant, lambda tx: tx.update("user", [{"id": user(tenant, "dan"), "active": False}]))
    with pytest.raises(BadAbsence, match=words):
        away(tenant, "ann", "dan" if stand_in == "gone" else stand_in, first, last)


def test_people_speak_for_themselves_and_administrators_for_all(tenant: Tenant) -> None:
    ann, bob = user(tenant, "ann"), user(tenant, "bob")
    mine: Any = person(tenant, ann)
    number = write(tenant, lambda tx: absences.add(tx, ann, MAY[0], MAY[0]), mine)
    with pytest.raises(AccessDenied):
        write(tenant, lambda tx: absences.add(tx, bob, MAY[0], MAY[0]), mine)
    with pytest.raises(UnknownAbsence):
        write(tenant, lambda tx: absences.remove(tx, number), person(tenant, bob))
    write(tenant, lambda tx: absences.remove(tx, number), replace(ADMIN, user=bob))
    with pytest.raises(UnknownAbsence):
        write(tenant, lambda tx: absences.remove(tx, number), mine)


def test_the_api_notes_lists_and_removes(world: World) -> None:
    bob, eve = world.bob, world.eve
    eve_id = world.ada.get("/records/user?fields=id,login").get_json()["records"]
    stand_in = next(r["id"] for r in eve_id if r["login"] == "eve")
    body = {"starts_on": "2041-05-01", "ends_on": "2041-05-09", "stand_in": stand_in, "note": "Holidays"}
    made = bob.post("/absences", body)
    assert made.status_code == 201
    (found,) = bob.get("/absences").get_json()["absences"]
    assert {k: found[k] for k in body} == body
    assert eve.get("/absences").get_json() == {"absences": []}
    assert eve.get(f"/absences?user={found['user']}").status_code == 403
    assert eve.get("/absences?user=all").status_code == 403
    assert world.ada.get("/absences?user=all").get_json()["absences"] == [found]
    assert eve.post("/absences", {**body, "user": found["user"]}).status_code == 403
    assert eve.delete(f"/absences/{found['id']}").status_code == 404
    assert bob.post("/absences", body).status_code == 422
    assert bob.delete(f"/absences/{found['id']}").status_code == 204
    assert bob.get("/absences?past=true").get_json() == {"absences": []}
    assert world.token(bob.user, "read").post("/absences", body).status_code == 403

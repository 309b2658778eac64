"""Worlds of the access tests: documents, people, records and shares as data, made into a tenant."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from support.kernel import ADMIN, API, create, publish, ref

from trellis.access import Principal, memberships, shares
from trellis.access.accounts import create_user
from trellis.access.people import everybody
from trellis.storage.tables.access import share
from trellis.tenant import Tenant

FOLDER = Path(__file__).parent / "cases"
PAST_MOMENT = datetime(2001, 1, 1, tzinfo=UTC)


@dataclass
class AccessWorld:
    """A tenant with the people and records of a world, by name."""

    tenant: Tenant
    people: dict[str, int] = field(default_factory=dict)
    records: dict[str, tuple[str, int]] = field(default_factory=dict)

    def principals(self) -> dict[str, Principal]:
        """Return the people as they are now."""
        with self.tenant.database.reading() as connection:
            known = {p.user: p for p in everybody(self.tenant, connection, self.tenant.model_in(connection))}
        return {name: known[number] for name, number in self.people.items()}


def load(name: str) -> dict[str, Any]:
    """Read one file of cases."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def build(tenant: Tenant, data: dict[str, Any]) -> AccessWorld:
    """Make the world of a file of cases."""
    world = AccessWorld(tenant)
    early = [d for d in data["documents"] if d["kind"] not in ("sharing_rule", "restriction_rule")]
    publish(tenant, *early)
    wanted: list[tuple[int, str, str]] = []
    for name, person in data["people"].items():
        sets = person.get("sets", ["standard"])
        number = create_user(
            tenant, login=name, name=name.capitalize(), admin=person.get("admin", False), permission_sets=sets
        )
        world.people[name] = number
        wanted += [(number, kind, n) for kind in ("role", "group", "unit") for n in person.get(f"{kind}s", ())]
    if wanted:
        memberships.add_many(tenant, wanted)
    for name, person in data["people"].items():
        for kind, n, start, end in person.get("dated", ()):
            days = [date.fromisoformat(d) if d else None for d in (start, end)]
            memberships.add(tenant, world.people[name], kind, n, starts_on=days[0], ends_on=days[1])
    for name, record in data["records"].items():
        add_record(world, name, record)
    # Half of the rules meet records that exist already, half would be worked out when records are written.
    rules = [d for d in data["documents"] if d["kind"] in ("sharing_rule", "restriction_rule")]
    if rules:
        publish(tenant, *rules)
    for given in data.get("shares", ()):
        add_share(world, given)
    return world


def add_record(world: AccessWorld, name: str, record: dict[str, Any]) -> None:
    """Create one record as an administrator."""
    tenant = world.tenant
    values = dict(record.get("values", {}))
    for key, value in values.items():
        if isinstance(value, str) and value.startswith("@"):
            values[key] = ref(tenant, *world.records[value[1:]])
    owner = record.get("owner")
    row = {"name": name, **values, "owner": ref(tenant, "user", world.people[owner]) if owner else None}
    principal = ADMIN
    world.records[name] = (record["object"], create(tenant, record["object"], row, principal=principal)[0])


def add_share(world: AccessWorld, given: dict[str, Any]) -> None:
    """Share one record as an administrator; ``expired`` ones ran out long ago."""
    object_name, number = world.records[given["record"]]
    kind, name = given["with"]
    if kind == "user":
        name = ref(world.tenant, "user", world.people[name])

    def body(tx: Any) -> int:
        principal = shares.receiver_number(tx, kind, name)
        shares.give(
            tx, tx.model.object(object_name), number, principal, given.get("level", "read"), role=given.get("role")
        )
        return principal

    principal = world.tenant.run(ADMIN, API, body)
    if given.get("expired"):
        with world.tenant.database.writing() as connection:
            c = share.c
            connection.execute(
                share.update()
                .where(c.record == number, c.principal == principal)
                .values(expires_at=sa.literal(PAST_MOMENT, c.expires_at.type))
            )

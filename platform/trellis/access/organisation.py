"""Whom belonging reaches: roles, groups and units of people, and the tables derived from them.

Everything is computed from the documents and memberships as a whole and only the differences are written: for 1,000 people in
six levels that takes about a tenth of a second (docs/decisions/0006-access.md), and nothing can be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.storage.tables.access import member, owner_rule, principal, reach
from trellis_metadata.snapshot import Snapshot

EVERYONE = -1
DIRECT, HIERARCHY = 0, 1
READ, EDIT = 1, 2
LEVELS = {"read": READ, "edit": EDIT}
Key = tuple[str, str]
"""Kind and name of a principal, such as ``("unit_and_below", "region.china")``."""


def key_of(document: Mapping[str, Any]) -> Key:
    """Return the principal that a document names."""
    ((kind, name),) = document.items()
    return kind, "" if kind == "everyone" else name


class Directory:
    """The numbers of principals. A principal gets its number when it is first asked for."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        p = principal.c
        self._numbers = {(r[0], r[1]): -r[2] for r in connection.execute(sa.select(p.kind, p.name, p.id))}

    def number(self, key: Key) -> int:
        """Return the number of a principal, giving it one if needed."""
        found = self._numbers.get(key)
        if found is None:
            done = self.connection.execute(principal.insert(), {"kind": key[0], "name": key[1]})
            assert done.inserted_primary_key is not None
            found = self._numbers[key] = -int(done.inserted_primary_key[0])
        return found


@dataclass(frozen=True, slots=True)
class Organisation:
    """The trees and groups of a snapshot. Parents by name; ``groups`` the principals that belong to a group by rule."""

    roles: Mapping[str, str | None]
    units: Mapping[str, str | None]
    groups: Mapping[str, tuple[Key, ...]]

    @classmethod
    def of(cls, snapshot: Snapshot) -> Organisation:
        """Read the organisation's documents."""
        units = {
            f"{tree}.{u['name']}": f"{tree}.{u['parent']}" if u.get("parent") else None
            for tree, d in snapshot.of_kind("org_unit_tree").items()
            for u in d["units"]
        }
        return cls(
            {name: d.get("parent") for name, d in snapshot.of_kind("role").items()},
            units,
            {name: tuple(map(key_of, d.get("members", ()))) for name, d in snapshot.of_kind("group").items()},
        )

    def memberships(self, belongs: Iterable[Key]) -> set[Key]:
        """Return every principal that somebody who ``belongs`` to roles, units and groups is part of."""
        found: set[Key] = {("everyone", "")}
        for kind, name in belongs:
            tree = {"role": self.roles, "unit": self.units}.get(kind)
            if tree is not None and name in tree:
                found.add((kind, name))
                found.update((f"{kind}_and_below", n) for n in _upwards(tree, name))
            elif kind == "group" and name in self.groups:
                found.add((kind, name))
        ruled = [(g, members) for g, members in self.groups.items() if members]
        grown = bool(ruled)
        while grown:
            inside = {("group", g) for g, members in ruled if found.intersection(members)}
            grown = not inside <= found
            found |= inside
        return found

    def below(self, role: str) -> list[str]:
        """Return the roles strictly below one."""
        return [r for r in self.roles if r != role and role in _upwards(self.roles, r)]


def _upwards(parents: Mapping[str, str | None], name: str | None) -> Iterator[str]:
    seen: set[str] = set()
    while name is not None and name in parents and name not in seen:
        seen.add(name)
        yield name
        name = parents[name]


def current_members(connection: Connection, today: date) -> dict[int, set[Key]]:
    """Return who belongs to which roles, groups and units today."""
    c = member.c
    query = sa.select(c.user, c.kind, c.name).where(c.kind != "permission_set", *is_current(today))
    found: dict[int, set[Key]] = {}
    for user, kind, name in connection.execute(query):
        found.setdefault(user, set()).add((kind, name))
    return found


def is_current(today: date) -> list[sa.ColumnElement[bool]]:
    """Return the conditions under which a membership holds on a day."""
    c = member.c
    return [sa.or_(c.starts_on.is_(None), c.starts_on <= today), sa.or_(c.ends_on.is_(None), c.ends_on >= today)]


def reaches(
    organisation: Organisation, users: Iterable[int], members: Mapping[int, set[Key]], number: Any
) -> dict[tuple[int, int], int]:
    """Return ``(user, principal) → via`` for all users. Who is above reaches all that those below are part of."""
    everyone = {user: {user, *map(number, organisation.memberships(members.get(user, ())))} for user in users}
    in_role: dict[str, list[int]] = {}
    for user in everyone:
        for kind, name in members.get(user, ()):
            if kind == "role":
                in_role.setdefault(name, []).append(user)
    found = {(user, p): DIRECT for user, principals in everyone.items() for p in principals}
    for role, people in in_role.items():
        if role not in organisation.roles:
            continue
        under = set().union(*(everyone[u] for r in organisation.below(role) for u in in_role.get(r, ())))
        for user in people:
            for p in under:
                found.setdefault((user, p), HIERARCHY)
    return found


def refresh(connection: Connection, snapshot: Snapshot, users: Iterable[int], today: date) -> int:
    """Bring ``t_reach`` up to date; return how many rows changed."""
    directory = Directory(connection)
    wanted = reaches(Organisation.of(snapshot), users, current_members(connection, today), directory.number)
    stored = {(r[0], r[1]): r[2] for r in connection.execute(sa.select(reach.c.user, reach.c.principal, reach.c.via))}
    gone = [k for k, via in stored.items() if wanted.get(k) != via]
    new = [k for k, via in wanted.items() if stored.get(k) != via]
    if gone:
        c = reach.c
        connection.execute(
            reach.delete().where(c.user == sa.bindparam("b_user"), c.principal == sa.bindparam("b_principal")),
            [{"b_user": u, "b_principal": p} for u, p in gone],
        )
    if new:
        connection.execute(reach.insert(), [{"user": u, "principal": p, "via": wanted[u, p]} for u, p in new])
    return len(gone) + len(new)


def refresh_owner_rules(connection: Connection, snapshot: Snapshot) -> None:
    """Write the rules by owner, and what units share, as pairs of principals."""
    directory = Directory(connection)
    wanted = {
        (o, kind, name, directory.number(source), directory.number(target), level)
        for o, kind, name, source, target, level in owner_rules(snapshot)
    }
    c = owner_rule.c
    stored = {
        tuple(r[1:]): r[0]
        for r in connection.execute(sa.select(c.id, c.object, c.kind, c.name, c.source, c.target, c.level))
    }
    gone = [number for key, number in stored.items() if key not in wanted]
    for start in range(0, len(gone), 500):
        connection.execute(owner_rule.delete().where(c.id.in_(gone[start : start + 500])))
    names = ("object", "kind", "name", "source", "target", "level")
    new = [dict(zip(names, key, strict=True)) for key in sorted(wanted) if key not in stored]
    if new:
        connection.execute(owner_rule.insert(), new)


def owner_rules(snapshot: Snapshot) -> Iterator[tuple[str, str, str, Key, Key, int]]:
    """Yield object, kind, name, owners, receivers and level of everything that is shared by owner."""
    for name, rule in snapshot.of_kind("sharing_rule").items():
        if "owned_by" in rule:
            for receiver in rule["share_with"]:
                yield (
                    rule["object"],
                    "sharing_rule",
                    name,
                    key_of(rule["owned_by"]),
                    key_of(receiver),
                    LEVELS[rule["level"]],
                )
    for name, tree in snapshot.of_kind("org_unit_tree").items():
        for entry in tree.get("sharing", ()):
            source = "unit" if entry.get("reach") == "unit" else "unit_and_below"
            for unit in tree["units"]:
                full = f"{name}.{unit['name']}"
                yield entry["name"], "org_unit_tree", name, (source, full), ("unit", full), LEVELS[entry["level"]]


def shared_by_owner(snapshot: Snapshot) -> frozenset[str]:
    """Return the objects whose records are shared by owner."""
    return frozenset(o for o, *_ in owner_rules(snapshot))

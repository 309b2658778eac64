"""What resolving asks about people: read for all records together, one statement per question, and kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from trellis.access.organisation import Organisation, is_current
from trellis.clock import today
from trellis.rules.reader import Reader
from trellis.storage.tables.access import member, principal, reach
from trellis_metadata.labels import text_of

CHUNK = 500
HEAD = "unit_head"
"""The kind of membership by which somebody is the head of a unit."""


@dataclass(frozen=True, slots=True)
class Person:
    """A user as rules need him."""

    id: int
    name: str
    login: str
    manager: int | None
    active: bool


class PeopleDirectory:
    """People, their managers, roles, groups, units and heads. Asked for many at once."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.model = reader.model.object("user")
        self.parents: Mapping[str, str | None] = Organisation.of(reader.model.snapshot).units
        self._people: dict[int, Person | None] = {}
        self._logins: dict[str, int | None] = {}
        self._units: dict[int, list[str]] = {}
        self._heads: dict[str, list[int]] | None = None
        self._belonging: dict[tuple[str, str], list[int]] = {}

    def load(self, users: Iterable[int]) -> None:
        """Read people by number."""
        wanted = sorted({u for u in users if u not in self._people})
        for start in range(0, len(wanted), CHUNK):
            self._read(self.model.table.c.id.in_(wanted[start : start + CHUNK]))
        self._people.update({u: None for u in wanted if u not in self._people})

    def load_logins(self, logins: Collection[str]) -> None:
        """Read people by login."""
        wanted = sorted({n for n in logins if n not in self._logins})
        if wanted:
            self._read(self.model.fields["login"].column.in_(wanted))
            self._logins.update({p.login: p.id for p in self._people.values() if p is not None})
            self._logins.update({n: None for n in wanted if n not in self._logins})

    def _read(self, condition: sa.ColumnElement[bool]) -> None:
        t, f = self.model.table, self.model.fields
        query = sa.select(
            t.c.id, f["name"].column, f["login"].column, f["manager"].column, f["active"].column, t.c.deleted_at
        ).where(condition)
        for number, name, login, manager, active, gone in self.reader.connection.execute(query):
            alive = gone is None and active is not False and active != 0
            self._people[number] = Person(number, name or login or "", login or "", manager, alive)

    def person(self, user: int) -> Person | None:
        """Return somebody who was loaded; None when there is no such user."""
        return self._people.get(user)

    def by_login(self, login: str) -> Person | None:
        """Return somebody whose login was loaded."""
        number = self._logins.get(login)
        return None if number is None else self._people[number]

    def name(self, user: int) -> str:
        """Return what people call somebody who was loaded."""
        found = self._people.get(user)
        return found.name if found is not None else "?"

    def is_active(self, user: int) -> bool:
        """Whether somebody who was loaded works here."""
        found = self._people.get(user)
        return found is not None and found.active

    def load_managers(self, users: Iterable[int], rounds: int) -> None:
        """Read the managers above people: ``rounds`` of them, and further where some are no longer active."""
        level = set(users)
        self.load(level)
        for _ in range(rounds + 10):
            level = {p.manager for u in level if (p := self._people.get(u)) is not None and p.manager is not None}
            new = level - self._people.keys()
            if not new:
                # What is known already was read with what stands above it, or is about to be.
                level = {u for u in level if self._has_unknown_above(u)}
                if not level:
                    return
                continue
            self.load(new)

    def _has_unknown_above(self, user: int) -> bool:
        seen: set[int] = set()
        at: int | None = user
        while at is not None and at not in seen:
            if at not in self._people:
                return True
            seen.add(at)
            found = self._people[at]
            at = found.manager if found is not None else None
        return False

    def manager(self, user: int, levels: int) -> int | None:
        """Return the active manager ``levels`` up; those who are not active do not count as a level."""
        at, seen = user, {user}
        while levels:
            found = self._people.get(at)
            if found is None or found.manager is None or found.manager in seen:
                return None
            at = found.manager
            seen.add(at)
            levels -= self.is_active(at)
        return at

    def load_belonging(self, keys: Collection[tuple[str, str]]) -> None:
        """Read who is in roles and groups; by rule as well as by name."""
        wanted = [k for k in keys if k not in self._belonging]
        if not wanted:
            return
        self._belonging.update({k: [] for k in wanted})
        p, r = principal.c, reach.c
        query = (
            sa.select(p.kind, p.name, r.user)
            .join(reach, r.principal == -p.id)
            .where(r.via == 0, p.kind.in_({k for k, _ in wanted}), p.name.in_({n for _, n in wanted}))
            .order_by(r.user)
        )
        for kind, name, user in self.reader.connection.execute(query):
            if (kind, name) in wanted:
                self._belonging[kind, name].append(user)
        self.load(u for k in wanted for u in self._belonging[k])

    def belonging(self, kind: str, name: str) -> list[int]:
        """Return the active people in a role or group that was loaded."""
        return [u for u in self._belonging.get((kind, name), ()) if self.is_active(u)]

    def load_units(self, users: Iterable[int]) -> None:
        """Read the units to which people belong today."""
        wanted = sorted({u for u in users if u not in self._units})
        self._units.update({u: [] for u in wanted})
        c, day = member.c, today(self.reader.tenant.clock, self.reader.tenant.time_zone)
        for start in range(0, len(wanted), CHUNK):
            query = sa.select(c.user, c.name).where(
                c.kind == "unit", c.user.in_(wanted[start : start + CHUNK]), *is_current(day)
            )
            for user, name in self.reader.connection.execute(query.order_by(c.name)):
                if name in self.parents and name not in self._units[user]:
                    self._units[user].append(name)

    def units(self, user: int, tree: str) -> list[str]:
        """Return the units of one tree to which somebody who was loaded belongs."""
        return [u for u in self._units.get(user, ()) if u.startswith(f"{tree}.")]

    def above(self, unit: str | None) -> list[str]:
        """Return a unit and those above it."""
        found: list[str] = []
        while unit is not None and unit in self.parents and unit not in found:
            found.append(unit)
            unit = self.parents[unit]
        return found

    def load_heads(self) -> None:
        """Read the heads of all units."""
        if self._heads is None:
            self._heads = {}
            c, day = member.c, today(self.reader.tenant.clock, self.reader.tenant.time_zone)
            query = sa.select(c.name, c.user).where(c.kind == HEAD, *is_current(day)).order_by(c.user)
            for name, user in self.reader.connection.execute(query):
                self._heads.setdefault(name, []).append(user)
            self.load(u for users in self._heads.values() for u in users)

    def heads(self, unit: str) -> list[int]:
        """Return the active heads of a unit."""
        return [u for u in (self._heads or {}).get(unit, ()) if self.is_active(u)]

    def unit_label(self, unit: str) -> dict[str, str]:
        """Return what people call a unit, by language."""
        tree, _, name = unit.partition(".")
        document = self.reader.model.display.get("org_unit_tree", tree) or {"units": ()}
        entry: Mapping[str, Any] = next((u for u in document["units"] if u["name"] == name), {})
        return {language: text_of(entry.get("label"), language, name) for language in ("en", "zh")}

"""What every arm is given and what it gives back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access.principal import Principal
from trellis.model import Model, ObjectModel
from trellis.storage.tables.access import reach

READ, EDIT = 1, 2


@dataclass(frozen=True, slots=True)
class Ask:
    """One question: may ``me`` do ``level`` (1 read, 2 edit) with records of ``object``, which stand in ``table``?

    ``me`` is an SQL expression, so that one statement serves every asker, or compares many. ``table`` has the columns of
    the object, or at least ``id``, ``owner`` and the controlling reference.
    """

    principal: Principal
    model: Model
    object: ObjectModel
    table: Any
    level: int
    me: sa.ColumnElement[Any]

    @property
    def hierarchy(self) -> bool:
        """Whether the role hierarchy counts for this object."""
        return bool(self.object.doc.get("sharing", {}).get("hierarchy", True))

    @property
    def controlled(self) -> bool:
        """Whether another record decides."""
        return bool(self.object.doc.get("sharing", {}).get("default") == "controlled_by_parent")

    def mine(self, *, direct: bool = False) -> Any:
        """Return a fresh alias of ``t_reach`` and the conditions that its rows are what ``me`` reaches."""
        m = reach.alias()
        conditions = [m.c.user == self.me]
        if direct or not self.hierarchy:
            conditions.append(m.c.via == 0)
        return m, conditions

    def probe(self, query: sa.Select[Any]) -> sa.ColumnElement[bool]:
        """Return "there is a row", as a probe: PostgreSQL must not hash it into a scan of all rows (STORAGE.md Q4)."""
        found = self.outer(query).limit(sa.literal_column("1")).scalar_subquery()
        return found.is_not(None)

    def outer(self, query: sa.Select[Any]) -> sa.Select[Any]:
        """Let the record and the asker be those of the enclosing statement."""
        tables = [self.table]
        if isinstance(self.me, sa.Column) or hasattr(self.me, "table"):
            tables.append(self.me.table)
        return query.correlate(*tables)

    @property
    def now(self) -> sa.BindParameter[Any]:
        """The moment of execution."""
        from trellis.storage.types import UtcDateTime

        return sa.bindparam("access_now", callable_=self.model.env.now, type_=UtcDateTime(), unique=False)


@dataclass(frozen=True, slots=True)
class Path:
    """One independent way by which a person reaches a record.

    ``kind`` is the arm's name; ``detail`` what it goes through, as data; ``text`` the same for people (by language);
    ``revoke`` the change that ends it, as data: empty where only a change of the record itself would.
    """

    kind: str
    level: int
    text: Mapping[str, str]
    detail: Mapping[str, Any] = field(default_factory=dict)
    revoke: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self, language: str = "en") -> dict[str, Any]:
        """Return the path for people and programs."""
        return {
            "kind": self.kind,
            "level": "edit" if self.level >= EDIT else "read",
            "text": self.text.get(language, self.text["en"]),
            "detail": dict(self.detail),
            "revoke": dict(self.revoke),
        }


@dataclass(frozen=True, slots=True)
class Why:
    """What an arm needs to explain itself for one person and one stored record."""

    connection: Connection
    principal: Principal
    model: Model
    object: ObjectModel
    record: Mapping[str, Any]
    level: int

    @property
    def user(self) -> int:
        """The person's number."""
        return self.principal.user or 0

    @property
    def owner(self) -> int | None:
        """The owner's number."""
        owner = self.record.get("owner")
        return None if owner is None else int(owner.id)


class Arm:
    """One way. Subclasses set ``name`` and ``order``."""

    name: str
    order: int
    subtracts = False
    """Whether the condition takes records away instead of adding them."""
    portal = False
    """Whether the arm gives something to people outside (principals of the kind ``portal``)."""

    def condition(self, ask: Ask) -> sa.ColumnElement[bool] | None:
        """Return when a record is reached; None where this arm never reaches one."""
        raise NotImplementedError

    def ids(self, ask: Ask) -> sa.Select[Any] | None:
        """Return the numbers of all records reached, starting from the person; None where there is no such way."""
        return None

    def paths(self, why: Why) -> Iterator[Path]:
        """Yield the ways that lead to one record."""
        return iter(())

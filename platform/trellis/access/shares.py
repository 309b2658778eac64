"""Shares of single records, given by hand or by being on the record's team, until they are taken back or run out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access.arms.shares import MANUAL, TEAM
from trellis.access.decide import may
from trellis.access.names import name_of
from trellis.access.organisation import LEVELS, Directory
from trellis.access.rights import AccessDenied, rights
from trellis.model import Model, ObjectModel
from trellis.storage.tables.access import share
from trellis.transaction.errors import NotFound
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.transaction import Transaction

RECEIVERS = ("user", "role", "role_and_below", "group", "unit", "unit_and_below", "everyone")
WORDS = {number: word for word, number in LEVELS.items()}


class BadShare(TrellisError):
    """The receiver does not exist, or the level, role or end is not one."""

    code = "bad_share"


@dataclass(frozen=True, slots=True)
class Share:
    """A share. ``role`` is set for members of the record's team."""

    principal: int
    kind: int
    level: int
    role: str | None
    expires_at: datetime | None

    def to_json(self, connection: Connection, model: Model) -> dict[str, Any]:
        """Return the share for programs; ``key`` names it for removal."""
        receiver = name_of(connection, self.principal)
        if self.principal > 0:
            receiver = f"user:{model.env.format_id('user', self.principal)}"
        return {
            "key": f"{self.kind}:{self.principal}",
            "receiver": receiver,
            "level": WORDS[self.level],
            "role": self.role,
            "expires_at": self.expires_at,
        }


def shares_of(connection: Connection, record: int) -> list[Share]:
    """Return a record's manual shares and team."""
    c = share.c
    query = sa.select(c.principal, c.kind, c.level, c.role, c.expires_at).where(
        c.record == record, c.kind.in_([MANUAL, TEAM])
    )
    return [Share(*row) for row in connection.execute(query.order_by(c.kind, c.principal))]


def receiver_number(tx: Transaction, kind: str, name: str) -> int:
    """Return the principal that a request names. Raises :class:`BadShare`."""
    from trellis.access.memberships import known_names

    if kind == "user":
        number = tx.model.env.parse_id(name, ["user"])[1]
        t = tx.model.object("user").table
        if tx.connection.execute(sa.select(t.c.id).where(t.c.id == number, t.c.deleted_at.is_(None))).first() is None:
            raise BadShare("There is no such user.")
        return number
    if kind not in RECEIVERS:
        raise BadShare(f"'{kind[:40]}' is not one of {', '.join(RECEIVERS)}.")
    plain = kind.removesuffix("_and_below")
    if kind != "everyone" and name not in known_names(tx.model, plain):
        raise BadShare(f"There is no {plain} '{name[:90]}'.")
    return Directory(tx.connection).number((kind, "" if kind == "everyone" else name))


def give(
    tx: Transaction,
    root: ObjectModel,
    record: int,
    principal: int,
    level: str,
    *,
    role: str | None = None,
    expires_at: datetime | None = None,
) -> None:
    """Share a record, or change the share that the receiver has. A ``role`` puts the receiver on the record's team.

    Raises ``NotFound``, ``AccessDenied`` (needs the right ``share`` and to be able to edit the record), :class:`BadShare`.
    """
    _demand(tx, root, record)
    if level not in LEVELS:
        raise BadShare("'level' is 'read' or 'edit'.")
    if expires_at is not None and expires_at <= tx.now:
        raise BadShare("The share would have run out already.")
    if role is not None and (not role.strip() or len(role) > 80):
        raise BadShare("'role' is a text of 1 to 80 characters.")
    if root.doc.get("sharing", {}).get("default") == "controlled_by_parent":
        raise BadShare(f"Who sees a record of '{root.name}' is decided by the record it belongs to. Share that one.")
    kind = MANUAL if role is None else TEAM
    c = share.c
    tx.connection.execute(
        share.delete().where(c.record == record, c.principal == principal, c.kind == kind, c.rule == 0)
    )
    row = {
        "record": record,
        "principal": principal,
        "kind": kind,
        "rule": 0,
        "level": LEVELS[level],
        "role": role,
        "expires_at": expires_at,
        "created_by": tx.principal.user,
        "created_at": tx.now,
    }
    tx.connection.execute(share.insert(), row)
    tx.trail.fact(
        "shared", root.name, record, {"with": name_of(tx.connection, principal), "level": level, "role": role}
    )


def take(tx: Transaction, root: ObjectModel, record: int, kind: int, principal: int) -> None:
    """Take a share back. Raises ``NotFound``, ``AccessDenied``, :class:`BadShare`."""
    _demand(tx, root, record)
    c = share.c
    gone = tx.connection.execute(
        share.delete().where(c.record == record, c.principal == principal, c.kind == kind, c.rule == 0)
    )
    if kind not in (MANUAL, TEAM) or not gone.rowcount:
        raise BadShare("There is no such share.")
    tx.trail.fact("unshared", root.name, record, {"with": name_of(tx.connection, principal)})


def _demand(tx: Transaction, root: ObjectModel, record: int) -> None:
    t = root.table
    alive = tx.connection.execute(sa.select(t.c.id).where(t.c.id == record, t.c.deleted_at.is_(None))).first()
    if alive is None or not may(tx.connection, tx.principal, tx.model, root, record, "read"):
        raise NotFound(f"There is no such record of '{root.name}'.")
    if not rights(tx.principal, root.doc).may("share"):
        raise AccessDenied(f"You may not share records of '{root.name}'.")
    if not may(tx.connection, tx.principal, tx.model, root, record, "edit"):
        raise AccessDenied("You may share only what you may change.")


def forget(connection: Connection, records: Sequence[int]) -> None:
    """Remove all shares of records that are gone for ever."""
    for start in range(0, len(records), 500):
        connection.execute(share.delete().where(share.c.record.in_(list(records[start : start + 500]))))


def expire(connection: Connection, now: datetime) -> int:
    """Remove shares that ran out. They count for nothing already; this only keeps the table small."""
    return connection.execute(share.delete().where(share.c.expires_at <= now)).rowcount

"""People named in a text by ``@``: who is meant, and telling those of them who may read what it is about.

A person is named by the whole name or by the login. Where one name begins another, the longer one is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access.people import who
from trellis.model import Model
from trellis.notifications import notify

if TYPE_CHECKING:
    from trellis.transaction import Transaction

MAX_NAMED, _LONGEST = 20, 60
_AT = re.compile(r"(?<![\w@])@(?=\S)")


def named_in(connection: Connection, model: Model, text: str) -> list[int]:
    """Return the numbers of the active users whom a text names, at most :data:`MAX_NAMED`: one statement."""
    tails = [text[found.end() : found.end() + _LONGEST].casefold() for found in _AT.finditer(text)][:MAX_NAMED]
    if not tails:
        return []
    user = model.object("user")
    t, name, login = user.table, user.fields["name"].column, user.fields["login"].column
    alive = sa.and_(t.c.deleted_at.is_(None), sa.func.coalesce(user.fields["active"].column, sa.true()))
    known: dict[str, int] = {}
    for number, called, logs_in in connection.execute(
        sa.select(t.c.id, name, login).where(alive, _begins(name, login, tails))
    ):
        for word in (called, logs_in):
            if word:
                known.setdefault(str(word).casefold(), number)
    found = (_longest(known, tail) for tail in tails)
    return list(dict.fromkeys(number for number in found if number is not None))


def _begins(name: sa.Column[str], login: sa.Column[str], tails: Iterable[str]) -> sa.ColumnElement[bool]:
    """Return that a name begins with the first letter of what was typed: few enough to be looked at one by one."""
    letters = sorted({tail[0] for tail in tails} | {tail[0].upper() for tail in tails})
    return sa.or_(*(c.startswith(letter, autoescape=True) for letter in letters for c in (name, login)))


def _longest(known: dict[str, int], tail: str) -> int | None:
    fitting = [word for word in known if tail.startswith(word) and _ends(word, tail)]
    return known[max(fitting, key=len)] if fitting else None


def _ends(word: str, tail: str) -> bool:
    """Whether a name ends where the text goes on: Chinese names are followed by text without a space."""
    after = tail[len(word) : len(word) + 1]
    return not after or not (after.isascii() and after.isalnum() and word[-1].isascii())


def tell(tx: Transaction, people: Iterable[int], object_name: str, record: int, title: str) -> list[int]:
    """Leave a message for those of ``people`` who may read a record; return the others, who learn nothing of it."""
    wanted = [number for number in people if number != tx.principal.user]
    if not wanted:
        return []
    readers = {p.user for p in who(tx.tenant, tx.connection, tx.model, tx.model.object(object_name), record)}
    told, others = [n for n in wanted if n in readers], [n for n in wanted if n not in readers]
    texts = {
        "en": f"{tx.principal.name} mentioned you: {title}",
        "zh": f"{tx.principal.name} 提到了您：{title}",
    }
    notify(tx.tenant, tx.connection, told, "mention", texts, about=(object_name, record))
    return others

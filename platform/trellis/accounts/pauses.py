"""Growing pauses after wrong proofs, in place of a lock that strangers could turn against a named person.

Two counts go on side by side, whether or not the login exists. *From here*: wrong proofs for one login from one known browser,
or from one address; from the sixth on each costs a pause, doubled every time up to fifteen minutes. *From everywhere*: wrong
proofs for one login from unknown browsers; from the twenty-first on at most one a minute is looked at. A browser from which
the person has logged in before is not held up by strangers. The count of one address over all logins is ``api.limits``.

A proof is counted before it is looked at and taken off when it was right: guesses side by side are all counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from trellis.accounts.digests import digest
from trellis.accounts.origin import Origin
from trellis.storage.tables.accounts import guess
from trellis_metadata.errors import TrellisError

FREE_HERE, FREE_EVERYWHERE = 5, 20
SHORTEST, LONGEST = timedelta(seconds=15), timedelta(minutes=15)
EVERYWHERE = timedelta(minutes=1)
FORGOTTEN = timedelta(hours=24)
"""After so long without a wrong proof the count begins anew."""


class LoginFailed(TrellisError):
    """Login and proof do not fit, or the account may not log in. Which of these is not said."""

    code = "login_failed"


class LoginPaused(LoginFailed):
    """There were too many wrong proofs; ``wait_s`` says how many seconds nothing is looked at."""

    code = "login_paused"


@dataclass(frozen=True, slots=True)
class Scope:
    """One count: its key in the table, how many wrong proofs cost nothing, and the longest pause."""

    key: str
    free: int
    longest: timedelta


def scopes(purpose: str, who: str, origin: Origin, *, known: bool) -> list[Scope]:
    """Return the counts that a proof of ``who`` touches. ``known``: the browser is one of his."""
    here = f"browser:{origin.browser}" if known else f"address:{origin.address}"
    found = [Scope(f"h{digest(f'{purpose}:{who}:{here}')}", FREE_HERE, LONGEST)]
    if not known:
        found.append(Scope(f"e{digest(f'{purpose}:{who}')}", FREE_EVERYWHERE, EVERYWHERE))
    return found


def count(connection: Connection, wanted: list[Scope], now: datetime) -> bool:
    """Count a proof before it is looked at; return whether the next wrong one will be paused.

    Raises :class:`LoginPaused` where a pause goes on: then nothing is counted.
    """
    g = guess.c
    connection.execute(guess.delete().where(g.at < now - FORGOTTEN))
    keys = sorted(s.key for s in wanted)
    # Made first and then locked in one order, so that guesses side by side wait for each other.
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    fresh = [{"scope": k, "failed": 0, "at": now, "until": None} for k in keys]
    connection.execute(insert(guess).on_conflict_do_nothing(), fresh)
    query = sa.select(guess).where(g.scope.in_(keys)).order_by(g.scope).with_for_update()
    rows = {r["scope"]: r for r in connection.execute(query).mappings()}
    waits = [r["until"] - now for r in rows.values() if r["until"] is not None and r["until"] > now]
    if waits:
        wait_s = ceil(max(waits).total_seconds())
        raise LoginPaused(f"Too many attempts. Wait {wait_s} seconds and try again.", wait_s=wait_s)
    paused = False
    for scope in wanted:
        failed = rows[scope.key]["failed"] + 1
        pause = pause_after(failed, scope)
        paused = paused or pause is not None
        values = {"failed": failed, "at": now, "until": now + pause if pause is not None else None}
        connection.execute(guess.update().where(g.scope == scope.key).values(**values))
    return paused


def pause_after(failed: int, scope: Scope) -> timedelta | None:
    """Return the pause after the n-th wrong proof in a row."""
    beyond = failed - scope.free
    if beyond <= 0:
        return None
    doublings: int = min(beyond - 1, 20)
    return min(SHORTEST * (1 << doublings), scope.longest)


def forgive(connection: Connection, wanted: list[Scope]) -> None:
    """Begin the counts anew: the proof was right."""
    connection.execute(guess.delete().where(guess.c.scope.in_([s.key for s in wanted])))

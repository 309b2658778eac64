"""The second factor: codes that change every thirty seconds (TOTP, RFC 6238), and recovery codes for the day the phone is lost.

A code is taken once: the time step of the last one is kept, and only later ones count. A step before and after the clock's is
allowed. Recovery codes are stored as argon2id hashes; each works once.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pyotp
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.accounts.passwords import fits, hash_code
from trellis.audit import note
from trellis.storage.tables.accounts import recovery_code, second_factor
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant

STEP_S, DRIFT = 30, 1
CODES = 10
_ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
_F, _R = second_factor.c, recovery_code.c


class WrongCode(TrellisError):
    """The code is wrong, too old, or was used already."""

    code = "wrong_code"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator needs: the secret in base32, and the address that its QR code holds."""

    secret: str
    address: str


def has_factor(connection: Connection, user: int) -> bool:
    """Whether a person has a confirmed second factor."""
    query = sa.select(_F.user).where(_F.user == user, _F.confirmed_at.is_not(None))
    return connection.execute(query).first() is not None


def codes_left(connection: Connection, user: int) -> int:
    """Return how many recovery codes a person has left."""
    query = sa.select(sa.func.count()).select_from(recovery_code).where(_R.user == user, _R.used_at.is_(None))
    return int(connection.execute(query).scalar_one())


def begin(tenant: Tenant, connection: Connection, user: int, login: str) -> Enrolment:
    """Return the secret of a factor that is not confirmed yet, the same one until it is. Raises :class:`WrongCode` if it is."""
    row = connection.execute(sa.select(second_factor).where(_F.user == user)).mappings().first()
    if row is not None and row["confirmed_at"] is not None:
        raise WrongCode("There is a second factor already. Remove it first.")
    secret = tenant.decrypt(row["secret"]) if row is not None else pyotp.random_base32()
    if row is None:
        entry = {"user": user, "secret": tenant.encrypt(secret), "created_at": tenant.clock.now(), "last_step": 0}
        connection.execute(second_factor.insert(), entry)
    issuer = str(tenant.settings.get("organisation") or "Trellis")
    return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer))


def confirm(tenant: Tenant, connection: Connection, user: int, code: str) -> list[str]:
    """Confirm a factor with its first code; return the recovery codes, which are shown once. Raises :class:`WrongCode`."""
    row = connection.execute(sa.select(second_factor).where(_F.user == user)).mappings().first()
    if row is None or row["confirmed_at"] is not None:
        raise WrongCode("There is no second factor to confirm. Begin again.")
    _take(tenant, connection, row, code)
    connection.execute(second_factor.update().where(_F.user == user).values(confirmed_at=tenant.clock.now()))
    note(tenant, connection, "second_factor_set", actor=user, about=("user", user))
    return new_codes(connection, user)


def new_codes(connection: Connection, user: int) -> list[str]:
    """Replace a person's recovery codes; return the new ones."""
    connection.execute(recovery_code.delete().where(_R.user == user))
    made = [f"{place}{_random(4)}-{_random(5)}-{_random(5)}" for place in range(CODES)]
    connection.execute(
        recovery_code.insert(),
        [{"user": user, "place": i, "hash": hash_code(_plain(c)), "used_at": None} for i, c in enumerate(made)],
    )
    return made


def check(tenant: Tenant, connection: Connection, user: int, code: str) -> None:
    """Take a code of the authenticator or a recovery code. Raises :class:`WrongCode`."""
    row = (
        connection.execute(
            sa.select(second_factor).where(_F.user == user, _F.confirmed_at.is_not(None)).with_for_update()
        )
        .mappings()
        .first()
    )
    if row is None:
        raise WrongCode("The code is wrong.")
    plain = _plain(code)
    if len(plain) == 6 and plain.isascii() and plain.isdigit():
        _take(tenant, connection, row, plain)
    else:
        _take_recovery(tenant, connection, user, plain)


def remove(tenant: Tenant, connection: Connection, user: int, by: int | None) -> bool:
    """Remove a person's second factor with its recovery codes; return whether there was one."""
    had = has_factor(connection, user)
    connection.execute(second_factor.delete().where(_F.user == user))
    connection.execute(recovery_code.delete().where(_R.user == user))
    if had:
        note(tenant, connection, "second_factor_removed", actor=by, about=("user", user))
    return had


def _take(tenant: Tenant, connection: Connection, row: sa.RowMapping, code: str) -> None:
    step = _step_of(tenant.decrypt(row["secret"]), _plain(code), tenant.clock.now(), row["last_step"])
    # The comparison stands in the statement too: of two that send the same code at once one wins.
    taken = second_factor.update().where(_F.user == row["user"], _F.last_step < (step or 0)).values(last_step=step)
    if step is None or not connection.execute(taken).rowcount:
        raise WrongCode("The code is wrong or was used already. Wait for the next one.")


def _step_of(secret: str, code: str, now: datetime, last: int) -> int | None:
    """Return the step of a code that may be taken now."""
    totp, current = pyotp.TOTP(secret), int(now.timestamp()) // STEP_S
    steps = [s for s in range(current - DRIFT, current + DRIFT + 1) if s > last]
    return next((s for s in steps if secrets.compare_digest(totp.generate_otp(s).encode(), code.encode())), None)


def _take_recovery(tenant: Tenant, connection: Connection, user: int, plain: str) -> None:
    place = int(plain[0]) if plain[:1].isascii() and plain[:1].isdigit() else -1
    mine = (_R.user == user, _R.place == place, _R.used_at.is_(None))
    hashed = connection.execute(sa.select(_R.hash).where(*mine)).scalar()
    if not fits(hashed, plain):
        raise WrongCode("The code is wrong.")
    if not connection.execute(recovery_code.update().where(*mine).values(used_at=tenant.clock.now())).rowcount:
        raise WrongCode("The code was used already.")
    note(tenant, connection, "recovery_code_used", actor=user, left=codes_left(connection, user))


def _plain(code: str) -> str:
    return "".join(code.split()).replace("-", "").upper()[:64]


def _random(count: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(count))

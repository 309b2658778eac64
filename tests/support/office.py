"""An office for tests of accounts: a tenant with an administrator (``ada``), two people (``bob``, ``eve``) and a clock that stands still."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import sqlalchemy as sa

from trellis.access import Principal
from trellis.access.accounts import create_user, log_in, principal_of
from trellis.accounts import second_factor
from trellis.accounts.changing import confirm_factor
from trellis.accounts.origin import Origin
from trellis.accounts.sessions import Session
from trellis.clock import FakeClock
from trellis.runtime import Runtime
from trellis.storage import system
from trellis.storage.tables.audit import audit
from trellis.tenant import Tenant

PASSWORD = "correct horse battery"
START = datetime(2026, 11, 22, 8, tzinfo=UTC)
HERE = Origin("192.0.2.7", "Firefox", "")
AWAY = Origin("198.51.100.9", "curl", "")


@dataclass
class Office:
    """The tenant with its people; ``clock`` moves by hand."""

    tenant: Tenant
    clock: FakeClock
    runtime: Runtime

    def number(self, login: str) -> int:
        c = system.credential.c
        with self.tenant.database.reading() as connection:
            return int(connection.execute(sa.select(c.user).where(c.login == login)).scalar_one())

    def person(self, login: str) -> Principal:
        number = self.number(login)
        with self.tenant.database.reading() as connection:
            found = principal_of(self.tenant, connection, number)
        assert found is not None
        return found

    def log_in(self, login: str, password: str = PASSWORD, origin: Origin = HERE, **more: Any) -> Any:
        return log_in(self.tenant, login, password, origin, **more)

    def wait(self, **time: float) -> None:
        self.clock.advance(timedelta(**time))

    def audit(self, *kinds: str) -> list[dict[str, Any]]:
        query = sa.select(audit).order_by(audit.c.id)
        with self.tenant.database.reading() as connection:
            rows = [dict(r) for r in connection.execute(query).mappings()]
        return [r for r in rows if not kinds or r["kind"] in kinds]


def people(tenant: Tenant) -> None:
    create_user(tenant, login="ada", name="Ada Lovelace", password=PASSWORD, admin=True, email="ada@example.com")
    create_user(tenant, login="bob", name="Bob Babbage", password=PASSWORD, email="bob@example.com")
    create_user(tenant, login="eve", name="Eve Moneypenny", password=PASSWORD, email="eve@example.com")


def enrol(office: Office, login: str = "bob") -> tuple[Session, pyotp.TOTP, list[str]]:
    """Give somebody a second factor; return his session, the authenticator and the recovery codes."""
    session = office.log_in(login)
    with office.tenant.database.writing() as connection:
        made = second_factor.begin(office.tenant, connection, session.user, login)
    totp = pyotp.TOTP(made.secret)
    session, codes = confirm_factor(office.tenant, session, totp.at(office.clock.now()))
    office.wait(seconds=60)
    return session, totp, codes

"""The tenant's secrets: passwords and keys for other systems, by name, sealed with the tenant's key.

Metadata and settings name a secret and never hold it. A secret is written and replaced; nothing shows it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.storage.tables.outgoing import secret
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant

MAX_LENGTH = 10_000
_S = secret.c


class MissingSecret(TrellisError):
    """A secret that is needed was never given."""

    code = "missing_secret"


class BadSecret(TrellisError):
    """A text that cannot be kept as a secret."""

    code = "bad_secret"


def put_secret(tenant: Tenant, name: str, text: str) -> None:
    """Keep ``text`` under ``name``, in place of what was there. Raises :class:`BadSecret` for nothing or too much."""
    if not text or len(text) > MAX_LENGTH:
        raise BadSecret(f"A secret has 1 to {MAX_LENGTH} characters.")
    if not name or len(name) > 120:
        raise BadSecret("The name of a secret has 1 to 120 characters.")
    sealed = tenant.model().env.seal(text)
    with tenant.database.writing() as connection:
        connection.execute(secret.delete().where(_S.name == name))
        connection.execute(secret.insert(), {"name": name, "sealed": sealed, "changed_at": tenant.clock.now()})


def drop_secret(tenant: Tenant, name: str) -> bool:
    """Forget a secret; return whether it was there."""
    with tenant.database.writing() as connection:
        return bool(connection.execute(secret.delete().where(_S.name == name)).rowcount)


def secret_of(tenant: Tenant, connection: Connection, name: str) -> str:
    """Return a secret's text. Raises :class:`MissingSecret`."""
    sealed = connection.execute(sa.select(_S.sealed).where(_S.name == name)).scalar()
    if sealed is None:
        raise MissingSecret(f"There is no secret '{name[:120]}'. Give it with 'trellis secret set {name[:120]}'.")
    return tenant.model_in(connection).env.unseal(sealed)


def secret_names(connection: Connection) -> list[str]:
    """Return the names of the secrets that are there."""
    return list(connection.execute(sa.select(_S.name).order_by(_S.name)).scalars())

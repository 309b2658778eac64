"""Names of principals for people, and where two people stand to each other in the role tree."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access.organisation import Organisation
from trellis.model import Model
from trellis.storage.tables.access import member, principal


def name_of(connection: Connection, number: int) -> str:
    """Return a principal as text: ``user:1042``, ``role:sales_rep``, ``everyone``."""
    if number > 0:
        return f"user:{number}"
    row = connection.execute(sa.select(principal.c.kind, principal.c.name).where(principal.c.id == -number)).first()
    if row is None:
        return "nobody"
    return row.kind if row.kind == "everyone" else f"{row.kind}:{row.name}"


def between(connection: Connection, model: Model, above: int, below: int) -> list[tuple[str, str]]:
    """Return the pairs of roles by which one person stands above another."""
    c = member.c
    rows = connection.execute(sa.select(c.user, c.name).where(c.kind == "role", c.user.in_([above, below]))).all()
    organisation = Organisation.of(model.snapshot)
    upper, lower = ({r.name for r in rows if r.user == u} for u in (above, below))
    return [(u, w) for u in sorted(upper) for w in sorted(lower) if w in organisation.below(u)]

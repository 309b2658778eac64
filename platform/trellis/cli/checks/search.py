"""The search index knows every live record that has something to find, and no other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.cli.checks.complaint import Complaint
from trellis.storage import system

if TYPE_CHECKING:
    from trellis.tenant import Tenant

_AGAIN = "Save the records again (an export and import with --key id does), or rebuild the index."


def check(tenant: Tenant, connection: Connection) -> Iterable[Complaint]:
    """Compare records and index entries of each object, both ways."""
    model, s = tenant.model_in(connection), system.search.c
    for name in model.object_names:
        root = model.object(name)
        t = root.table
        columns = [root.fields[p].column for p in root.search_paths if p in root.fields]
        indexed = sa.exists().where(s.record == t.c.id)
        if columns:
            query = sa.select(sa.func.count()).where(
                t.c.deleted_at.is_(None), sa.or_(*(c.isnot(None) for c in columns)), ~indexed
            )
            missing = int(connection.execute(query).scalar_one())
            if missing:
                yield Complaint(name, f"{missing} record(s) of '{name}' are not in the search index.", _AGAIN, missing)
        live = sa.exists().where(t.c.id == s.record, t.c.deleted_at.is_(None))
        stale = int(
            connection.execute(
                sa.select(sa.func.count()).select_from(system.search).where(s.object == name, ~live)
            ).scalar_one()
        )
        if stale:
            yield Complaint(name, f"{stale} index entries of '{name}' have no record.", _AGAIN, stale)

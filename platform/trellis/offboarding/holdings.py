"""What somebody owns."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.model import Model


def owned_objects(model: Model) -> list[str]:
    """Return the objects whose records have an owner: all but users."""
    return [n for n in model.object_names if n != "user"]


def holdings(connection: Connection, model: Model, user: int) -> dict[str, int]:
    """Return how many live records somebody owns, by object, in one statement; objects without any are left out."""
    counts = []
    for name in owned_objects(model):
        root = model.object(name)
        owner = root.system["owner"].column
        counted = sa.select(sa.literal(name).label("object"), sa.func.count().label("count")).select_from(root.table)
        counts.append(counted.where(owner == user, root.table.c.deleted_at.is_(None)))
    rows = connection.execute(sa.union_all(*counts)) if counts else ()
    return {row[0]: int(row[1]) for row in rows if row[1]}

"""Gives the people of a pack's demo their roles and permission sets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import sqlalchemy as sa

from trellis.access import memberships
from trellis.packs.folders import pack_folder

if TYPE_CHECKING:
    from trellis.tenant import Tenant


def assign_access(tenant: Tenant, name: str) -> int:
    """Add the memberships in ``demo/access.json`` of a pack; return how many. People are found by their login."""
    path = pack_folder(name) / "demo" / "access.json"
    if not path.is_file():
        return 0
    with tenant.database.reading() as connection:
        user = tenant.model_in(connection).object("user")
        rows = connection.execute(sa.select(user.fields["login"].column, user.table.c.id)).all()
    numbers = {row[0]: row[1] for row in rows}
    wanted = [
        (numbers[entry["login"]], kind, belongs)
        for entry in json.loads(path.read_text(encoding="utf-8"))
        if entry["login"] in numbers
        for kind, key in (("role", "roles"), ("permission_set", "permission_sets"))
        for belongs in entry[key]
    ]
    return len(memberships.add_many(tenant, wanted)) if wanted else 0

"""The narrow shape is one: no table of records is read from end to end."""

from __future__ import annotations

from collections.abc import Callable

from access.worlds import build, load

from trellis.access.narrow import _ids
from trellis.tenant import Tenant


def test_records_of_a_person_are_looked_up_by_index(open_copy: Callable[..., Tenant]) -> None:
    world = build(open_copy(), load("owner_rules"))
    tenant, sid = world.tenant, world.principals()["sid"]
    with tenant.database.reading() as connection:
        text = str(_ids(sid, tenant.model_in(connection).object("deal")).compile(connection.engine))
    # SQLAlchemy writes "= 1" behind booleans on SQLite, after which no index is used.
    assert ") = 1" not in text
    assert (" = ANY (ARRAY(" in text) is not tenant.database.is_sqlite

"""The worker does what transactions leave in the outbox."""

from pathlib import Path

import sqlalchemy as sa

from trellis.access.accounts import create_user
from trellis.runtime import Runtime
from trellis.storage import system
from trellis.worker import run


def waiting(runtime: Runtime, name: str) -> int:
    c = system.outbox.c
    due = sa.and_(c.state == "ready", c.due_at <= runtime.clock.now())
    query = sa.select(sa.func.count()).select_from(system.outbox).where(due)
    with runtime.tenant(name).database.reading() as connection:
        return int(connection.execute(query).scalar_one())


def test_one_round_empties_the_outboxes_of_all_tenants(tmp_path: Path, database_url: str) -> None:
    runtime = Runtime(tmp_path, database_url=database_url)
    for name in ("one", "two"):
        create_user(runtime.create_tenant(name), login="ada", name="Ada", password="correct horse")
        assert waiting(runtime, name) >= 1
    run(runtime, once=True)
    assert [waiting(runtime, name) for name in ("one", "two")] == [0, 0]
    runtime.close()

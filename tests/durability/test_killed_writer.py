"""A writer that is killed: what it was told is stored is there, and nothing is there by half.

``TRELLIS_ROUNDS`` sets how often (5 by default; ``make soak`` takes 50).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.kernel import changes, create, field, obj, publish, rows, table

from trellis.runtime import Runtime
from trellis.storage import system

ROUNDS = int(os.environ.get("TRELLIS_ROUNDS", "5"))
WRITER = """
import sys
from trellis.runtime import Runtime
from support.kernel import create
tenant = Runtime(sys.argv[1], database_url=sys.argv[2]).tenant("acme")
n = 0
while True:
    ids = create(tenant, "deal", *({"name": f"{sys.argv[3]}-{n}-{k}"} for k in range(3)))
    print(*ids, flush=True)
    n += 1
"""


def kill_writer(home: Path, url: str, number: int) -> list[int]:
    """Start a writer, kill it in the middle of its work, return the ids that it said were written."""
    command = [sys.executable, "-c", WRITER, str(home), url, str(number)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
    assert child.stdout is not None
    first = child.stdout.readline()
    time.sleep(0.03 + 0.017 * (number % 7))
    child.send_signal(signal.SIGKILL)
    rest = child.stdout.read()
    child.wait()
    return [int(i) for line in (first + rest).splitlines(keepends=True) if line.endswith("\n") for i in line.split()]


@pytest.mark.slow
def test_every_acknowledged_write_survives_and_none_is_half(runtime: Runtime, database_url: str) -> None:
    tenant = runtime.create_tenant("acme")
    publish(tenant, obj("deal", field("name"), field("number", "auto_number", format="D-{00000}")))
    told: list[int] = []
    for number in range(ROUNDS):
        told += kill_writer(runtime.home, database_url, number)
        told += create(tenant, "deal", {"name": f"survivor {number}"})
    assert len(told) == len(set(told)) > 3 * ROUNDS
    with tenant.database.reading() as connection:
        model = tenant.model_in(connection).object("deal")
        stored = [r[0] for r in connection.execute(model.table.select().with_only_columns(model.table.c.id))]
        numbers = [
            r[0] for r in connection.execute(model.table.select().with_only_columns(model.fields["number"].column))
        ]
    assert set(told) <= set(stored)
    assert len(numbers) == len(set(numbers)) == len(stored)
    trail = [c["record"] for c in changes(tenant, object="deal")]
    assert sorted(trail) == sorted(stored)
    assert sorted(f["record"] for f in table(tenant, system.fact)) == sorted(stored)
    announced = [i for m in table(tenant, system.outbox) for c in m["payload"]["changes"] for i in c["ids"]]
    assert sorted(announced) == sorted(stored)
    assert sorted(s["record"] for s in table(tenant, system.search)) == sorted(stored)
    assert len(stored) % 3 == ROUNDS % 3
    assert rows(tenant, "deal", search="survivor", sort=[])[0]["name"].startswith("survivor")

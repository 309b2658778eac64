"""What roll-ups cost: ``python bench/rollups.py`` on SQLite and PostgreSQL.

The write of one child with no, one and five roll-ups, for parents with few and many children, as a ratio to the write without;
and the back-fill of a new roll-up in records per second, against a bare UPDATE of one column of the same records. In process:
processor time of this process (the database's too on SQLite) for writes, wall time for the back-fill; medians.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.record_id import format_id
from trellis.runtime import Runtime
from trellis.tenant import Tenant

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.postgres import temporary_cluster

SIBLINGS = (10, 1000, 10_000)
PARENTS = 20_000
ROLLUPS = [
    {"name": "total", "operation": "sum", "field": "amount"},
    {"name": "lines", "operation": "count"},
    {"name": "largest", "operation": "max", "field": "amount"},
    {"name": "mean", "operation": "avg", "field": "amount"},
    {"name": "open", "operation": "count", "filter": 'status = "open"'},
]
CAUSE = Cause("bench")


def documents(count: int) -> list[dict]:
    """Return two objects of which the first has so many roll-ups over the second."""
    rollups = [{"type": "rollup", "of": f"line_{count}.parent", **r} for r in ROLLUPS[:count]]
    return [
        {"kind": "object", "name": f"order_{count}", "fields": [{"name": "name", "type": "text"}, *rollups]},
        {
            "kind": "object",
            "name": f"line_{count}",
            "fields": [
                {"name": "parent", "type": "lookup", "target": f"order_{count}"},
                {"name": "amount", "type": "number"},
                {"name": "status", "type": "text"},
            ],
        },
    ]


def publish(tenant: Tenant, found: list[dict]) -> float:
    plan = tenant.publisher.plan_documents(found)
    started = time.perf_counter()
    tenant.publisher.apply(plan, confirm=plan.hash)
    return time.perf_counter() - started


def create(tenant: Tenant, name: str, rows: list[dict]) -> list[int]:
    made: list[int] = []
    for start in range(0, len(rows), 2000):
        part = rows[start : start + 2000]
        made += [o.id for o in tenant.run(SYSTEM, CAUSE, lambda tx, part=part: tx.create(name, part))]
    return made


def write_cost(tenant: Tenant, count: int, siblings: int) -> list[float]:
    """Return the seconds of processor time of 40 changes of one child, after so many siblings were made."""
    [parent] = create(tenant, f"order_{count}", [{"name": "x"}])
    row = {"parent": format_id(f"order_{count}", parent), "amount": "1.00", "status": "open"}
    child = create(tenant, f"line_{count}", [row] * siblings)[0]
    times = []
    for n in range(45):
        change = [{"id": child, "amount": str(Decimal(n) / 4)}]
        started = time.process_time()
        tenant.run(SYSTEM, CAUSE, lambda tx, change=change: tx.update(f"line_{count}", change))
        times.append(time.process_time() - started)
    return times[5:]


def back_fill(tenant: Tenant) -> tuple[float, float]:
    """Return records per second of the back-fill of a sum over two children each, and of a bare UPDATE."""
    parents = create(tenant, "order_0", [{"name": "x"}] * PARENTS)
    ids = [format_id("order_0", p) for p in parents]
    create(tenant, "line_0", [{"parent": p, "amount": "1.50", "status": "open"} for p in ids for _ in range(2)])
    order, line = documents(0)
    total = {"type": "rollup", "of": "line_0.parent", **ROLLUPS[0]}
    seconds = publish(tenant, [{**order, "fields": [*order["fields"], total]}, line])
    table = tenant.model().object("order_0").table
    started = time.perf_counter()
    with tenant.database.writing() as connection:
        connection.execute(table.update().values(f_total=Decimal("3.00")))
    return PARENTS / seconds, PARENTS / (time.perf_counter() - started)


@contextmanager
def databases(folder: Path) -> Iterator[dict[str, str]]:
    with temporary_cluster() as cluster:
        yield {"sqlite": f"sqlite:///{folder / 'bench.db'}", "postgresql": cluster.create_database()}


def main() -> None:
    with tempfile.TemporaryDirectory() as name, databases(Path(name)) as urls:
        for database, url in urls.items():
            runtime = Runtime(Path(name) / database, database_url=url)
            tenant = runtime.create_tenant("bench")
            publish(tenant, [d for count in (0, 1, 5) for d in documents(count)])
            for siblings in SIBLINGS:
                found = {count: statistics.median(write_cost(tenant, count, siblings)) for count in (0, 1, 5)}
                print(
                    f"{database:10} {siblings:6} siblings: {found[0] * 1000:6.2f} ms without, "
                    f"1 roll-up {found[1] / found[0]:5.2f}×, 5 roll-ups {found[5] / found[0]:5.2f}×"
                )
            filled, bare = back_fill(tenant)
            print(f"{database:10} back-fill {filled:9,.0f} records/s, bare UPDATE {bare:9,.0f}/s, {bare / filled:.0f}×")
            runtime.close()


if __name__ == "__main__":
    main()

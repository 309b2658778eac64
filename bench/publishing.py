"""M1: how long publishing takes with few and with many records. Writes ``bench/results/publishing-<database>.json``.

A field is added, alternately, to an object with 1,000 and to one with 1,000,000 records of the same tenant; medians, so
that what else the machine does meets both. Run with ``python bench/publishing.py [sqlite|postgresql]``.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from trellis.runtime import Runtime
from trellis.tenant import Tenant

HERE = Path(__file__).parent

SIZES = {"small": 1_000, "large": 1_000_000}
ROUNDS = 9
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) "


def document(name: str, *fields: dict[str, Any]) -> dict[str, Any]:
    base = [{"name": "name", "type": "text", "required": True}, {"name": "size", "type": "integer"}]
    return {"kind": "object", "name": name, "label": name.capitalize(), "fields": [*base, *fields]}


def fill(tenant: Tenant, name: str, rows: int, first: int) -> None:
    """Write records by SQL: only their number matters here."""
    with tenant.database.writing() as connection:
        table = tenant.model_in(connection).object(name).table
        moment = tenant.clock.now()
        text = (
            f"INSERT INTO {table.name} (id, f_name, f_size, version, created_at, modified_at) "
            f"{NUMBERS.format(rows=rows)} SELECT i + {first}, 'record ' || i, i, 1, :at, :at FROM n"
        )
        at = sa.bindparam("at", moment, type_=table.c.created_at.type)
        connection.execute(sa.text(text).bindparams(at))


def publish(tenant: Tenant, made: dict[str, Any]) -> float:
    """Publish a document and return the seconds of applying and of planning together."""
    began = time.perf_counter()
    plan = tenant.publisher.plan_documents([made])
    tenant.publisher.apply(plan, confirm=plan.hash)
    return time.perf_counter() - began


def measure(tenant: Tenant) -> dict[str, Any]:
    """Add plain fields in turn, then one indexed field, to both objects."""
    for name in SIZES:
        publish(tenant, document(name))
    for position, (name, rows) in enumerate(SIZES.items()):
        fill(tenant, name, rows, 10_000_000 * (position + 1))
    seconds: dict[str, list[float]] = {name: [] for name in SIZES}
    fields: list[dict[str, Any]] = []
    for number in range(ROUNDS):
        fields.append({"name": f"extra_{number}", "type": "text"})
        for name in SIZES:
            seconds[name].append(publish(tenant, document(name, *fields)))
    fields.append({"name": "marked", "type": "integer", "indexed": True})
    indexed = {name: publish(tenant, document(name, *fields)) for name in SIZES}
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    created = publish(tenant, document("fresh"))
    return {
        "rows": SIZES,
        "rounds": ROUNDS,
        "add_field_s": medians,
        "ratio": medians["large"] / medians["small"],
        "add_indexed_field_s": indexed,
        "indexed_ratio": indexed["large"] / indexed["small"],
        "create_object_s": created,
    }


def run(kind: str, url: str | None) -> None:
    with tempfile.TemporaryDirectory() as home:
        runtime = Runtime(home, database_url=url)
        result = {"database": kind, **measure(runtime.create_tenant("bench"))}
        runtime.close()
    place = HERE / "results" / f"publishing-{kind}.json"
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


def main(kinds: list[str]) -> None:
    if "sqlite" in kinds:
        run("sqlite", None)
    if "postgresql" in kinds:
        sys.path.insert(0, str(HERE.parent / "tests"))
        from support.postgres import temporary_cluster

        with temporary_cluster() as cluster:
            run("postgresql", cluster.create_database())


if __name__ == "__main__":
    main(sys.argv[1:] or ["sqlite", "postgresql"])

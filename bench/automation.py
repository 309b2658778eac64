"""What automations cost: a save with 0, 10 and 100 rules on the object, and 200 records through one rule.

Usage: python bench/automation.py. Prints medians and ratios as JSON; under half a minute.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.runtime import Runtime
from trellis.tenant import Tenant

ROUNDS, WARM = 60, 10
DEAL = {
    "kind": "object",
    "name": "deal",
    "label": "Deal",
    "fields": [
        {"name": "name", "type": "text"},
        {"name": "amount", "type": "number", "scale": 2},
        {"name": "note", "type": "text"},
    ],
}


def rules(count: int, *, firing: int) -> list[dict[str, Any]]:
    """Rules on every change of a deal, of which ``firing`` fire and set a field."""
    return [
        {
            "kind": "automation",
            "name": f"r{i}",
            "object": "deal",
            "triggers": [{"on": "created"}, {"on": "updated"}],
            "when": f"amount > {0 if i < firing else 1_000_000 + i}",
            "run": "before" if i < firing else "after",
            "steps": [{"name": "s", "action": "set_fields", "with": {"values": {"note": {"formula": "name"}}}}],
        }
        for i in range(count)
    ]


def save_ms(tenant: Tenant) -> float:
    """Return the median time of a change of one record, in milliseconds."""
    (made,) = tenant.run(SYSTEM, Cause("bench"), lambda tx: tx.create("deal", [{"name": "a", "amount": 1}]))
    times = []
    for number in range(ROUNDS + WARM):
        started = time.perf_counter()
        row = {"id": made.id, "amount": number + 2}
        tenant.run(SYSTEM, Cause("bench"), lambda tx, row=row: tx.update("deal", [row]))  # type: ignore[misc]
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times[WARM:])


def bulk_ms(tenant: Tenant) -> float:
    """Return the time of creating 200 records in one transaction, in milliseconds."""
    times = []
    for _ in range(5):
        rows = [{"name": f"d{i}", "amount": 5} for i in range(200)]
        started = time.perf_counter()
        tenant.run(SYSTEM, Cause("bench"), lambda tx, rows=rows: tx.create("deal", rows))  # type: ignore[misc]
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def measured(documents: list[dict[str, Any]], measure: Any) -> float:
    """Return a measure in a new tenant with the documents."""
    with tempfile.TemporaryDirectory() as home:
        runtime = Runtime(Path(home))
        try:
            tenant = runtime.create_tenant("bench")
            tenant.publisher.apply(tenant.publisher.plan_documents([DEAL, *documents]))
            return float(measure(tenant))
        finally:
            runtime.close()


def main() -> None:
    """Measure and print."""
    saves = {n: measured(rules(n, firing=min(n, 1)), save_ms) for n in (0, 10, 100)}
    after = {
        "kind": "automation",
        "name": "after",
        "object": "deal",
        "triggers": [{"on": "created"}],
        "steps": [{"name": "s", "action": "set_fields", "with": {"values": {"note": {"formula": "name"}}}}],
    }
    bulk = {"without": measured([], bulk_ms), "with_one_rule": measured([after], bulk_ms)}
    found = {
        "save_ms": {str(n): round(v, 2) for n, v in saves.items()},
        "ratio_to_none": {str(n): round(v / saves[0], 2) for n, v in saves.items()},
        "create_200_ms": {k: round(v, 1) for k, v in bulk.items()},
        "bulk_ratio": round(bulk["with_one_rule"] / bulk["without"], 2),
    }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()

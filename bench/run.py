"""Measures the product against the floor in one run: ``make bench`` (options: --records, --seconds, --databases).

Each figure is a ratio: both sides are loaded in turn, in short slices, on the same machine, server and database settings.
CPU per request counts the server's processes and, on PostgreSQL, the database's. Results go to ``bench/results``.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

import orjson

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

import workload
from floor import app as floor_app
from servers import Server, cpu_s, pss_mb, tree

from trellis.access import Cause
from trellis.access.accounts import create_token, create_user
from trellis.access.principal import SYSTEM
from trellis.record_id import format_id
from trellis.runtime import Runtime
from trellis.storage.engines import Database

OPERATIONS = ("W1", "W2", "W3", "W4", "W4T", "W5", "W6")
KERNEL = {"W1": 3.0, "W2": 1.6, "W3": 3.0, "W4": 1.6, "W4T": 1.3, "W5": 1.1}


class Side:
    """One application under load: how to ask it for each operation."""

    def __init__(self, name, server, token, ids):
        self.name, self.server, self.token, self.ids = name, server, token, ids
        self.n = 0

    def headers(self, kind="application/json"):
        return {"Authorization": f"Bearer {self.token}", "Content-Type": kind}

    def row(self):
        self.n += 1
        return next(workload.rows(1, 10_000_000 + self.n, self.accounts))


class FloorSide(Side):
    accounts = list(range(1, 1001))

    def request(self, op):
        if op == "W1":
            return "POST", "/deal", orjson.dumps(self.row())
        if op == "W2":
            self.n += 1
            return "GET", f"/deal/{self.ids[self.n * 7919 % len(self.ids)]}", None
        if op == "W3":
            self.n += 1
            return (
                "PATCH",
                f"/deal/{self.ids[self.n * 7919 % len(self.ids)]}",
                orjson.dumps({"text_1": f"changed {self.n}"}),
            )
        if op in ("W4", "W4T"):
            self.n += 1
            return "GET", f"/deal?stage=qualify&amount={self.n % 50000}" + ("&total=1" if op == "W4T" else ""), None
        if op == "W5":
            return "GET", "/sums", None
        return "POST", "/bulk", b"\n".join(orjson.dumps(r) for r in workload.rows(10_000, 5, self.accounts))


class ProductSide(Side):
    FIELDS = "text_0,amount,stage,close_date,source,hot,probability,account.name"

    def __init__(self, *args):
        super().__init__(*args)
        self.accounts = [format_id("account", i) for i in self.account_numbers]

    account_numbers = ()

    def request(self, op):
        base = "/api/v1/records/deal"
        if op == "W1":
            return "POST", base, orjson.dumps(self.row())
        if op in ("W2", "W3"):
            self.n += 1
            one = format_id("deal", self.ids[self.n * 7919 % len(self.ids)])
            if op == "W2":
                return "GET", f"{base}/{one}", None
            return "PATCH", f"{base}/{one}", orjson.dumps({"text_1": f"changed {self.n}"})
        if op in ("W4", "W4T"):
            self.n += 1
            tree_ = {
                "and": [
                    {"field": "stage", "op": "=", "value": "qualify"},
                    {"field": "amount", "op": ">", "value": str(self.n % 50000)},
                ]
            }
            body = {
                "fields": self.FIELDS.split(","),
                "filter": tree_,
                "sort": ["-close_date"],
                "limit": 50,
                "total": op == "W4T",
            }
            return "POST", f"{base}/query", orjson.dumps(body)
        if op == "W5":
            return (
                "POST",
                f"{base}/query",
                orjson.dumps(
                    {
                        "group_by": ["stage"],
                        "aggregates": [{"function": "count"}, {"function": "sum", "field": "amount"}],
                    }
                ),
            )
        return "POST", f"{base}/bulk", b"\n".join(orjson.dumps(r) for r in workload.rows(10_000, 5, self.accounts))


def slice_of(side, op, clients, seconds, database_pids):
    """Load one side for a while; return requests, CPU per request, and latencies."""
    latencies, lock = [], threading.Lock()
    failures = []
    stop = time.perf_counter() + seconds

    def client():
        connection = HTTPConnection("127.0.0.1", side.server.port, timeout=120)
        mine = []
        while time.perf_counter() < stop or not mine:
            with lock:
                method, path, body = side.request(op)
            kind = "application/x-ndjson" if op == "W6" else "application/json"
            started = time.perf_counter()
            connection.request(method, path, body, side.headers(kind))
            response = connection.getresponse()
            data = response.read()
            if response.status >= 300:
                failures.append((response.status, data[:200]))
                break
            mine.append(time.perf_counter() - started)
        with lock:
            latencies.extend(mine)

    pids = side.server.pids() + database_pids()
    before, began = cpu_s(pids), time.perf_counter()
    threads = [threading.Thread(target=client) for _ in range(clients)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    wall = time.perf_counter() - began
    used = cpu_s(side.server.pids() + database_pids()) - before
    if failures:
        raise RuntimeError(f"{side.name} {op}: {failures[0]}")
    latencies.sort()
    n = len(latencies)
    return {
        "requests": n,
        "cpu_ms": used / n * 1000,
        "rps": n / wall,
        "p50_ms": latencies[n // 2] * 1000,
        "p95_ms": latencies[min(n - 1, n * 95 // 100)] * 1000,
    }


def build(folder, url, records):
    """Fill both sides with the same data; return what starts them."""
    runtime = Runtime(folder / "home", database_url=url)
    tenant = runtime.create_tenant("bench")
    user = create_user(tenant, login="bench", name="Bench", password="four quiet horses", admin=True)
    token = create_token(tenant, user, "bench")
    tenant.publisher.apply(tenant.publisher.plan_documents([workload.ACCOUNT, workload.DEAL]))
    run = lambda body: tenant.run(SYSTEM, Cause("bench"), body)  # noqa: E731
    accounts = [o.id for o in run(lambda tx: tx.create("account", [{"name": f"Account {i}"} for i in range(1000)]))]
    texts = [format_id("account", a) for a in accounts]
    ids = []
    batch = []
    started = time.perf_counter()
    for row in workload.rows(records, 1, texts):
        batch.append(row)
        if len(batch) == 2000:
            ids += [o.id for o in run(lambda tx, b=batch: tx.create("deal", b))]
            batch = []
    if batch:
        ids += [o.id for o in run(lambda tx: tx.create("deal", batch))]
    loaded = time.perf_counter() - started
    floor_url = url or f"sqlite:///{folder / 'floor.db'}"
    schema = "floor" if url else None
    database = Database(floor_url, schema=schema)
    database.create()
    with database.writing() as c:
        floor_app.md.create_all(c)
        c.execute(floor_app.account.insert(), [{"id": i, "name": f"Account {i}"} for i in range(1, 1001)])
    now = datetime.now(UTC)
    started = time.perf_counter()
    with database.writing() as c:
        rows = [
            {**floor_app.parse(r), "modified_at": now, "version": 1}
            for r in workload.rows(records, 1, FloorSide.accounts)
        ]
        for start in range(0, len(rows), 5000):
            c.execute(floor_app.INSERT, rows[start : start + 5000])
    floor_loaded = time.perf_counter() - started
    for d in (database, tenant.database):
        with d.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
            c.exec_driver_sql("ANALYZE")
    runtime.close()
    database.close()
    return token, accounts, ids, floor_url, schema, {"product_load_s": loaded, "floor_load_s": floor_loaded}


def measure(kind, url, records, seconds, rounds, database_pids, operations):
    folder = Path(tempfile.mkdtemp(prefix="trellis-bench-"))
    try:
        token, accounts, ids, floor_url, schema, loads = build(folder, url, records)
        product = Server(
            "trellis.server:from_environment",
            {
                "TRELLIS_HOME": str(folder / "home"),
                "TRELLIS_TENANT": "bench",
                "TRELLIS_DATABASE_URL": url or "",
                "TRELLIS_API_LIMIT": "10000000 per minute",
            },
            "/api/v1/health",
        )
        floor = Server("floor.app:from_environment", {"FLOOR_URL": floor_url, "FLOOR_SCHEMA": schema or ""}, "/deal/1")
        try:
            ProductSide.account_numbers = accounts
            sides = (
                FloorSide("floor", floor, floor_app.KEY, list(range(1, records + 1))),
                ProductSide("product", product, token, ids),
            )
            result = {
                "database": kind,
                "records": records,
                **loads,
                "start_s": product.start_s,
                "idle_pss_mb": pss_mb(product.pids()),
                "rows": [],
            }
            for op in operations:
                for clients in (1,) if op == "W6" else (1, 8):
                    result["rows"].append(compare(op, clients, sides, seconds, rounds, database_pids))
                    print(line(kind, result["rows"][-1]), flush=True)
            result["loaded_pss_mb"] = pss_mb(product.pids())
            return result
        finally:
            product.stop()
            floor.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def compare(op, clients, sides, seconds, rounds, database_pids):
    found = {s.name: [] for s in sides}
    for s in sides:
        slice_of(s, op, clients, 0.3, database_pids)
    for _ in range(rounds):
        for s in sides:
            found[s.name].append(slice_of(s, op, clients, seconds, database_pids))
    median = {name: {k: statistics.median(r[k] for r in runs) for k in runs[0]} for name, runs in found.items()}
    return {
        "operation": op,
        "clients": clients,
        "ratio_cpu": median["product"]["cpu_ms"] / max(median["floor"]["cpu_ms"], 1e-9),
        "ratio_p95": median["product"]["p95_ms"] / median["floor"]["p95_ms"],
        **median,
    }


def line(kind, row):
    target = KERNEL.get(row["operation"])
    mark = "" if target is None else f"  target {target}"
    return (
        f"{kind:10} {row['operation']:4} {row['clients']} clients  CPU {row['ratio_cpu']:5.2f}× floor "
        f"({row['product']['cpu_ms']:.2f} / {row['floor']['cpu_ms']:.2f} ms)  p95 {row['ratio_p95']:5.2f}×  {row['product']['rps']:.0f} req/s{mark}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--operations", default=",".join(OPERATIONS))
    args = parser.parse_args()
    results = []
    options = (args.records, args.seconds, args.rounds)
    operations = args.operations.split(",")
    if "sqlite" in args.databases:
        results.append(measure("sqlite", None, *options, list, operations))
    if "postgresql" in args.databases:
        from support.postgres import temporary_cluster

        with temporary_cluster() as cluster:
            results.append(
                measure("postgresql", cluster.create_database(), *options, lambda: tree(cluster.pid), operations)
            )
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    name = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    (folder / f"{name}.json").write_text(json.dumps(results, indent=1))
    print(f"Results: bench/results/{name}.json")


if __name__ == "__main__":
    main()

# ruff: noqa: E402
"""Measures the script sandbox: ``python bench/scripts.py [--only PART …]``. Figures A5 to A11 of the sandbox's acceptance.

Loops are CPU time, the minimum of interleaved rounds; what crosses processes is wall time, p10 and p50, since neighbours on a
shared machine show in the rest. Results go to ``bench/results/scripts-<time>.json``.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from decimal import Decimal
from http.client import HTTPConnection
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

from support.kernel import create, field, obj, publish, write

from trellis.access.accounts import create_token, create_user
from trellis.runtime import Runtime
from trellis_plugins.scripts import harness, stub
from trellis_plugins.scripts.host.sandbox import Sandbox, shared
from trellis_plugins.scripts.jail import compiler, engine
from trellis_plugins.scripts.jail.limits import Limits

LOOPS = {
    "empty for": "for i in range({n}): pass",
    "while counter": "i = 0\nwhile i < {n}: i += 1",
    "arithmetic": "t = 0\nfor i in range({n}): t = t + i * 2 - 1",
    "function call": "def f(x): return x\nfor i in range({n}): f(i)",
    "list comprehension": "x = [i for i in range({n})]",
    "rows: 4 items, 2 methods": (
        "r = {{'a': 'x ', 'b': 2, 'c': 3, 'd': 4}}\n"
        "for i in range({n}): v = r['a'].strip().upper(); w = r['b']; y = r['c']; z = r['d']"
    ),
    "two f-string fields": "for i in range({n}): s = f'{{i}}-{{i}}'",
}
HOSTILE = (
    "while True: pass",
    "t = ()\nfor i in range(64): t = (t, t)\n{t: 1}",
    "a = []\nwhile True: a.append([None] * 90000)",
    "t = ()\nfor i in range(300000): t = (t,)\n{t: 1}",
)
SCRIPTS = 50
HOOK = """
if not record.name:
    reject('A name is needed', 'name')
total = Decimal('0')
for line in record.lines:
    total += line['quantity'] * line['price'] * (1 - line['discount'])
if total < 0:
    reject('The total may not be negative')
record.total = total.quantize(Decimal('0.01'))
if record.total > 1000:
    record.priority = 'high'
else:
    record.priority = 'low'
log.info('total', record.total)
"""


def jailed(source):
    """Return a function that runs ``source`` behind the first wall, in this process."""
    code = compiler.load(compiler.compile_script(source).code)
    return lambda: engine.Run(
        {"mode": "once", "clock": {"now": stub.NOW}, "limits": {"steps": 10**9, "allocation": 10**9}},
        lambda *a: {},
        code,
    ).go()


def cpu(work):
    started = time.process_time()
    work()
    return time.process_time() - started


def loops(rounds=11, n=60_000):
    found = {}
    for name, template in LOOPS.items():
        source = template.format(n=n)
        plain_code = compile(source, "plain", "exec")
        inside = jailed(source)
        plain, ours = [], []
        for _ in range(rounds):
            plain.append(cpu(lambda code=plain_code: exec(code, {"Decimal": Decimal})))
            ours.append(cpu(inside))
        found[name] = {"ratio": round(min(ours) / min(plain), 2), "ns": round(min(ours) / n * 1e9)}
    return found


def spread(samples):
    ordered = sorted(samples)
    return {
        "p10_ms": round(ordered[len(ordered) // 10] * 1000, 3),
        "p50_ms": round(statistics.median(ordered) * 1000, 3),
    }


def hook_times(sandbox, count=200):
    """The typical hook: behind the first wall alone, in a held worker, and as the first of a transaction."""
    code = sandbox.compile(HOOK)
    message = {**stub.request(code.names), "key": code.key, "limits": Limits().to_json()}
    loaded = compiler.load(compiler.compile_script(HOOK).code)
    alone = []
    for _ in range(count):
        started = time.perf_counter()
        engine.Run(message, lambda *a: {}, loaded).go()
        alone.append(time.perf_counter() - started)
    worker = sandbox.take()
    sandbox.load(worker, code)
    held = []
    for _ in range(count):
        started = time.perf_counter()
        worker.request(message, wall_s=2.0)
        held.append(time.perf_counter() - started)
    worker.close()
    first = []
    for _ in range(count // 2):
        time.sleep(0.02)  # A spare is made beside the requests.
        started = time.perf_counter()
        worker = sandbox.take()
        sandbox.load(worker, code)
        worker.request(message, wall_s=2.0)
        first.append(time.perf_counter() - started)
        worker.close()
    return {"first wall alone": spread(alone), "held worker": spread(held), "first of a transaction": spread(first)}


def calls(sandbox):
    """A proxied call, and 200 rows of 7 fields."""
    code = sandbox.compile("for i in range(1000): crm.count('account')")
    limits = {**Limits().to_json(), "queries": 10_000}
    worker = sandbox.take()
    sandbox.load(worker, code)
    each = []
    for _ in range(5):
        started = time.perf_counter()
        worker.request(
            {**stub.request(code.names), "key": code.key, "limits": limits}, wall_s=2.0, on_call=stub.StubCrm(limits)
        )
        each.append((time.perf_counter() - started) / 1000)
    names = ["name", "city", "amount", "close_date", "quantity", "stage", "owner"]
    kinds = ["p", "p", "n", "d", "p", "p", "p"]
    shape = {"object": "deal", "names": names, "kinds": kinds}
    rows = [[f"deal_{i}", ["Name", "Oslo", "12.50", "2026-11-22", i, "open", "user_1"]] for i in range(200)]
    read = sandbox.compile(
        "for r in crm.query('deal', limit=200): x = (r.name, r.city, r.amount, r.close_date, r.quantity, r.stage, r.owner)"
    )
    empty = sandbox.compile("crm.query('deal', limit=0)")
    sandbox.load(worker, read)
    sandbox.load(worker, empty)

    def once(chosen, answer):
        started = time.perf_counter()
        worker.request(
            {**stub.request(chosen.names), "key": chosen.key, "limits": limits},
            wall_s=2.0,
            on_call=lambda n, a: {"value": {"shape": shape, "rows": answer}},
        )
        return time.perf_counter() - started

    with_rows = [once(read, rows) for _ in range(60)]
    without = [once(empty, []) for _ in range(60)]
    worker.close()
    ordered = sorted(with_rows)[6], sorted(without)[6]
    return {
        "call_us": round(min(each) * 1e6, 1),
        "rows_200_read_whole_ms": round((ordered[0] - ordered[1]) * 1000, 2),
    }


def ends(sandbox):
    """How soon hostile scripts end, and what they cost the host."""
    found = {}
    for name, source in {
        "endless loop": "while True: pass",
        "hang in C": "t = ()\nfor i in range(64): t = (t, t)\n{t: 1}",
    }.items():
        started = time.perf_counter()
        answer = harness.run(source, 1.0, sandbox=sandbox)
        found[name] = {"s": round(time.perf_counter() - started, 3), "error": answer["error"]}
    before = rss_kb()
    code = sandbox.compile("a = []\nwhile True: a.append([None] * 90000)")
    limits = Limits(allocation=10**12)
    worker = sandbox.take()
    sandbox.load(worker, code)
    try:
        worker.request({**stub.request(code.names), "key": code.key, "limits": limits.to_json()}, wall_s=2.0)
    finally:
        ended = worker.close()
    found["memory bomb"] = {"worker_peak_mb": round(ended["peak_kb"] / 1024, 1), "host_grew_kb": rss_kb() - before}
    return found


def rss_kb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def import_time(folder, rounds=5):
    """1,000 records in batches of 200 with and without a before-save hook, in turn."""
    runtime = Runtime(folder / "import")
    tenant = runtime.create_tenant("bench")
    publish(
        tenant,
        obj(
            "deal",
            field("name"),
            field("price", "number", scale=2),
            field("quantity", "integer"),
            field("total", "number", scale=2),
        ),
    )
    hook = {
        "kind": "script",
        "name": "total",
        "object": "deal",
        "events": ["before_create"],
        "source": "record.total = record.price * record.quantity\nif record.total < 0: reject('no', 'total')",
    }
    batch = [{"name": f"d{i}", "price": "12.50", "quantity": i % 7} for i in range(200)]
    times = {True: [], False: []}
    for _ in range(rounds):
        for active in (False, True):
            publish(tenant, {**hook, "active": active})
            create(tenant, "deal", {"name": "warm", "price": "1", "quantity": 1})
            started = time.perf_counter()
            for _ in range(5):
                write(tenant, lambda tx: tx.create("deal", batch))
            times[active].append(time.perf_counter() - started)
    runtime.close()
    return {
        "without_s": round(min(times[False]), 3),
        "with_s": round(min(times[True]), 3),
        "added_s": round(min(times[True]) - min(times[False]), 3),
    }


def hostile_web(folder, runs=200, clients=4):
    """Hostile runs through a server's API on two threads while four clients read; p99 before and meanwhile."""
    from servers import Server

    home = folder / "web"
    runtime = Runtime(home)
    tenant = runtime.create_tenant("bench")
    publish(
        tenant,
        obj("deal", field("name")),
        *[
            {
                "kind": "script",
                "name": f"hostile_{i}",
                "events": ["endpoint"],
                "pack": "bad",
                "path": f"p{i}",
                "source": HOSTILE[i % len(HOSTILE)],
            }
            # Fewer runs each than suspend a script.
            for i in range(SCRIPTS)
        ],
    )
    user = create_user(tenant, login="ann@bench", name="Ann", admin=True)
    token = create_token(tenant, user, "bench")
    ids = [
        tenant.model().env.format_id("deal", n)
        for n in create(tenant, "deal", *[{"name": f"d{i}"} for i in range(200)])
    ]
    runtime.close()
    variables = {"TRELLIS_HOME": str(home), "TRELLIS_TENANT": "bench", "TRELLIS_API_LIMIT": "off"}
    server = Server("trellis.server:from_environment", variables, "/api/v1/health")
    try:
        return _under_attack(server, token, ids, runs, clients)
    finally:
        server.stop()


def _under_attack(server, token, ids, runs, clients):
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    failures, answers = [], []

    def ask(times, stop):
        http = HTTPConnection("127.0.0.1", server.port, timeout=30)
        while not stop.is_set():
            started = time.perf_counter()
            http.request("GET", f"/api/v1/records/deal/{ids[len(times) % len(ids)]}", headers=headers)
            answer = http.getresponse()
            answer.read()
            if answer.status != 200:
                failures.append(answer.status)
            times.append(time.perf_counter() - started)

    def phase(work):
        stop, times = threading.Event(), []
        threads = [threading.Thread(target=ask, args=(times, stop)) for _ in range(clients)]
        for t in threads:
            t.start()
        work()
        stop.set()
        for t in threads:
            t.join()
        ordered = sorted(times)
        return {
            "p50_ms": round(statistics.median(ordered) * 1000, 1),
            "p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1000, 1),
            "n": len(ordered),
        }

    def attack():
        counter = iter(range(runs))
        lock = threading.Lock()

        def hit():
            http = HTTPConnection("127.0.0.1", server.port, timeout=60)
            while True:
                with lock:
                    i = next(counter, None)
                if i is None:
                    return
                http.request("POST", f"/api/v1/apps/bad/p{i % SCRIPTS}", body=b"{}", headers=headers)
                answers.append(http.getresponse().read())

        threads = [threading.Thread(target=hit) for _ in range(2)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()

    quiet = phase(lambda: time.sleep(8))
    under = phase(attack)
    return {
        "quiet": quiet,
        "under attack": under,
        "failed requests": len(failures),
        "attacks refused": sum(b"limited to" in a for a in answers),
    }


def main():
    options = argparse.ArgumentParser()
    options.add_argument(
        "--only",
        nargs="+",
        help="ends, hook, calls, loops, import, web; web runs 200 hostile scripts against a server.",
    )
    chosen = options.parse_args()
    sandbox: Sandbox = shared()
    sandbox.check()
    engine.prepare()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = {
            "ends": lambda: ends(sandbox),
            "hook": lambda: hook_times(sandbox),
            "calls": lambda: calls(sandbox),
            "loops": loops,
            "import": lambda: import_time(folder),
            "web": lambda: hostile_web(folder),
        }
        wanted = chosen.only or [p for p in parts if p != "web"]
        found = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "load": os.getloadavg()}
        found.update({part: parts[part]() for part in wanted})
    sandbox.close()
    target = HERE / "results" / f"scripts-{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    target.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()

"""What sharing costs a list: ``python bench/access.py [--records 100000] [--databases sqlite,postgresql]``.

W4 (50 of a filtered and sorted list, 7 columns and the account's name) through the whole WSGI application, asked in turn by an
administrator (no sharing), by a rep who reaches 0.1 % and by a vice president who reaches 90 %: 1,000 people in six levels, 200
rules, shares on one record in ten. CPU of this process and of the database; ratios count, medians of interleaved rounds.
Also the write side: a role moved, a group changed, a rule by owner added, a record saved under criteria rules.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

import orjson
import workload
from servers import cpu_s, tree
from support.postgres import temporary_cluster

from trellis.access import Cause, memberships
from trellis.access.accounts import create_token, create_user
from trellis.access.principal import SYSTEM
from trellis.app import create_app
from trellis.runtime import Runtime
from trellis.storage import system
from trellis.storage.tables.access import share

PEOPLE, LEVELS, BRANCHING, ROUNDS, REQUESTS = 1000, 6, 4, 9, 12
SEED_ROWS = 1000


def roles():
    """Yield name, parent and level of a tree of roles: the first branch below the top holds nine tenths of the people."""
    yield {"kind": "role", "name": "top"}, 0
    yield {"kind": "role", "name": "vp", "parent": "top"}, 1
    parents, made = ["vp"], 2
    for level in range(2, LEVELS):
        following = []
        for parent in parents:
            for _ in range(BRANCHING if made < 150 else 0):
                name, made = f"r{made}", made + 1
                following.append(name)
                yield {"kind": "role", "name": name, "parent": parent}, level
        parents = following or parents
    yield {"kind": "role", "name": "other", "parent": "top"}, 1


def documents(rng, names):
    """Return groups and 200 rules: 198 by owner between small roles, 2 by condition."""
    leaves = names[-80:-1]
    yield from ({"kind": "group", "name": f"g{i}"} for i in range(100))
    for i in range(198):
        owners, receivers = {"role": rng.choice(leaves)}, [{"group": f"g{rng.randrange(100)}"}]
        rule = {"kind": "sharing_rule", "name": f"s{i}", "object": "deal", "level": "read"}
        yield {**rule, "owned_by": owners, "share_with": receivers}
    for i in range(2):
        when = f'AND(hot, quantity = {i + 1}, stage = "won")'
        yield {
            "kind": "sharing_rule",
            "name": f"c{i}",
            "object": "deal",
            "level": "read",
            "when": when,
            "share_with": [{"group": f"g{i}"}],
        }


def build(folder, url, records):
    """Make the tenant; return it with the people who ask."""
    rng = random.Random(4)
    runtime = Runtime(folder, database_url=url)
    tenant = runtime.create_tenant("bench")
    admin = create_user(tenant, login="admin", name="Admin", admin=True)
    tree_ = list(roles())
    names = [d["name"] for d, _ in tree_]
    tenant.publisher.apply(tenant.publisher.plan_documents([workload.ACCOUNT, workload.DEAL, *(d for d, _ in tree_)]))
    run = lambda body: tenant.run(SYSTEM, Cause("bench"), body)  # noqa: E731
    people = [
        o.id for o in run(lambda tx: tx.create("user", [{"name": f"P{i}", "login": f"p{i}"} for i in range(PEOPLE)]))
    ]
    with tenant.database.writing() as c:
        c.execute(
            system.credential.insert(),
            [{"user": p, "login": f"p{i}", "admin": False, "failed": 0} for i, p in enumerate(people)],
        )
    small = [n for d, level in tree_ for n in [d["name"]] if level >= 3]
    belongs = [(people[0], "role", "vp"), *((p, "role", "other") for p in people[1:100])]
    belongs += [(p, "role", rng.choice(small)) for p in people[100:]]
    tenant.publisher.apply(tenant.publisher.plan_documents(list(documents(rng, names))))
    belongs += [(p, "group", f"g{rng.randrange(2, 100)}") for p in people[100:-1]]
    memberships.add_many(tenant, [*belongs, *((p, "permission_set", "standard") for p in people)])
    accounts = [o.id for o in run(lambda tx: tx.create("account", [{"name": f"Account {i}"} for i in range(200)]))]
    texts = [tenant.model().env.format_id("account", a) for a in accounts]
    seed = [o.id for o in run(lambda tx: tx.create("deal", list(workload.rows(SEED_ROWS, 1, texts))))]
    fill(tenant, seed, people, records, rng)
    tenant.publisher.apply(tenant.publisher.plan_documents(list(documents(rng, names))))
    from trellis.jobs import Worker

    Worker(tenant).run_until_idle()
    return tenant, runtime, {"admin": admin, "rep": people[-1], "vp": people[0]}, names


def fill(tenant, seed, people, records, rng):
    """Copy the seed rows under new numbers, each owned by one of the people in turn; share one record in ten with a group."""
    t = tenant.model().object("deal").table
    first, last = seed[0], seed[0] + 10_000_000
    assert people == list(range(people[0], people[0] + PEOPLE))
    kept = [c for c in t.c if c.name not in ("id", "owner")]
    with tenant.database.writing() as c:
        for block in range(records // SEED_ROWS):
            number = t.c.id - first + last + block * SEED_ROWS
            owner = people[0] + (number * 7919) % PEOPLE
            rows = sa.select(number, owner, *kept).where(t.c.id.between(first, first + SEED_ROWS - 1))
            c.execute(t.insert().from_select(["id", "owner", *(k.name for k in kept)], rows))
        c.execute(t.delete().where(t.c.id < last))
        numbers = rng.sample(range(last, last + records), records // 10)
        principals = [-r[0] for r in c.execute(sa.text("SELECT id FROM t_principal WHERE kind = 'group'"))]
        given = {"kind": 1, "rule": 0, "level": 1, "created_at": tenant.clock.now()}
        c.execute(share.insert(), [{**given, "record": n, "principal": rng.choice(principals)} for n in numbers])
    with tenant.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
        tenant.database.enter_schema(c)
        if not tenant.database.is_sqlite:
            c.exec_driver_sql(f"SET search_path TO {tenant.database.schema}")
        c.exec_driver_sql("ANALYZE")


def asks(tenant, runtime, people, pids):
    """Return CPU milliseconds per request of W4 by who asks."""
    client = create_app(runtime, default_tenant="bench").test_client()
    tokens = {who: create_token(tenant, user, "bench") for who, user in people.items()}
    fields = ["text_0", "amount", "stage", "close_date", "source", "hot", "probability", "account.name"]
    times = {who: [] for who in people}
    n = 0
    for _ in range(ROUNDS):
        for who, token in tokens.items():
            before, base = time.process_time(), cpu_s(pids())
            for _ in range(REQUESTS):
                n += 1
                tree_ = {
                    "and": [
                        {"field": "stage", "op": "=", "value": "qualify"},
                        {"field": "amount", "op": ">", "value": str(n % 50000)},
                    ]
                }
                body = {"fields": fields, "filter": tree_, "sort": ["-close_date"], "limit": 50}
                headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
                answer = client.post("/api/v1/records/deal/query", data=orjson.dumps(body), headers=headers)
                assert answer.status_code == 200, answer.get_data()
            used = time.process_time() - before + cpu_s(pids()) - base
            times[who].append(used / REQUESTS * 1000)
    return {who: statistics.median(found[1:]) for who, found in times.items()}


def reached(tenant, people):
    """Return the share of the records that each reaches."""
    from trellis.access.people import person, what

    with tenant.database.reading() as c:
        model = tenant.model_in(c)
        total = c.execute(sa.select(sa.func.count()).select_from(model.object("deal").table)).scalar_one()
        found = {}
        for who in ("rep", "vp"):
            one = person(tenant, c, model, people[who])
            found[who] = next(o["readable"] for o in what(tenant, c, model, one) if o["object"] == "deal") / total
    return found


def writes(tenant, people, names):
    """Return the wall seconds of changes of the organisation."""

    def timed(body):
        started = time.perf_counter()
        body()
        return time.perf_counter() - started

    publish = lambda *d: tenant.publisher.apply(tenant.publisher.plan_documents(list(d)))  # noqa: E731
    rule = {"kind": "sharing_rule", "name": "later", "object": "deal", "level": "read", "owned_by": {"role": "vp"}}
    number = tenant.model().object("deal").table
    with tenant.database.reading() as c:
        record = c.execute(sa.select(number.c.id).limit(1)).scalar_one()
    save = lambda tx: tx.update("deal", [{"id": record, "quantity": int(time.time_ns() % 1000)}])  # noqa: E731
    return {
        "role with its branch moved (publish)": timed(
            lambda: publish({"kind": "role", "name": names[5], "parent": "other"})
        ),
        "person joins a group": timed(lambda: memberships.add(tenant, people["rep"], "group", "g7")),
        "rule by owner added (publish)": timed(lambda: publish({**rule, "share_with": [{"group": "g3"}]})),
        "record saved under 2 criteria rules": timed(lambda: tenant.run(SYSTEM, Cause("bench"), save)),
    }


def report(name, url, records, pids):
    with tempfile.TemporaryDirectory() as folder:
        tenant, runtime, people, names = build(Path(folder) / "home", url, records)
        part, cpu = reached(tenant, people), asks(tenant, runtime, people, pids)
        print(f"{name}, {records:,} records, 1,000 people, 200 rules")
        print(f"  W4 without sharing (administrator)      {cpu['admin']:8.2f} ms CPU")
        for who in ("vp", "rep"):
            print(
                f"  W4 {who:3} who reaches {part[who]:7.2%}             {cpu[who]:8.2f} ms CPU  {cpu[who] / cpu['admin']:5.2f}×"
            )
        for what, seconds in writes(tenant, people, names).items():
            print(f"  {what:40} {seconds:8.3f} s")
        runtime.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--databases", default="sqlite,postgresql")
    options = parser.parse_args()
    if "sqlite" in options.databases:
        report("SQLite", None, options.records, list)
    if "postgresql" in options.databases:
        with temporary_cluster() as cluster:
            report("PostgreSQL", cluster.create_database(), options.records, lambda: tree(cluster.pid))


if __name__ == "__main__":
    main()

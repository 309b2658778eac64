# ruff: noqa: E402
"""Measures formulas: ``python bench/formulas.py [--rows 1000000] [--postgresql URL]``. Part of ``make bench``.

Three questions. What does one evaluation cost beside Python written by hand? What does a list sorted by a formula field cost
beside the same SQL written by hand, on both databases? How long do the longest and the deepest formulas take to compile?
Both sides of a ratio are measured in turn on the same data.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "tests")]

from trellis.access.principal import SYSTEM
from trellis.formula import Context, compile, functions, sql
from trellis.formula.sql import Refused
from trellis.query import Query, Sort, run_query
from trellis.runtime import Runtime
from trellis.storage.types import ScaledDecimal, text_column
from trellis.tenant import Tenant
from trellis_metadata.formula import FlatScope, Symbol, Type, check, parse

ROUNDS = 7
EVALUATIONS = 50_000
DEAL: dict[str, Any] = {
    "kind": "object",
    "name": "deal",
    "label": "Deal",
    "fields": [
        {"name": "name", "type": "text"},
        {"name": "amount", "type": "number", "precision": 12, "scale": 2},
        {"name": "chance", "type": "number", "precision": 5, "scale": 2},
        {"name": "weighted", "type": "formula", "returns": "number", "scale": 2, "formula": "amount * chance / 100"},
        {"name": "ratio", "type": "formula", "returns": "number", "scale": 4, "formula": "amount / (chance + 1)"},
    ],
}
BY_HAND: dict[str, dict[str, str]] = {
    "sqlite": {
        "weighted": "((coalesce(f_amount, 0) * coalesce(f_chance, 0)) + CASE WHEN coalesce(f_amount, 0) * coalesce(f_chance, 0) "
        "< 0 THEN -5000 ELSE 5000 END) / 10000",
    },
    "postgresql": {
        "weighted": "round(coalesce(f_amount, 0) * coalesce(f_chance, 0) / 100, 2)",
        "ratio": "round(coalesce(f_amount, 0) / nullif(coalesce(f_chance, 0) + 1, 0), 4)",
    },
}
ROWS_SQL = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) "
    "INSERT INTO o_deal (id, version, created_at, modified_at, f_name, f_amount, f_chance) "
    "SELECT 100000 + i, 1, {now}, {now}, 'deal ' || i, (i * 7919) % 100000000, (i * 104729) % 10000 FROM n",
    "postgresql": "INSERT INTO o_deal (id, version, created_at, modified_at, f_name, f_amount, f_chance) "
    "SELECT 100000 + i, 1, now(), now(), 'deal ' || i, ((i::bigint * 7919) % 100000000) / 100.0, "
    "((i::bigint * 104729) % 10000) / 100.0 FROM generate_series(1, {rows}) AS i",
}


def seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def cpu_ms(work: Callable[[], Any]) -> float:
    """Return the median processor time in milliseconds: what others do on the machine counts little."""
    times = []
    for _ in range(ROUNDS * 3):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return round(statistics.median(times) * 1000, 1)


def in_turn(*sides: Callable[[], Any]) -> list[float]:
    """Return the median time of each side in seconds."""
    times: list[list[float]] = [[] for _ in sides]
    for _ in range(ROUNDS):
        for kept, side in zip(times, sides, strict=True):
            kept.append(seconds(side))
    return [statistics.median(t) for t in times]


# -- one evaluation ----------------------------------------------------------------------------------------------------

SYMBOLS = [
    Symbol("amount", Type.NUMBER),
    Symbol("cost", Type.NUMBER),
    Symbol("stage", Type.PICKLIST, values=("new", "won")),
    Symbol("name", Type.TEXT),
]
ROW = {"amount": Decimal("1234.50"), "cost": Decimal("1000.00"), "stage": "won", "name": "Acme Limited"}


def _condition(row: dict[str, Any]) -> bool:
    return row["stage"] == "won" and (row["amount"] or 0) > 1000


def _margin(row: dict[str, Any]) -> Decimal | None:
    amount = row["amount"] or Decimal(0)
    return None if amount == 0 else (amount - (row["cost"] or 0)) / amount


def _label(row: dict[str, Any]) -> str:
    return f"{(row['name'] or '').upper()}: {row['stage'] or ''}"


EVALUATED: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    ('stage = "won" && amount > 1000', _condition),
    ("IF(amount = 0, NULL, (amount - cost) / amount)", _margin),
    ('UPPER(name) & ": " & TEXT(stage)', _label),
]


def evaluation() -> list[dict[str, Any]]:
    found = []
    scope, now = FlatScope(SYMBOLS, functions()), datetime(2026, 11, 22, tzinfo=UTC)
    for text, by_hand in EVALUATED:
        run = compile(check(parse(text), scope, text=text))

        def formula(run: Any = run) -> None:
            for _ in range(EVALUATIONS):
                run(Context(ROW, now=now))

        def python(by_hand: Any = by_hand) -> None:
            for _ in range(EVALUATIONS):
                by_hand(ROW)

        own, hand = in_turn(formula, python)
        scale = 1e9 / EVALUATIONS
        found.append({"formula": text, "ns": round(own * scale), "by_hand_ns": round(hand * scale)})
    return found


# -- lists sorted by a formula -----------------------------------------------------------------------------------------


def lists(tenant: Tenant, rows: int) -> list[dict[str, Any]]:
    dialect = tenant.database.dialect_name
    tenant.publisher.apply(tenant.publisher.plan_documents([DEAL]))
    with tenant.database.writing() as connection:
        now = int(datetime(2026, 11, 22, tzinfo=UTC).timestamp() * 1_000_000)
        connection.execute(sa.text(ROWS_SQL[dialect].format(rows=rows, now=now).replace("::", "\\:\\:")))
    with tenant.database.writing() as connection:
        connection.exec_driver_sql("ANALYZE")
    return [_list(tenant, name, expression) for name, expression in BY_HAND[dialect].items()]


def _list(tenant: Tenant, name: str, expression: str) -> dict[str, Any]:
    query = Query("deal", ("name", name), sort=(Sort(name, True),), limit=50)
    text = sa.text(
        f"SELECT id, version, f_name, {expression} AS v FROM o_deal WHERE deleted_at IS NULL "
        "ORDER BY v DESC NULLS LAST, id DESC LIMIT 51"
    )

    def product() -> list[Any]:
        with tenant.database.reading() as connection:
            return run_query(tenant, connection, tenant.model_in(connection), SYSTEM, query).rows

    def by_hand() -> list[Any]:
        with tenant.database.reading() as connection:
            return list(connection.execute(text).all())

    kind = ScaledDecimal(18, 2 if name == "weighted" else 4)
    scale = kind.scale if tenant.database.is_sqlite else 0
    first = [str(Decimal(row[3]).scaleb(-scale)) if scale else str(row[3]) for row in by_hand()[:50]]
    assert [row[name] for row in product()] == first, "the two sides answer differently"
    own, hand = in_turn(product, by_hand)
    return {
        "database": tenant.database.dialect_name,
        "field": name,
        "seconds": round(own, 3),
        "by_hand_seconds": round(hand, 3),
        "ratio": round(own / hand, 2),
    }


# -- compiling ---------------------------------------------------------------------------------------------------------


def compiling() -> list[dict[str, Any]]:
    longest = " + ".join(["amount * 2 - cost"] * 260)[:4990].rsplit(" + ", 1)[0]
    usual = " + ".join(['IF(stage = "won" && amount > 1000, ROUND(amount * 0.1, 2), 0)'] * 90)[:4990].rsplit(" + ", 1)[
        0
    ]
    deepest = "amount"
    for _ in range(200):
        deepest = f"ABS({deepest})"
    scope = FlatScope(SYMBOLS, functions())
    columns = {
        s.path: sa.column(s.path, ScaledDecimal(18, 2) if s.type is Type.NUMBER else text_column()) for s in SYMBOLS
    }
    found = []
    texts = (
        ("5,000 characters of arithmetic", longest),
        ("5,000 characters of conditions", usual),
        ("2,500 terms", "+".join(["1"] * 2499)),
        ("200 levels", deepest),
    )
    for kind, text in texts:
        parse.cache_clear()
        typed = check(parse(text), scope, text=text)
        entry: dict[str, Any] = {"formula": kind, "characters": len(text)}

        def front(text: str = text) -> None:
            parse.cache_clear()
            check(parse(text), scope, text=text)

        entry["parse_and_check_ms"] = cpu_ms(front)
        entry["python_ms"] = cpu_ms(lambda typed=typed: compile(typed))  # type: ignore[misc]
        for dialect in ("sqlite", "postgresql"):
            entry[f"{dialect}_ms"] = _to_sql(typed, dialect, columns)
        found.append(entry)
    return found


def _to_sql(typed: Any, dialect: str, columns: dict[str, Any]) -> float | str:
    def work() -> None:
        sql.compile(typed, dialect, lambda s: columns[s.path], scale=2)

    try:
        return cpu_ms(work)
    except Refused as refusal:
        return f"refused: {refusal.message}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--postgresql", help="Address of a server; default: a temporary one.")
    asked = parser.parse_args()
    result: dict[str, Any] = {"rows": asked.rows, "evaluation": evaluation(), "compiling": compiling(), "lists": []}
    with tempfile.TemporaryDirectory() as folder:
        runtime = Runtime(Path(folder) / "sqlite")
        result["lists"] += lists(runtime.create_tenant("bench"), asked.rows)
        runtime.close()
        result["lists"] += _on_postgresql(asked.postgresql, Path(folder) / "postgresql", asked.rows)
    place = HERE / "results" / "formulas.json"
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    print(json.dumps(result, indent=2, ensure_ascii=False))


def _on_postgresql(url: str | None, home: Path, rows: int) -> list[dict[str, Any]]:
    from support.postgres import temporary_cluster

    def measure(address: str) -> list[dict[str, Any]]:
        runtime = Runtime(home, database_url=address)
        try:
            return lists(runtime.create_tenant("bench"), rows)
        finally:
            runtime.close()

    if url:
        return measure(url)
    with temporary_cluster() as cluster:
        return measure(cluster.create_database())


if __name__ == "__main__":
    main()

"""Random typed formulas as fields of a real table: the list, the order and the filter agree with the evaluator in Python."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from formula.generate import formulas, rows
from formula_fields.data import formula
from hypothesis import HealthCheck, Phase, given, settings
from support.kernel import ADMIN, create, field, obj, page, publish

from trellis.clock import FakeClock
from trellis.formula import Context, ErrorValue
from trellis.model.formulas import formula_of
from trellis.rules.checking import check_formula
from trellis.rules.reader import Onlooker
from trellis.rules.values import values_of
from trellis.tenant import Tenant
from trellis.transaction.statements import statements_of
from trellis_metadata.language import Language

NOW = datetime(2026, 3, 29, 0, 59, 59, 250_000, tzinfo=UTC)
COUNT, ROWS = 18, 24
FIRST, LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
"""The moments that a field holds."""
RETURNS = {"n": "number", "t": "text", "b": "boolean", "d": "date", "m": "datetime", "h": "time"}
STORED = [
    field("money", "number", precision=18, scale=2),
    field("small", "number", precision=5, scale=2),
    field("share", "percent", precision=7, scale=3),
    field("name", max_length=255),
    field("note"),
    field("done", "boolean"),
    field("day", "date"),
    field("until", "date"),
    field("at", "datetime"),
    field("seen", "datetime"),
    field("clock", "time"),
    field("tags", "multi_picklist", options=[{"name": n} for n in "abc"]),
    field("stage", "picklist", options=[{"name": n} for n in ("new", "won", "lost")]),
]


_WITHOUT_SQL = re.compile(r"GEOLOCATION|PINYIN|URLENCODE|fiscal_", re.IGNORECASE)


def drawn() -> list[dict[str, Any]]:
    """Return formula fields with random formulas, the same at every run."""
    language, found = Language({**_types()}, formula_checker=check_formula), []
    for kind, returns in RETURNS.items():
        texts, without_sql = _texts(kind), 0
        for text in dict.fromkeys(sorted(texts, key=len, reverse=True)):
            # What one database refuses by name says nothing about orders and filters: one of a kind is enough.
            without_sql += (refused := _WITHOUT_SQL.search(text) is not None)
            if refused and without_sql > 1:
                continue
            blanks = "blank" if len(found) % 2 else "zero"
            made = formula(f"f{len(found)}", returns, text, blanks=blanks, **({"scale": 2} if kind == "n" else {}))
            if len(text) < 300 and not language.check([obj("thing", *STORED, made)])[1]:
                found.append(made)
            if len(found) % (COUNT // len(RETURNS)) == 0 and found and found[-1]["returns"] == returns:
                break
    return found


def _texts(kind: str) -> list[str]:
    texts: list[str] = []

    @settings(
        max_examples=40,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(formulas(kind))
    def collect(text: str) -> None:
        texts.append(re.sub(r"\bbuddy\b", "owner", re.sub(r"\bhuge\b", "small", text)))

    collect()
    return texts


def _types() -> Any:
    from trellis.fields import field_types

    return field_types()


def _json(value: Any) -> Any:
    match value:
        case Decimal():
            return format(value, "f")
        case datetime():
            return min(max(value, FIRST), LAST).isoformat()
        case date() | time():
            return value.isoformat()
        case tuple():
            return list(value)
        case str():
            return value.replace("\n", " ")
    return value


def _build(tenant: Tenant) -> None:
    publish(tenant, obj("thing", *STORED, *drawn()))
    names = {f["name"] for f in STORED}
    create(tenant, "thing", *({k: _json(v) for k, v in row.items() if k in names} for row in rows(11, ROWS)))


@pytest.fixture
def things(open_copy: Callable[[str, Callable[[Tenant], None]], Tenant]) -> Tenant:
    tenant = open_copy("random_formulas", _build)
    tenant.clock = FakeClock(NOW)
    return tenant


def expected(tenant: Tenant) -> dict[str, list[Any]]:
    """Return the values of every formula field by the evaluator, in the order of creation; errors are ``"error"``."""
    with tenant.database.reading() as connection:
        model = tenant.model_in(connection)
        root = model.object("thing")
        numbers = [
            model.env.parse_id(r["id"], ["thing"])[1] for r in page(tenant, "thing", sort=["id"], limit=100).rows
        ]
        stored = statements_of(root).fetch(connection, numbers)
        found: dict[str, list[Any]] = {}
        for name in (f.name for f in root.formula_fields):
            made = formula_of(model, root, root.fields[name])
            reader = Onlooker(tenant, connection, model, ADMIN, NOW)
            seen = values_of(reader, root, [stored[n] for n in numbers], [None] * ROWS, [s.path for s in made.symbols])
            out = (made.evaluate(Context(now, now=NOW)) for now, _ in seen)
            found[name] = ["error" if isinstance(v, ErrorValue) else v for v in out]
    return found


@pytest.mark.slow
def test_lists_orders_and_filters_agree_with_the_evaluator(things: Tenant) -> None:
    root = things.model().object("thing")
    wanted = expected(things)
    assert len(wanted) == COUNT
    refused = []
    for name, values in wanted.items():
        write = root.fields[name].codec.to_json or (lambda v: v)
        listed = page(things, "thing", fields=[name, f"{name}.error"], sort=["id"], limit=100).rows
        shown = [None if v is None or v == "error" else write(v) for v in values]
        text = root.fields[name].doc["formula"]
        assert [r[name] for r in listed] == shown, text
        assert [bool(r[f"{name}.error"]) for r in listed] == [v == "error" for v in values], text
        if not _agrees_in_sql(things, name, values, shown):
            refused.append(name)
    assert len(refused) < COUNT / 2, refused


def _agrees_in_sql(tenant: Tenant, name: str, values: list[Any], shown: list[Any]) -> bool:
    """Compare an order and two filters by the field; False where it has no exact SQL."""
    from trellis.query import InvalidQuery

    try:
        ordered = page(tenant, "thing", fields=[name], sort=[f"-{name}", "id"], limit=100).rows
    except InvalidQuery as refusal:
        assert "cannot be" in refusal.message or "not filtered" in refusal.message
        return False
    present = [(v, s) for v, s in zip(values, shown, strict=True) if s is not None]
    wanted = [s for _, s in sorted(present, key=lambda pair: pair[0], reverse=True)]
    assert [r[name] for r in ordered] == wanted + [None] * (len(values) - len(wanted))
    blank = page(tenant, "thing", filter={"field": name, "op": "is_blank"}, limit=100).rows
    assert len(blank) == len(values) - len(wanted)
    if wanted:
        middle = present[len(present) // 2]
        same = page(tenant, "thing", filter={"field": name, "op": "=", "value": middle[1]}, limit=100).rows
        given = [v for v, _ in present if v == middle[0]]
        # A text with spaces at its ends is read without them, as every filter reads it.
        assert len(same) == len(given) or (isinstance(middle[1], str) and middle[1] != middle[1].strip())
    return True

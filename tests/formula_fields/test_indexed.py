"""Indexed formulas: a stored copy that is always what the formula gives, used by filters, orders, cursors and groups.

Each indexed field has a twin with the same formula and no index: whatever was written, the two agree.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from formula_fields.data import formula
from support.kernel import counting, create, field, obj, page, person, publish, ref, rows, undo, values, write

from trellis.cli import root
from trellis.cli.checks import rollups, stored_formulas
from trellis.exchange.archive import backup, restore_tenant
from trellis.fields import field_types
from trellis.publishing import publication
from trellis.publishing.publisher import Publisher
from trellis.query import InvalidQuery
from trellis.rules.checking import check_formula
from trellis.tenant import Tenant
from trellis.transaction import Transaction
from trellis_metadata.language import Language

INDEXED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "margin": ("percent", "IF(amount = 0, NULL, (amount - cost) / amount)", {}),
    "left": ("currency", "amount - total", {"scale": 2}),
    "double": ("number", "total * 2 + SUM(parts.weight)", {"scale": 3}),
    "title": ("text", 'UPPER(name) & "/" & address.city & "/" & TEXT(stage)', {"max_length": 40}),
    "plain": ("boolean", 'REGEX(name, "[a-z]+") && NOT(ISBLANK(parent))', {}),
    "due": ("date", "closes + 7", {}),
    "until": ("datetime", "called + 0.5", {}),
    "at": ("time", "TIMEVALUE(called)", {}),
    "over": ("number", "double / qty", {"scale": 1}),
    "when": ("text", 'IF(version > 1, "changed", "new") & TEXT(modified_at)', {"max_length": 60}),
    "small": ("number", "qty * 1000", {"precision": 6, "scale": 0}),
    "grade": ("text", 'LOOKUP("grades", qty)', {"max_length": 10}),
}
LANGUAGE = Language(field_types(), system={}, formula_checker=check_formula)
GRADES = {
    "kind": "decision_table",
    "name": "grades",
    "label": "Grades",
    "keys": [{"name": "qty", "type": "number", "match": "range"}],
    "values": [{"name": "grade", "type": "text"}],
    "rows": [
        {"name": "few", "when": {"qty": {"to": "3"}}, "then": {"grade": "low"}},
        {"name": "many", "when": {}, "then": {"grade": "high"}},
    ],
}


def item(*more: dict[str, Any], indexed: bool = True, **changed: Any) -> dict[str, Any]:
    """The object with all indexed formulas and their twins; ``changed`` replaces fields by name."""
    extra = {"indexed": True} if indexed else {}
    fields = [
        field("name"),
        field("amount", "currency"),
        field("cost", "number"),
        field("qty", "integer"),
        field("closes", "date"),
        field("called", "datetime"),
        field("stage", "picklist", options=[{"name": n} for n in ("new", "won")]),
        field("address", "address"),
        field("parent", "lookup", target="item", on_delete="set_null"),
        field("total", "rollup", of="part.item", operation="sum", field="weight", filter="NOT(ISBLANK(size))"),
        *(formula(n, returns, text, **options, **extra) for n, (returns, text, options) in INDEXED.items()),
        *(formula(f"{n}_now", returns, text, **options) for n, (returns, text, options) in INDEXED.items()),
        *more,
    ]
    return obj("item", *(changed.get(f["name"], f) for f in fields), sharing={"default": "read"})


PART = obj(
    "part",
    field("item", "lookup", target="item", relationship="parts", on_delete="cascade"),
    field("size", "integer"),
    field("weight", "number", scale=1),
    sharing={"default": "read"},
)


def build(tenant: Tenant) -> None:
    publish(tenant, GRADES, item(), PART)
    first, second, *_ = create(
        tenant,
        "item",
        {"name": "alpha", "amount": "200", "cost": "120", "qty": 2, "closes": "2026-11-30", "stage": "won"},
        {"name": "Beta", "amount": "0", "cost": "270", "called": "2026-11-20T20:15:00Z", "address": {"city": "Oslo"}},
        {"name": "gamma", "amount": "90", "qty": 4000},
        {},
    )
    create(tenant, "part", *({"item": ref(tenant, "item", first), "size": n, "weight": "1.5"} for n in (1, 2)))
    write(tenant, lambda tx: tx.update("item", [{"id": second, "parent": ref(tenant, "item", first)}]))


@pytest.fixture
def shop(open_copy: Callable[[str, Callable[[Tenant], None]], Tenant]) -> Tenant:
    return open_copy("indexed formulas", build)


def assert_right(tenant: Tenant, *, refused: frozenset[str] = frozenset({"plain", "grade"})) -> None:
    """The copies are what the twins compute, deleted records included, and both are one order and one filter."""
    for row in rows(tenant, "item"):
        assert {n: row[n] for n in INDEXED} == {n: row[f"{n}_now"] for n in INDEXED}
    with tenant.database.reading() as connection:
        assert [c.message for c in stored_formulas.check(tenant, connection)] == []
    for name in INDEXED.keys() - refused:
        for sort in (name, f"-{name}"):
            twin = f"{sort}_now"
            assert values(tenant, "item", "id", sort=[sort, "id"]) == values(tenant, "item", "id", sort=[twin, "id"])


def held(tenant: Tenant, name: str) -> list[Any]:
    """What the column of the copy holds, deleted records included."""
    model = tenant.model().object("item")
    shadow = model.shadows[name]
    with tenant.database.reading() as connection:
        found = connection.execute(model.table.select().with_only_columns(shadow.column).order_by(model.table.c.id))
        return list(found.scalars())


def test_the_copy_of_every_type_is_what_the_formula_gives(shop: Tenant) -> None:
    assert_right(shop)
    assert values(shop, "item", "margin") == ["40.00", None, "100.00", None]
    assert values(shop, "item", "left") == ["197.00", "0.00", "90.00", "0.00"]
    assert values(shop, "item", "double") == ["9.000", "0.000", "0.000", "0.000"]
    assert values(shop, "item", "small") == ["2000", "0", None, "0"]
    assert values(shop, "item", "small.error") == [False, False, True, False]
    assert values(shop, "item", "grade") == ["low", "low", "high", "low"]


def test_filter_order_cursor_group_and_aggregate_use_the_copy_also_where_the_database_cannot_compute_it(
    shop: Tenant,
) -> None:
    with counting(shop) as seen:
        assert values(shop, "item", "id", filter={"field": "plain", "op": "=", "value": True}) == []
        names = [r["name"] for r in rows(shop, "item", fields=["name"], sort=["-plain", "-title"])]
    column = shop.model().object("item").shadows["plain"].column.name
    assert any(f"{column} AS key_0" in s and "ORDER BY key_0 DESC" in s for s in seen)
    walked, cursor = [], None
    for _ in names:
        found = page(shop, "item", fields=["name"], sort=["-plain", "-title"], limit=1, cursor=cursor)
        walked.append(found.rows[0]["name"])
        cursor = found.cursor
    assert (walked, cursor) == (names, None)
    grouped = page(shop, "item", group_by=["grade"], aggregates=[{"function": "max", "field": "double"}]).rows
    assert sorted((r["grade"], r["max(double)"]) for r in grouped) == [("high", "0.000"), ("low", "9.000")]


def test_a_related_record_s_copy_is_read_over_the_relation(shop: Tenant) -> None:
    assert values(shop, "item", "parent.double") == [None, "9.000", None, None]
    assert values(shop, "item", "name", filter={"field": "parent.double", "op": ">", "value": "8"}) == ["Beta"]
    assert values(shop, "item", "name", filter="parent.double > 8") == ["Beta"]


def test_a_restored_archive_has_the_copies_and_keeps_them(open_home: Any, tmp_path: Path) -> None:
    runtime, _ = open_home("indexed formulas in an archive", lambda runtime: build(runtime.create_tenant("acme")))
    backup(runtime.tenant("acme"), tmp_path / "acme.zip")
    restored = restore_tenant(runtime, tmp_path / "acme.zip", "again")
    assert held(restored, "margin") == held(runtime.tenant("acme"), "margin")
    create(restored, "item", {"name": "after", "amount": "8", "cost": "2"})
    assert values(restored, "item", "margin")[-1] == "75.00"
    assert_right(restored)


def test_there_is_an_index_for_each(shop: Tenant) -> None:
    storage = shop.model().object("item").storage
    assert {p for p in storage.indexes if p.startswith("indexed:")} == {f"indexed:{n}" for n in INDEXED}


def test_whoever_may_not_see_what_it_reads_sees_it_masked(shop: Tenant) -> None:
    rights = {
        "kind": "permission_set",
        "name": "blind",
        "label": "Blind",
        "objects": [{"name": "item", "rights": ["read"], "fields": [{"name": "cost", "access": "none"}]}],
    }
    publish(shop, rights)
    [user] = create(shop, "user", {"name": "reader", "login": "reader"})
    reader = person(shop, user, "reader", "blind")
    with pytest.raises(InvalidQuery):
        rows(shop, "item", reader, filter={"field": "margin", "op": ">", "value": "1"})
    shown = rows(shop, "item", reader, fields=["margin", "due"])
    assert "40.00" not in [r["margin"] for r in shown]
    assert shown[0]["due"] == "2026-12-07"


def test_copies_follow_every_kind_of_write(shop: Tenant) -> None:
    rng = random.Random(11)
    for number in range(25):
        _write_something(shop, rng, number)
        if number % 6 == 5:
            assert_right(shop)
    assert_right(shop)


def _write_something(shop: Tenant, rng: random.Random, number: int) -> None:
    live = {n: values(shop, n, "id") for n in ("item", "part")}
    some = {n: rng.sample(ids, min(len(ids), 2)) for n, ids in live.items()}
    change = {
        "amount": rng.choice([None, "0", "12.50", "999"]),
        "cost": rng.choice([None, "1", "-3"]),
        "qty": rng.choice([None, 0, 3, 5000]),
        "closes": rng.choice([None, "2026-02-28"]),
        "called": rng.choice([None, "2026-03-29T00:30:00Z"]),
        "address": rng.choice([None, {"city": "München"}]),
    }
    child = {"weight": rng.choice([None, "2.5", "-1"]), "size": rng.choice([None, 3])}

    def body(tx: Transaction) -> None:
        match number % 7:
            case 0:
                tx.create("item", [{"name": f"n{number}", **change}, {"name": "ok"}])
            case 1:
                tx.update("item", [{"id": i, **change} for i in some["item"]])
            case 2:
                tx.create("part", [{"item": i, **child} for i in some["item"]])
            case 3:
                tx.update("part", [{"id": i, **child, "item": rng.choice(live["item"])} for i in some["part"]])
            case 4:
                tx.delete("part", [tx.model.env.parse_id(i, ["part"])[1] for i in some["part"][:1]])
            case 5:
                number_of = [tx.model.env.parse_id(i, ["item"])[1] for i in some["item"]]
                tx.delete("item", number_of)
                tx.restore("item", number_of[:1])
            case _:
                tx.update("item", [{"id": i, "parent": some["item"][0]} for i in some["item"][1:]], mode="partial")

    write(shop, body)


def test_a_record_that_is_restored_without_what_it_pointed_at_has_the_right_copy(shop: Tenant) -> None:
    first, second = (shop.model().env.parse_id(i, ["item"])[1] for i in values(shop, "item", "id")[:2])
    write(shop, lambda tx: tx.update("item", [{"id": second, "name": "beta"}]))
    assert values(shop, "item", "plain")[1] is True
    write(shop, lambda tx: tx.delete("item", [second]))
    write(shop, lambda tx: tx.delete("item", [first]))
    write(shop, lambda tx: tx.restore("item", [second]))
    assert values(shop, "item", "plain")[0] is False
    assert_right(shop)


def test_one_write_costs_two_statements_more_whatever_the_number_of_records(shop: Tenant) -> None:
    def statements(count: int) -> int:
        with counting(shop) as seen:
            create(shop, "item", *({"name": f"x{n}"} for n in range(count)))
        return sum("_formula" not in s and (".x_" in s or " x_" in s or "SET x_" in s) for s in seen)

    assert statements(1) == statements(30)


def test_the_plan_tells_the_work_and_a_new_index_is_filled(shop: Tenant) -> None:
    publish(shop, item(indexed=False))
    assert shop.model().object("item").shadows == {}
    plan = shop.publisher.plan_documents([item()])
    told = {f.subject: (f.code, f.count, f.to_json("en")["message"]) for f in plan.findings}
    assert told["item.margin"] == (
        "formula_computed",
        4,
        "'margin' is computed and stored for 4 records, for its index.",
    )
    assert len(told) == len(INDEXED) and not plan.destructive
    shop.publisher.apply(plan)
    assert_right(shop)


def test_undo_and_what_was_written_before_it(shop: Tenant) -> None:
    publish(shop, item(indexed=False))
    create(shop, "item", {"name": "later", "amount": "7"})
    undo(shop)
    assert_right(shop)
    assert len(held(shop, "margin")) == 5


@pytest.mark.parametrize(
    "changed",
    [
        [item(margin=formula("margin", "percent", "amount / 400", indexed=True))],
        [item(qty=field("qty", "number", scale=2))],
        [{**PART, "fields": [*PART["fields"][:2], field("weight", "number", scale=3)]}],
        [{**GRADES, "rows": [{"name": "all", "when": {}, "then": {"grade": "same"}}]}],
        [item(total=field("total", "rollup", of="part.item", operation="count"))],
        [item(double=formula("double", "number", "total + 1", scale=0, indexed=True))],
        [item(margin_now=formula("margin_now", "percent", "cost / 100"))],
    ],
    ids=["formula", "type of an input", "type of a child's field", "table", "roll-up", "inner formula", "another"],
)
def test_copies_follow_every_change_of_what_decides_them_and_its_undo(
    shop: Tenant, changed: list[dict[str, Any]]
) -> None:
    publish(shop, *changed)
    with shop.database.reading() as connection:
        assert [c.message for c in stored_formulas.check(shop, connection)] == []
    write(shop, lambda tx: tx.update("item", [{"id": values(shop, "item", "id")[0], "qty": 9}]))
    undo(shop)
    assert_right(shop)


def test_what_cannot_change_them_computes_nothing(shop: Tenant) -> None:
    label = {**INDEXED["margin"][2], "label": "Margin"}
    new = item(margin=formula("margin", *INDEXED["margin"][:2], **label, indexed=True))
    assert shop.publisher.plan_documents([new]).findings == ()


def test_a_rename_keeps_them_right(shop: Tenant) -> None:
    renamed = item(margin={**formula("share", *INDEXED["margin"][:2], indexed=True), "was": ["margin"]})
    publish(shop, renamed)
    assert values(shop, "item", "share") == values(shop, "item", "margin_now")
    create(shop, "item", {"amount": "10", "cost": "5"})
    assert values(shop, "item", "share")[-1] == "50.00"


def test_what_is_written_during_the_back_fill_is_caught_up_with_also_over_two_levels(
    shop: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(shop, item(indexed=False))
    monkeypatch.setattr(publication, "INLINE_ROWS", 0)
    monkeypatch.setattr("trellis.publishing.filling.BATCH_ROWS", 2)
    first, second, third, _ = values(shop, "item", "id")

    def fault(step: str) -> None:
        if step == "before activate":
            create(shop, "part", {"item": third, "size": 1, "weight": "8"})
            write(shop, lambda tx: tx.update("part", [{"id": values(shop, "part", "id")[0], "item": second}]))
            write(shop, lambda tx: tx.update("item", [{"id": first, "name": "late", "amount": "1"}]))
            create(shop, "item", {"name": "new", "amount": "3", "cost": "1"})

    publisher = Publisher(shop, fault=fault)
    publisher.apply(publisher.plan_documents([item()]))
    assert values(shop, "item", "total") == ["1.5", "1.5", "8.0", "0.0", "0.0"]
    assert_right(shop)


def test_doctor_finds_and_mends_a_wrong_copy_also_one_that_follows_from_a_wrong_roll_up(shop: Tenant) -> None:
    model = shop.model().object("item")
    columns = {"margin": model.shadows["margin"].column, "total": model.fields["total"].column}
    with shop.database.writing() as connection:
        first = model.fields["name"].column == "alpha"
        connection.execute(model.table.update().where(first).values({columns["margin"]: 3, columns["total"]: 77}))
    with shop.database.reading() as connection:
        found = {c.subject: c.message for c in stored_formulas.check(shop, connection)}
    assert "3.00 instead of 40.00" in found["item.margin"]
    rollups.repair(shop)
    assert stored_formulas.repair(shop) == 1
    assert_right(shop)


def test_doctor_of_the_command_line_runs_both_in_the_right_order(tmp_path: Path) -> None:
    result = CliRunner().invoke(root, ["--home", str(tmp_path), "doctor", "--help"])
    assert result.exit_code == 0
    from trellis.cli.checks import repairs

    order = list(repairs())
    assert order.index("rollups") < order.index("stored_formulas")


def _problems(*documents: dict[str, Any]) -> list[tuple[str, str, str]]:
    found = LANGUAGE.check([*documents, obj("user", field("name"))])[1]
    return [(d.pointer, d.code, d.message) for d in found if d.severity.name == "ERROR"]


@pytest.mark.parametrize(
    ("returns", "text", "why"),
    [
        ("number", "parent.qty", "'parent.qty' is read from another record"),
        ("number", "inner + 1", "'parent.qty' is read from another record"),
        ("date", "TODAY()", "TODAY reads the clock"),
        ("boolean", 'WITHIN(closes, "THIS_MONTH")', "WITHIN reads the clock"),
        ("date", "DATEVALUE(called)", "DATEVALUE depends on the time zone"),
        ("date", 'STARTOF("fiscal_year", closes)', "STARTOF reads settings of the organisation"),
        ("text", "$user.name", "'$user.name' depends on who asks"),
        ("text", "$org.currency", "'$org.currency' is read from the organisation"),
        ("boolean", "inner.error", "'inner.error' is no stored value"),
    ],
)
def test_what_may_change_without_the_record_is_refused_by_name(returns: str, text: str, why: str) -> None:
    more = {"max_length": 100} if returns == "text" else {}
    new = item(
        formula("inner", "number", "parent.qty"), formula("f", returns, text, indexed=True, **more), indexed=False
    )
    [(pointer, code, message)] = _problems(GRADES, new, PART)
    assert (pointer, code) == (f"/fields/{len(new['fields']) - 1}/indexed", "not_indexable")
    assert f"A formula is indexed over its own record alone, but {why}." in message


@pytest.mark.parametrize(
    ("returns", "more", "code"),
    [
        ("text", {}, "too_long_for_index"),
        ("text", {"max_length": 601}, "too_long_for_index"),
        ("currency", {}, "not_indexable"),
    ],
)
def test_what_an_index_cannot_hold_is_refused(returns: str, more: dict[str, Any], code: str) -> None:
    text = "name" if returns == "text" else "cost"
    new = item(formula("f", returns, text, indexed=True, **more), indexed=False)
    assert [c for _, c, _ in _problems(GRADES, new, PART)] == [code]


def test_the_length_of_a_text_is_kept_everywhere(tenant: Tenant) -> None:
    texts = [formula(n, "text", "name & name", max_length=5, indexed=n == "i") for n in ("t", "i")]
    publish(tenant, obj("thing", field("name"), *texts, formula("both", "text", "t & i")))
    create(tenant, "thing", {"name": "äbc😀"}, {})
    assert values(tenant, "thing", "t") == values(tenant, "thing", "i") == ["äbc😀ä", None]
    assert values(tenant, "thing", "both") == ["äbc😀" * 4, None]
    assert values(tenant, "thing", "name", filter={"field": "t", "op": "=", "value": "äbc😀ä"}) == ["äbc😀"]


def test_the_length_is_of_texts_only() -> None:
    new = item(formula("f", "number", "cost", max_length=5), indexed=False)
    assert [c for _, c, _ in _problems(GRADES, new, PART)] == ["no_effect"]

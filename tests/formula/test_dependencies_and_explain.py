"""What a formula depends on, when its value can change, and why it gives what it gives."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from formula.test_problems import SYMBOLS, typed

from trellis.formula import Context, ErrorValue, compile, explain, functions
from trellis_metadata.formula import FlatScope, FormulaSource, Reads, Symbol, Type, check, dependencies, parse


def test_dependencies_name_fields_relations_functions_and_rollups() -> None:
    found = dependencies(typed("IF(account.name = name, SUM(lines.amount), ROUND(amount, 2))"))
    assert found.fields == {"account.name", "name", "amount"}
    assert found.relations == {"account"}
    assert found.rollups == {("SUM", "lines.amount")}
    assert {"IF", "ROUND"} <= found.functions
    assert found.reads is Reads.RECORDS


def test_only_formulas_of_their_own_row_are_row_only() -> None:
    assert dependencies(typed("amount * 2")).row_only
    assert dependencies(typed("TODAY() - closed_on")).reads == Reads.CLOCK | Reads.ZONE
    assert dependencies(typed("ISCHANGED(amount)")).reads == Reads.CHANGE


def test_dependencies_follow_formula_fields() -> None:
    scope = FlatScope(SYMBOLS, functions())
    scope.add(Symbol("net", Type.NUMBER, formula=FormulaSource("amount / 1.19", scope)))
    found = dependencies(check(parse("net * 2"), scope))
    assert (found.fields, found.formulas) == ({"amount"}, {"net"})


def test_explain_shows_the_value_of_each_part_and_where_the_error_is() -> None:
    row = {"amount": Decimal(0), "done": True}
    step = explain(typed("IF(done, 1 / amount, amount + 2)"), Context(row))
    assert isinstance(step.value, ErrorValue)
    assert [(p.text, p.value if not isinstance(p.value, ErrorValue) else p.value.code) for p in step.parts] == [
        ("done", True),
        ("1 / amount", "arithmetic"),
        ("amount + 2", Decimal(2)),
    ]
    assert step.lines()[0] == "IF = error: Division by zero."


def test_change_functions_compare_with_the_row_before() -> None:
    old, new = {"amount": Decimal("2.0"), "name": "a\r\nb"}, {"amount": Decimal(2), "name": "a\nb"}
    assert compile(typed("ISCHANGED(amount) || ISCHANGED(name)"))(Context(new, old=old)) is False
    assert compile(typed("ISCHANGED(amount)"))(Context({"amount": Decimal(3)}, old=old)) is True
    assert compile(typed("PRIORVALUE(amount)"))(Context(new, old=old)) == 2
    assert compile(typed("ISCHANGED(amount)"))(Context(new, is_new=True)) is False
    assert compile(typed("ISCHANGED(amount)"))(Context({"amount": None}, old={"amount": Decimal(0)})) is False
    assert compile(typed("ISCHANGED(name)"))(Context({"name": None}, old={"name": "x"})) is True


def test_a_formula_field_used_twice_is_computed_once_per_row() -> None:
    scope = FlatScope([], functions())
    scope.add(Symbol("f0", Type.NUMBER))
    for n in range(1, 20):
        scope.add(Symbol(f"f{n}", Type.NUMBER, formula=FormulaSource(f"f{n - 1} + f{n - 1}", scope)))
    assert compile(check(parse("f19"), scope))(Context({"f0": Decimal(1)})) == 2**19


def test_today_is_the_day_of_the_organisation() -> None:
    from zoneinfo import ZoneInfo

    moment = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    context = Context({"seen_at": moment}, now=moment, zone=ZoneInfo("Asia/Shanghai"))
    assert str(compile(typed("TODAY()"))(context)) == "2026-11-23"
    assert str(compile(typed("DATEVALUE(seen_at)"))(context)) == "2026-11-23"

"""What is wrong with a formula is said with its place, and with the name that was probably meant."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from formula.support import corpus_lines

from trellis.formula import Context, compile, functions
from trellis_metadata.formula import (
    FlatScope,
    FormulaError,
    FormulaSource,
    Symbol,
    Type,
    Typed,
    check,
    find_cycle,
    parse,
    parse_template,
)

CASES = [json.loads(line) for line in Path(__file__).with_name("cases.jsonl").read_text("utf-8").splitlines()]
SYMBOLS = [
    Symbol("amount", Type.NUMBER),
    Symbol("name", Type.TEXT),
    Symbol("closed_on", Type.DATE),
    Symbol("seen_at", Type.DATETIME),
    Symbol("stage", Type.PICKLIST, values=("new", "won")),
    Symbol("done", Type.BOOLEAN),
    Symbol("account.name", Type.TEXT, relations=("account",)),
    Symbol("lines.amount", Type.NUMBER, many=True),
]


def typed(text: str, returns: Type | None = None, blanks: str = "zero") -> Typed:
    return check(parse(text), FlatScope(SYMBOLS, functions()), text=text, returns=returns, blanks=blanks)


@pytest.mark.parametrize(
    ("text", "place", "part"),
    [
        ("", 0, "empty"),
        ("1 +", 3, "ends too early"),
        ("(1 + 2", 6, "1 closing bracket is missing"),
        ("1 + 2)", 5, "without an opening bracket"),
        ("amount >", 8, "ends too early"),
        ("amount amount", 7, "operator"),
        ("amount ? 1", 7, "no meaning"),
        ("'abc", 0, "not closed"),
        ('"a\nb"', 0, "not closed"),
        ("1..2", 1, "digit on both sides"),
        ("1 /* x", 2, "comment is not closed"),
        ("done AND done", 5, "write '&&'"),
        ("done OR done", 5, "write '||'"),
        ("amount BETWEEN 1", 7, "two limits"),
        ("amout + 1", 0, "Did you mean 'amount'?"),
        ("ROUNDD(amount, 1)", 0, "Did you mean 'ROUND'?"),
        ('amount + "1"', 7, "VALUE"),
        ("name + amount", 5, "TEXT"),
        ("closed_on > seen_at", 10, "DATEVALUE"),
        ("IF(amount, 1, 2)", 3, "a truth value"),
        ('IF(done, 1, "a")', 12, "do not go together"),
        ("ROUND(amount)", 0, "takes 2 arguments, but 1 is given"),
        ("UPPER(stage)", 6, "Use TEXT"),
        ('ISPICKVAL(stage, "wonn")', 17, "Did you mean 'won'?"),
        ("ISPICKVAL(stage, name)", 17, "in quotes"),
        ("lines.amount + 1", 0, "list of child records"),
        ("SUM(amount)", 4, "needs a list of child records"),
        ("done > done", 5, "cannot compare"),
        ("ISCHANGED(account.name)", 10, "of the record itself"),
    ],
)
def test_problem_names_place_and_remedy(text: str, place: int, part: str) -> None:
    with pytest.raises(FormulaError) as caught:
        typed(text)
    assert part in caught.value.message
    assert caught.value.position == place


def test_all_problems_are_reported_at_once_in_order() -> None:
    with pytest.raises(FormulaError) as caught:
        typed("amout + UPPERR(name) + LEFT(name)")
    assert [p.code for p in caught.value.problems] == ["unknown_name", "unknown_function", "argument_count"]


def test_message_shows_line_and_caret() -> None:
    with pytest.raises(FormulaError) as caught:
        typed("amount +\n  amout")
    assert caught.value.message.splitlines()[-2:] == ["    amout", "    ^^^^^"]


def test_result_of_another_type_than_wanted_is_refused() -> None:
    with pytest.raises(FormulaError, match="a number, but a text is wanted"):
        typed("amount", Type.TEXT)


def test_formula_fields_in_a_circle_are_refused_with_the_path() -> None:
    scope = FlatScope(SYMBOLS, functions())
    for name, text in (("a", "b + 1"), ("b", "c * 2"), ("c", "IF(done, a, 0)")):
        scope.add(Symbol(name, Type.NUMBER, formula=FormulaSource(text, scope)))
    with pytest.raises(FormulaError, match="b → c → a → b"):
        check(parse("b"), scope, text="b")
    assert find_cycle({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]}) == ("a", "b", "c", "a")


def test_a_problem_inside_a_formula_field_names_the_field() -> None:
    scope = FlatScope(SYMBOLS, functions())
    scope.add(Symbol("bad", Type.NUMBER, formula=FormulaSource("amount +", scope)))
    with pytest.raises(FormulaError, match="'bad' has a problem of its own"):
        check(parse("1 + bad"), scope, text="1 + bad")


def _mutants(text: str) -> list[str]:
    found = [text[:i] + text[i + 1 :] for i, c in enumerate(text) if c in "()" and not _in_text(text, i)]
    return [*found, text + " )", "( " + text, text + " 1", text + " +", "* " + text, text + " ,"]


def _in_text(text: str, at: int) -> bool:
    quote, i = "", 0
    while i < at:
        if text[i] == "\\" and quote:
            i += 1
        elif quote:
            quote = "" if text[i] == quote else quote
        elif text[i] in "\"'":
            quote = text[i]
        elif text.startswith("/*", i):
            i = text.index("*/", i) + 1
            if i >= at:
                return True
        i += 1
    return bool(quote)


def assert_refused_with_position(text: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert 0 <= caught.value.position <= len(text), text


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_mutant_is_refused_with_a_position(case: dict[str, str]) -> None:
    for mutant in _mutants(case["formula"]):
        assert_refused_with_position(mutant)


def test_mutants_of_the_corpus_are_refused_with_a_position() -> None:
    for text in {case["formula"] for case in corpus_lines("formulas/open.jsonl")}:
        for mutant in _mutants(text):
            assert_refused_with_position(mutant)


@pytest.mark.parametrize(
    "text",
    [
        "amount+" * 2500 + "amount",
        "amount-" * 1000 + "amount",
        "(" * 2000 + "amount" + ")" * 2000,
        'name&"' + "x" * 5000 + '"',
        "IF(amount > 1, amount * 2, " * 200 + "1" + ")" * 200,
        "(amount + " * 200 + "1" + ")" * 200,
        "ABS(" * 200 + "amount" + ")" * 200,
        "IF(" * 200 + "done" + ", true, false)" * 200,
        " && ".join(["amount > 1"] * 500),
    ],
    ids=lambda text: text[:12],
)
def test_long_and_deep_formulas_compile_and_evaluate(text: str) -> None:
    from decimal import Decimal

    value = compile(typed(text))(Context({"amount": Decimal(1), "name": "n", "done": True}))
    assert value is not None


@pytest.mark.parametrize(
    "text",
    [
        "-" * 5000 + "amount",
        "!" * 20_000 + "done",
        "ABS(" * 5000,
        "f" * 100_000,
        "(a" * 5000 + "+",
        "a=" * 5000 + "a",
        "/*" * 10_000,
        '"' * 9_999,
        "IF(" * 221 + "1" + ")" * 221,
    ],
)
def test_hopeless_formulas_are_refused_quickly_and_without_recursion(text: str) -> None:
    begun = time.perf_counter()
    with pytest.raises(FormulaError):
        typed(text)
    assert time.perf_counter() - begun < 2


def test_a_formula_of_5000_characters_compiles_within_its_time() -> None:
    text = 'IF(amount > 12.5 && CONTAINS(name, "abc"), amount * 2 + 1, amount) + ' * 72 + "1"
    assert len(text) > 4900
    parse("1")
    times = []
    for attempt in range(5):
        begun = time.perf_counter()
        compile(typed(f"{text} + {attempt}"))
        times.append(time.perf_counter() - begun)
    # The aim is 50 ms on an idle machine; a shared one gets more.
    assert min(times) < 0.25


def test_template_problems_are_placed_in_the_whole_text() -> None:
    assert [p if isinstance(p, str) else p.text for p in parse_template('Dear {!name & "}"}, hello')] == [
        "Dear ",
        'name & "}"',
        ", hello",
    ]
    with pytest.raises(FormulaError) as caught:
        parse_template("Dear {!1 +}, hello")
    assert caught.value.position == 10
    with pytest.raises(FormulaError, match="no closing"):
        parse_template("Dear {!name")

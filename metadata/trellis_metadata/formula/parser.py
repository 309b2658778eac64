"""From text to tree. The parser is a table (LALR), so neither length nor nesting of the text makes it slow or deep."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput
from lark.exceptions import UnexpectedCharacters, UnexpectedToken, VisitError

from trellis_metadata.formula.errors import FormulaError, Problem
from trellis_metadata.formula.lexer import FormulaLexer
from trellis_metadata.formula.precedence import MAX_DEPTH, Misplaced, Step, TooDeep, arrange, call, depth_of
from trellis_metadata.formula.tree import Literal, Name, Tree, Unary

MAX_LENGTH = 32_000

_CONSTANTS = {"TRUE": True, "FALSE": False, "NULL": None}
_SPELLINGS = {"==": "=", "!=": "<>"}
_UNESCAPE = re.compile(r'\\(["\\])')


class _Build(Transformer[Token, Tree]):
    """Builds our nodes while the table is run; no intermediate tree exists."""

    def start(self, parts: list[Any]) -> Any:
        return parts[0]

    def number(self, parts: list[Token]) -> Tree:
        return Literal(Decimal(parts[0]), _start(parts[0]), _end(parts[0]))

    def string(self, parts: list[Token]) -> Tree:
        return Literal(_UNESCAPE.sub(r"\1", parts[0][1:-1]), _start(parts[0]), _end(parts[0]))

    def constant(self, parts: list[Token]) -> Tree:
        return Literal(_CONSTANTS[parts[0].upper()], _start(parts[0]), _end(parts[0]))

    def name(self, parts: list[Token]) -> Tree:
        return Name(str(parts[0]), _start(parts[0]), _end(parts[0]))

    def args(self, parts: list[Any]) -> list[Any]:
        return parts

    def call(self, parts: list[Any]) -> Tree:
        arguments = parts[1] if len(parts) > 1 else []
        return call(parts[0].upper(), arguments, _start(parts[0]), arguments[-1].end if arguments else _end(parts[0]))

    def unary(self, parts: list[Any]) -> Tree:
        op, operand = parts
        sign = "!" if op.type in ("NOT", "BANG") else str(op)
        return Unary(sign, operand, _start(op), operand.end, depth_of((operand,), _start(op), operand.end))

    def step(self, parts: list[Any]) -> Step:
        op, right = parts
        return Step(
            _SPELLINGS.get(op, str(op)) if op.type in ("BINARY", "SIGN") else op.type, _start(op), _end(op), right
        )

    def step_not(self, parts: list[Any]) -> Step:
        _, op, right = parts
        return Step(op.type, _start(op), _end(op), right, negated=True)

    def begin(self, parts: list[Any]) -> list[Any]:
        return parts

    def extend(self, parts: list[Any]) -> list[Any]:
        run: list[Any] = parts[0]
        run.append(parts[1])
        return run

    def arranged(self, parts: list[list[Any]]) -> Tree:
        first, *steps = parts[0]
        return arrange(first, steps)


def _start(token: Token) -> int:
    return token.start_pos or 0


def _end(token: Token) -> int:
    return token.end_pos or 0


@cache
def _parser() -> Lark:
    grammar = Path(__file__).with_name("grammar.lark").read_text("utf-8")
    return Lark(
        grammar,
        parser="lalr",
        lexer=FormulaLexer,
        transformer=_Build(),
        maybe_placeholders=False,
    )


@lru_cache(maxsize=2048)
def parse(text: str) -> Tree:
    """Return the tree of a formula. Raises ``FormulaError`` with the place of the first character that does not fit."""
    if len(text) > MAX_LENGTH:
        raise _error(
            text,
            "too_long",
            f"The formula has {len(text)} characters; at most {MAX_LENGTH} are allowed.",
            MAX_LENGTH,
            len(text),
        )
    try:
        return _parser().parse(text)  # type: ignore[return-value]
    except UnexpectedInput as found:
        raise _syntax_error(text, found) from None
    except VisitError as found:
        raise _wrapped(text, found.orig_exc) from None
    except (TooDeep, Misplaced) as found:
        raise _wrapped(text, found) from None


def _wrapped(text: str, found: Exception) -> FormulaError:
    if isinstance(found, TooDeep):
        return _error(
            text,
            "too_deep",
            f"The formula is nested more than {MAX_DEPTH} levels deep; split it into several formula fields.",
            found.start,
            found.end,
        )
    if isinstance(found, Misplaced):
        return _error(text, "syntax", str(found), found.start, found.end)
    raise found


def _error(text: str, code: str, message: str, start: int, end: int) -> FormulaError:
    return FormulaError(text, (Problem(code, message, start, end),))


def _syntax_error(text: str, found: UnexpectedInput) -> FormulaError:
    place = found.pos_in_stream or 0
    if isinstance(found, UnexpectedCharacters):
        return _error(text, "syntax", _explain_character(text, place), place, place + 1)
    comment = place - 1 if text.startswith("/*", place - 1) else place
    if text.startswith("/*", max(comment, 0)):
        return _error(text, "syntax", "This comment is not closed.", comment, comment + 2)
    if isinstance(found, UnexpectedToken) and found.token.type != "$END":
        token = found.token
        return _error(text, "syntax", f"Found '{token}' {_expectation(found, str(token))}", _start(token), _end(token))
    message = "The formula is empty." if not text.strip() else f"The formula ends too early{_unclosed(text)}."
    return _error(text, "syntax", message, len(text), len(text))


def _explain_character(text: str, place: int) -> str:
    character = text[place]
    if character in "\"'":
        return "This text is not closed on its line, or has an unknown escape (known are \\\" \\' \\\\ \\n \\r \\t)."
    if text.startswith("/*", place):
        return "This comment is not closed."
    if character == ".":
        return "A number needs a digit on both sides of its point."
    return f"The character '{character}' has no meaning here."


def _expectation(found: UnexpectedToken, shown: str) -> str:
    if "NUMBER" in found.accepts | set(found.expected):
        return "where a value was expected."
    if found.token.type == "OR":
        return "between two conditions: write '||', or OR(…, …)."
    return (
        "where an operator or the end was expected."
        if shown != ")"
        else "without an opening bracket, or after an incomplete part."
    )


def _unclosed(text: str) -> str:
    missing = _blank_texts(text).count("(") - _blank_texts(text).count(")")
    return f": {missing} closing bracket{'s are' if missing > 1 else ' is'} missing" if missing > 0 else ""


_QUOTED: Callable[[str, str], str] = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'').sub


def _blank_texts(text: str) -> str:
    return _QUOTED("", text)

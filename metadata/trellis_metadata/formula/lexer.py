"""From text to tokens: one pass of one regular expression.

Lark's own lexer follows lines and columns and asks a callback for each name, which costs more than the parser. A formula needs
positions only. The expressions of the tokens take time linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lark import Token
from lark.exceptions import UnexpectedCharacters
from lark.lexer import Lexer

KEYWORDS = {
    "AND": "AND",
    "OR": "OR",
    "NOT": "NOT",
    "IN": "IN",
    "LIKE": "LIKE",
    "BETWEEN": "BETWEEN",
    "TRUE": "CONSTANT",
    "FALSE": "CONSTANT",
    "NULL": "CONSTANT",
}
_LONGEST_KEYWORD = max(map(len, KEYWORDS))
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<NAME>(?:[^\W\d_]|\$)[\w$:.#]*)
    | (?P<NUMBER>[0-9]+(?:\.[0-9]+)?)
    | (?P<COMMENT>/\*(?:[^*]|\*+[^*/])*\*+/)
    | (?P<STRING>"(?:[^"\\\n\r]|\\["'\\nrt])*"|'(?:[^'\\\n\r]|\\["'\\nrt])*')
    | (?P<BINARY>\|\||&&|==|=|<>|!=|<=|>=|<|>|&|\*|/|\^)
    | (?P<SIGN>[+-])
    | (?P<BANG>!)
    | (?P<_OPEN>\()
    | (?P<_CLOSE>\))
    | (?P<_COMMA>,)
    | (?P<END>\Z)
    )""",
    re.VERBOSE,
)


class Word(Token):
    """A token with its place in the text: lines and columns are not followed."""

    line = column = end_line = end_column = None

    def __new__(cls, type: str, value: str, start_pos: int, end_pos: int) -> Word:
        word = str.__new__(cls, value)
        word.type, word.value, word.start_pos, word.end_pos = type, value, start_pos, end_pos
        return word


class FormulaLexer(Lexer):
    """The lexer of formulas, in the form that Lark asks for."""

    def __init__(self, _conf: Any) -> None:
        pass

    def lex(self, text: str) -> Iterator[Token]:  # type: ignore[override]
        """Yield the tokens. Raises ``UnexpectedCharacters`` at the first character that begins none."""
        match, at = _TOKEN.match, 0
        while True:
            found = match(text, at)
            if found is None:
                at += len(text[at:]) - len(text[at:].lstrip())
                raise UnexpectedCharacters(text, at, 1, at + 1)  # type: ignore[no-untyped-call]
            kind, at = str(found.lastgroup), found.end()
            if kind == "END":
                return
            if kind == "COMMENT":
                continue
            start = found.start(kind)
            value = text[start:at]
            if kind == "NAME" and len(value) <= _LONGEST_KEYWORD:
                kind = KEYWORDS.get(value.upper(), kind)
            yield Word(kind, value, start, at)

"""Texts with formulas inside: ``Dear {!contact.name}, …``."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from trellis_metadata.formula.errors import FormulaError, Problem
from trellis_metadata.formula.parser import parse
from trellis_metadata.formula.tree import Tree

_PIECE = re.compile(r"""[^"'}]+|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""")


@dataclass(frozen=True, slots=True)
class Part:
    """A formula inside a template; ``offset`` is where its text begins."""

    text: str
    tree: Tree
    offset: int


def parse_template(text: str) -> tuple[str | Part, ...]:
    """Return the fixed texts and formulas of a template in order.

    Raises ``FormulaError`` with places in the whole text.
    """
    parts: list[str | Part] = []
    problems: list[Problem] = []
    at = 0
    while (start := text.find("{!", at)) >= 0:
        if start > at:
            parts.append(text[at:start])
        end = start + 2
        while match := _PIECE.match(text, end):
            end = match.end()
        if end >= len(text) or text[end] != "}":
            problems.append(Problem("syntax", "This '{!' has no closing '}'.", start, start + 2))
            break
        inner = text[start + 2 : end]
        try:
            parts.append(Part(inner, parse(inner), start + 2))
        except FormulaError as error:
            problems += [replace(p, start=p.start + start + 2, end=p.end + start + 2) for p in error.problems]
        at = end + 1
    else:
        if at < len(text):
            parts.append(text[at:])
    if problems:
        raise FormulaError(text, tuple(problems))
    return tuple(parts)

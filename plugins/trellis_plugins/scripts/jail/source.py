"""What is checked before a source is compiled: its size, its nesting, its tree, and every identifier in it.

The check of identifiers is independent of RestrictedPython: it looks at *every* text field of *every* node, whatever the
node is, so that a construct that the transformer overlooks cannot smuggle in a reserved name.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import unicodedata
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType

from trellis_plugins.scripts.jail import limits

_OPERATORS = re.compile(r"(?:(?:[-+~*/%@^&|<>=!]|\bnot\b|\blambda\b|\bawait\b)[ \t\\:]*){40,}")
_WORDS = frozenset({"not", "lambda", "await"})
_NOT_IDENTIFIERS = frozenset({("Constant", "value"), ("Constant", "kind")})
_FORBIDDEN = re.compile(
    r"^(?:(?:tb|f|co|gi|cr|ag)_(?:frame|next|back|builtins|code|consts|generator|globals|locals|trace|yieldfrom|await"
    r"|origin|lasti|names|running|state|suspended)|mro|format_map|func_globals|func_code|im_func|im_self|im_class)$"
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a source is refused. ``line`` and ``column`` count from 1; 0 where no place can be named."""

    line: int
    column: int
    message: str


class SourceRefused(Exception):
    """The source is refused; ``problems`` lists everything found."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"line {p.line}: {p.message}" for p in problems))


def parse(source: str) -> ast.Module:
    """Return the tree of ``source``. Raises :class:`SourceRefused`."""
    _check_text(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, "<script>", "exec")
    except SyntaxError as error:
        raise SourceRefused([Problem(error.lineno or 0, error.offset or 0, f"Syntax: {error.msg}.")]) from None
    except (ValueError, MemoryError, RecursionError, OverflowError) as error:
        raise SourceRefused([Problem(0, 0, f"The source cannot be parsed: {error}.")]) from None
    _check_size(tree)
    problems = list(_identifier_problems(tree))
    if problems:
        raise SourceRefused(problems)
    return tree


def _check_text(source: str) -> None:
    problems = []
    try:
        size = len(source.encode())
    except UnicodeEncodeError:
        raise SourceRefused([Problem(0, 0, "The source holds a lone surrogate.")]) from None
    if size > limits.SOURCE_BYTES:
        problems.append(Problem(0, 0, f"The source has {size:,} bytes; at most {limits.SOURCE_BYTES:,} are allowed."))
    if "\0" in source:
        problems.append(Problem(source[: source.index("\0")].count("\n") + 1, 0, "The source holds a NUL character."))
    depth = _bracket_depth(source)
    if depth > limits.BRACKET_DEPTH:
        problems.append(Problem(0, 0, f"Brackets are nested {depth} deep; at most {limits.BRACKET_DEPTH} are allowed."))
    line = _operator_run(source) if _OPERATORS.search(source) else 0
    if line:
        problems.append(Problem(line, 0, f"More than {limits.OPERATOR_RUN} operators follow one another."))
    if problems:
        raise SourceRefused(problems)


def _operator_run(source: str) -> int:
    """Return the line where too many operators follow one another, 0 if there is none. Texts and comments do not count."""
    run = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            is_operator = (token.type == tokenize.OP and token.string not in "()[]{},.:;") or token.string in _WORDS
            run = run + 1 if is_operator else 0
            if run >= limits.OPERATOR_RUN:
                return token.start[0]
    except (tokenize.TokenError, SyntaxError):
        return 0
    return 0


def _bracket_depth(source: str) -> int:
    deepest = depth = 0
    for character in source:
        if character in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]}":
            depth = max(0, depth - 1)
    return deepest


def _check_size(tree: ast.Module) -> None:
    """Count nodes and depth without recursion."""
    count, level, layer = 0, 0, [tree]
    while layer:
        level += 1
        count += len(layer)
        if count > limits.TREE_NODES:
            raise SourceRefused([Problem(0, 0, f"The script is too large: more than {limits.TREE_NODES:,} elements.")])
        if level > limits.TREE_DEPTH:
            line = getattr(layer[0], "lineno", 0)
            raise SourceRefused([Problem(line, 0, f"The script is nested more than {limits.TREE_DEPTH} deep.")])
        layer = [child for node in layer for child in ast.iter_child_nodes(node)]  # type: ignore[misc]


def _identifier_problems(tree: ast.Module) -> Iterator[Problem]:
    for node in ast.walk(tree):
        line, column = getattr(node, "lineno", 0), getattr(node, "col_offset", -1) + 1
        if isinstance(node, ast.Constant):
            if type(node.value) is int and node.value.bit_length() > limits.INTEGER_BITS:
                yield Problem(line, column, f"Whole numbers have at most {limits.INTEGER_BITS:,} bits.")
            continue
        for name, value in ast.iter_fields(node):
            texts = value if isinstance(value, list) else [value]
            for text in texts:
                if isinstance(text, str) and (type(node).__name__, name) not in _NOT_IDENTIFIERS:
                    why = refused(text)
                    if why:
                        yield Problem(line, column, f"The name '{text[:60]}' {why}.")


def refused(name: str) -> str | None:
    """Return why ``name`` may not stand in a script; None when it may."""
    for part in name.split("."):
        if part == "_":
            continue
        if part.startswith("_"):
            return "starts with '_', which is reserved"
        if "__" in part:
            return "holds '__', which is reserved"
        if _FORBIDDEN.match(part):
            return "belongs to the interior of Python and is reserved"
        if unicodedata.normalize("NFKC", part) != part or not part.isidentifier():
            return "is not a plain name"
    return None


def check_code(code: CodeType, injected: frozenset[str]) -> None:
    """Check every name in compiled code, nested code included: plain, or one of the ``injected`` guards.

    Raises :class:`SourceRefused`. Looks at what will run, not at what was read: a fault in the rewriting shows here.
    """
    todo = [code]
    while todo:
        current = todo.pop()
        names = {*current.co_names, *current.co_varnames, *current.co_freevars, *current.co_cellvars}
        bad = [n for n in names if n not in injected and not _generated(n) and refused(n)]
        locals_ = {*current.co_varnames, *current.co_cellvars}
        bad += [n for n in locals_ if n in injected]
        if bad:
            raise SourceRefused([Problem(current.co_firstlineno, 0, f"The name '{bad[0][:60]}' is reserved.")])
        todo.extend(c for c in current.co_consts if isinstance(c, CodeType))


def _generated(name: str) -> bool:
    """Names that the Python compiler makes itself: the argument of a comprehension."""
    return name == ".0"

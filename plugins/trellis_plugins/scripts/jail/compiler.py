"""From a source to code that may run: checked, rewritten, compiled, and checked again."""

from __future__ import annotations

import ast
import marshal
import sys
from dataclasses import dataclass
from types import CodeType

from trellis_plugins.scripts.jail.limits import RECURSION
from trellis_plugins.scripts.jail.policy import INJECTED, Policy
from trellis_plugins.scripts.jail.source import Problem, SourceRefused, check_code, parse

COMPILE_RECURSION = 3_000


@dataclass(frozen=True, slots=True)
class Compiled:
    """``names`` are the global names that the script reads: what it asks of its surroundings."""

    code: bytes
    names: tuple[str, ...]


def compile_script(source: str) -> Compiled:
    """Return the code of ``source``. Raises :class:`SourceRefused` with all problems, each with its line."""
    sys.setrecursionlimit(COMPILE_RECURSION)
    try:
        tree = parse(source)
        policy = Policy()
        rewritten = policy.visit(tree)
        if policy.errors:
            problems = sorted({Problem(*e) for e in policy.errors}, key=lambda p: (p.line, p.column))  # type: ignore[misc]
            raise SourceRefused(problems)
        try:
            code = compile(ast.fix_missing_locations(rewritten), "<script>", "exec", dont_inherit=True, optimize=0)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", 0) or 0
            raise SourceRefused([Problem(line, 0, f"Syntax: {getattr(error, 'msg', error)}.")]) from None
        check_code(code, INJECTED)
        return Compiled(marshal.dumps(code), tuple(sorted(global_names(code) - INJECTED)))
    except RecursionError:
        raise SourceRefused([Problem(0, 0, "The script is nested too deep.")]) from None
    finally:
        sys.setrecursionlimit(RECURSION)


def load(code: bytes) -> CodeType:
    """Return compiled code made by :func:`compile_script`. Call it inside a worker only."""
    loaded = marshal.loads(code)
    assert type(loaded) is CodeType
    check_code(loaded, INJECTED)
    return loaded


def global_names(code: CodeType) -> set[str]:
    """Return the names that code looks up outside its functions, and some more."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= global_names(constant)
    return names

"""A formula of a rule, compiled once per version, and its evaluation for a batch of records.

Everything outside the records (exchange rates, records that VLOOKUP finds) is read set-wise: the formulas are evaluated,
what they asked for in vain is read in one query per object and key, and they are evaluated again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from trellis.formula import Context
from trellis.formula import compile as compile_formula
from trellis.rules.outside import Outside
from trellis.rules.reader import Reader
from trellis.rules.scope import OBJECT, ObjectScope
from trellis_metadata.formula.checker import check
from trellis_metadata.formula.parser import parse
from trellis_metadata.formula.typed import Field, Typed, walk
from trellis_metadata.formula.types import Type

MAX_ROUNDS = 8
"""Deepest chain of VLOOKUPs whose key is the result of another."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A compiled formula. ``paths`` are the values that it reads."""

    typed: Typed
    paths: frozenset[str]
    evaluate: Callable[[Context], Any]


def compiled(scope: ObjectScope, text: str, *, returns: Type | None = Type.BOOLEAN, blanks: str = "zero") -> Formula:
    """Return the formula ready to run. Raises ``FormulaError``."""
    typed = check(parse(text), scope, text=text, returns=returns, blanks=blanks)
    return Formula(typed, paths_of(typed), compile_formula(typed))


def paths_of(typed: Typed) -> frozenset[str]:
    """Return the paths of the values that a formula reads from its record, the user, the organisation and ``$old``."""
    found = (n.symbol.path for n in walk(typed.root) if isinstance(n, Field))
    return frozenset(p for p in found if not p.startswith(("$System", f"{OBJECT}.")))


@dataclass(slots=True)
class Case:
    """One record as formulas see it: its values, and those before the change (None: a new record)."""

    values: Mapping[str, Any]
    old: Mapping[str, Any] | None = None
    is_new: bool = False


def evaluate_all(
    reader: Reader, formulas: Sequence[Formula], cases: Iterable[Case], *, guarded: bool = False
) -> list[list[Any]]:
    """Return, per case, the value of each formula (an ``ErrorValue`` where it cannot be computed).

    ``guarded``: VLOOKUP sees only records that the reader's principal may read.
    """
    zone = ZoneInfo(reader.tenant.time_zone)
    outside = Outside(reader, guarded=guarded)
    found: list[list[Any]] = []
    cases = list(cases)
    for _ in range(MAX_ROUNDS):
        found = [
            [
                f.evaluate(Context(c.values, now=reader.now, zone=zone, old=c.old, is_new=c.is_new, outside=outside))
                for f in formulas
            ]
            for c in cases
        ]
        if not outside.fetch():
            break
    return found

"""Names: what a formula can see. A scope turns a dotted path into a symbol and knows which functions exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from trellis_metadata.formula.types import Type

if TYPE_CHECKING:
    from trellis_metadata.formula.functions import FunctionSpec


@dataclass(frozen=True, slots=True)
class FormulaSource:
    """The formula behind a formula field, in the scope of the record that it belongs to."""

    text: str
    scope: Scope
    blanks: str = "zero"
    """``zero`` or ``blank``: how this formula reads blank numbers."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """What a name stands for.

    ``path`` is the canonical spelling and the key under which a row offers the value; ``relations`` are the lookups on
    the way. A ``percent`` is stored in percent units and read as a share (10 is 0.1). ``digits`` are total digits and
    decimal places of a number, where they are bounded. ``values`` are the option names of a picklist. ``many`` marks a
    path through a child list, which only aggregates accept.
    """

    path: str
    type: Type
    percent: bool = False
    digits: tuple[int, int] | None = None
    values: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    many: bool = False
    rollup: tuple[str, str] | None = None
    """Aggregate and path through the child list, where the symbol stands for ``SUM(lines.amount)``."""
    formula: FormulaSource | None = field(default=None, compare=False)

    @property
    def is_global(self) -> bool:
        return self.path.startswith("$")


class Scope(Protocol):
    """The names and functions that a formula may use."""

    @property
    def functions(self) -> Mapping[str, FunctionSpec]:
        """All functions by upper-case name."""
        ...

    def resolve(self, name: str) -> Symbol | None:
        """Return what ``name`` stands for (letter case does not matter), or None."""
        ...

    def names(self, near: str) -> Iterable[str]:
        """Return names that could have been meant by ``near``: those of the object that its path leads to."""
        ...


class FlatScope:
    """A scope over a fixed table of symbols: for one object without relations, for tests and for the command line."""

    def __init__(self, symbols: Iterable[Symbol], functions: Mapping[str, FunctionSpec]) -> None:
        self._symbols = {s.path.lower(): s for s in (*GLOBALS, *symbols)}
        self._functions = functions

    @property
    def functions(self) -> Mapping[str, FunctionSpec]:
        return self._functions

    def add(self, symbol: Symbol) -> None:
        """Add a symbol; formula fields need the scope that they are part of."""
        self._symbols[symbol.path.lower()] = symbol

    def resolve(self, name: str) -> Symbol | None:
        return self._symbols.get(name.lower())

    def names(self, near: str) -> Iterable[str]:
        return [s.path for s in self._symbols.values()]


GLOBALS = (Symbol("$System.OriginDateTime", Type.DATETIME),)
"""Globals that every scope has; their values are constants of the language."""

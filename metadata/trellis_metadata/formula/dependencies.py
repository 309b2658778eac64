"""What a formula depends on, and formulas that depend on themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from trellis_metadata.formula.functions import Reads
from trellis_metadata.formula.typed import Apply, Call, Field, FormulaField, Typed, walk


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Everything that a formula uses, formula fields followed to their stored fields."""

    fields: frozenset[str]
    """Paths of stored fields."""
    formulas: frozenset[str]
    """Paths of formula fields."""
    relations: frozenset[str]
    """Lookups that are walked, as paths from the record."""
    rollups: frozenset[tuple[str, str]]
    """Aggregates over child records, as function and path: each needs a maintained roll-up."""
    globals: frozenset[str]
    functions: frozenset[str]
    reads: Reads
    """What the value can change with, besides the row: nothing (``Reads.ROW``) means that it may be indexed."""

    @property
    def row_only(self) -> bool:
        return self.reads is Reads.ROW


def dependencies(typed: Typed) -> Dependencies:
    """Return what ``typed`` depends on."""
    names: dict[str, set[str]] = {k: set() for k in ("fields", "formulas", "relations", "globals", "functions")}
    rollups: set[tuple[str, str]] = set()
    reads = Reads.ROW
    for node in walk(typed.root):
        match node:
            case Field(symbol=symbol) | FormulaField(symbol=symbol):
                if symbol.is_global:
                    names["globals"].add(symbol.path)
                    reads |= _global_reads(symbol.path)
                elif symbol.rollup:
                    rollups.add(symbol.rollup)
                else:
                    names["fields" if isinstance(node, Field) else "formulas"].add(symbol.path)
                names["relations"].update(symbol.relations)
                if symbol.relations or symbol.rollup:
                    reads |= Reads.RECORDS
            case Call(function=function):
                names["functions"].add(function.name)
                reads |= function.reads
            case Apply(op=op):
                names["functions"].add(op)
    return Dependencies(**{k: frozenset(v) for k, v in names.items()}, rollups=frozenset(rollups), reads=reads)


def _global_reads(path: str) -> Reads:
    root = path.lower().split(".")[0]
    if root in ("$user", "$permission", "$profile", "$userrole"):
        return Reads.USER
    return Reads.CHANGE if root == "$old" else Reads.ORGANISATION


def find_cycle(uses: Mapping[str, Iterable[str]]) -> tuple[str, ...] | None:
    """Return a shortest-found circle in a graph of names (``("a", "b", "a")``), or None. Works without recursion."""
    state: dict[str, bool] = {}
    for start in sorted(uses):
        path: list[str] = []
        waiting: list[tuple[str, bool]] = [(start, False)]
        while waiting:
            name, leaving = waiting.pop()
            if leaving:
                state[name] = True
                path.pop()
            elif name in path:
                return (*path[path.index(name) :], name)
            elif name not in state:
                path.append(name)
                waiting.append((name, True))
                waiting.extend((n, False) for n in sorted(uses.get(name, ()), reverse=True) if not state.get(n))
    return None

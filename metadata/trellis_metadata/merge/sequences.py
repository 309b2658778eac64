"""Order: how the entries of a list, and the cells of a layout, are put in order again after a merge.

Entries that both sides have keep the order of the side that changed it. An entry that only one side has comes after
the entry that it followed there. Where both put something at one place, what belongs to a customer (prefix ``x_``)
comes last, else the names decide: so the result does not depend on which side is which.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from trellis_metadata.merge.outcome import Side

Row = list[Any]


def backbone(base: Sequence[Any], theirs: Sequence[Any], ours: Sequence[Any]) -> Side | None:
    """Return the side whose order holds, or None if both changed it in different ways.

    The three hold the entries that both sides have; ``base`` those of them that it has.
    """
    if theirs == ours:
        return Side.OURS
    old = set(map(repr, base))
    kept_theirs = [e for e in theirs if repr(e) in old] == list(base)
    kept_ours = [e for e in ours if repr(e) in old] == list(base)
    if kept_theirs and kept_ours:
        return Side.THEIRS if repr(theirs) < repr(ours) else Side.OURS
    return Side.OURS if kept_theirs else Side.THEIRS if kept_ours else None


def ordered(common: Sequence[str], theirs: Sequence[str], ours: Sequence[str], members: Collection[str]) -> list[str]:
    """Return ``members`` in order: ``common`` as it is, the rest after what it follows on its side."""
    runs: dict[str | None, list[list[str]]] = {}
    for side in (theirs, ours):
        for anchor, run in _runs(side, set(common), members).items():
            runs.setdefault(anchor, []).append(run)
    result: list[str] = []
    for anchor in (None, *common):
        result += [anchor] if anchor is not None else []
        for run in sorted(runs.get(anchor, ()), key=lambda r: rank(r[0])):
            result += [name for name in run if name not in result]
    return result


def rank(name: str) -> tuple[bool, str]:
    """Sort key of entries at one place."""
    return name.startswith("x_"), name


def _runs(side: Sequence[str], common: set[str], members: Collection[str]) -> dict[str | None, list[str]]:
    found: dict[str | None, list[str]] = {}
    anchor: str | None = None
    for name in side:
        if name in common:
            anchor = name
        elif name in members:
            found.setdefault(anchor, []).append(name)
    return found


def rows_of(grid: Sequence[Sequence[Any]], names: Collection[str], identify: Any) -> list[list[str | None]]:
    """Return the grid with cells by identity, cells outside ``names`` left out, blank cells None, empty rows gone."""
    kept = [[None if c is None else identify(c) for c in row if c is None or identify(c) in names] for row in grid]
    return [row for row in kept if any(c is not None for c in row)]


def arranged(
    common: list[list[str | None]],
    sides: Sequence[list[list[str | None]]],
    members: Collection[str],
    width: int,
) -> list[list[str | None]]:
    """Return the rows of a grid: those of ``common``, with the cells that only one side has put in.

    A row that is new as a whole stays a row; a new cell in a known row goes beside its left neighbour, or into a row of
    its own below where the row is full.
    """
    inside = {cell for row in common for cell in row if cell is not None}
    new_rows: dict[str | None, list[list[str | None]]] = {}
    beside: dict[str, list[str]] = {}
    placed = set(inside)
    for side in sides:
        anchor: str | None = None
        for row in side:
            known = [c for c in row if c in inside]
            fresh = [c for c in row if c is not None and c in members and c not in inside]
            if fresh and not known:
                new_rows.setdefault(anchor, []).append([c for c in row if c is None or c in members])
            elif fresh:
                _place_beside(row, inside, members, beside)
            anchor = known[-1] if known else anchor
    result = _with_rows(new_rows.get(None, ()), placed)
    for row in common:
        line, overflow = _with_cells(row, beside, width, placed)
        result += [line, *overflow]
        for cell in row:
            result += _with_rows(new_rows.get(cell, ()) if cell is not None else (), placed)
    return result


def _place_beside(row: Row, inside: Collection[str], members: Collection[str], beside: dict[str, list[str]]) -> None:
    neighbour = next(c for c in row if c in inside)
    for cell in row:
        if cell in inside:
            neighbour = cell
        elif cell is not None and cell in members:
            beside.setdefault(neighbour, []).append(cell)


def _with_rows(rows: Sequence[list[str | None]], placed: set[str]) -> list[list[str | None]]:
    result = []
    for row in sorted(rows, key=lambda r: rank(next(c for c in r if c is not None))):
        fresh = [c for c in row if c is None or c not in placed]
        placed.update(c for c in fresh if c is not None)
        if any(c is not None for c in fresh):
            result.append(fresh)
    return result


def _with_cells(
    row: list[str | None], beside: Mapping[str, list[str]], width: int, placed: set[str]
) -> tuple[list[str | None], list[list[str | None]]]:
    line = list(row)
    overflow: list[list[str | None]] = []
    for anchor in [c for c in row if c is not None and c in beside]:
        at = line.index(anchor) + 1
        for cell in sorted(beside[anchor], key=rank):
            if cell in placed:
                continue
            placed.add(cell)
            if at < len(line) and line[at] is None:
                line[at] = cell
            elif len(line) < width:
                line.insert(at, cell)
            else:
                overflow.append([cell])
                continue
            at += 1
    return line, overflow

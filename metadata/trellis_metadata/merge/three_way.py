"""The three-way merge of one document, element by element, as the structure of its kind says.

``base`` is what both sides began from. A value that one side left alone is taken from the other. What both changed is
taken apart further where the structure allows it, and is a conflict where it does not; a conflict gives the chosen or
else the recommended value, so that a result always exists.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from trellis_metadata.addresses import ABSENT, Path
from trellis_metadata.merge.outcome import Address, Choices, Outcome, Side, Verdict
from trellis_metadata.merge.sequences import Row, arranged, backbone, ordered, rank, rows_of
from trellis_metadata.merge.words import ORDER
from trellis_metadata.structure import VALUE, Form, Node
from trellis_metadata.values import same

Places = Mapping[str, str | None]
"""Where cells belong that stand in one of several lists: the name of the element, or None: nowhere."""


@dataclass(frozen=True)
class Forced:
    """A conflict that no comparison of values shows: why, with sentences that go with it."""

    reason: str
    details: tuple[str, ...] = ()
    recommended: Side = Side.OURS


@dataclass
class ThreeWay:
    """Merges the versions of one document; ``outcomes`` collects what became of its elements."""

    kind: str
    name: str
    choices: Choices
    forced: Mapping[Address, Forced]
    outcomes: list[Outcome] = field(default_factory=list)

    def document(self, base: Any, theirs: Any, ours: Any, node: Node) -> Any:
        """Return the merged document, or ABSENT."""
        return self.whole(base, theirs, ours, node, ())

    # -- one value -------------------------------------------------------------------------------------------------

    def whole(self, base: Any, theirs: Any, ours: Any, node: Node, at: Path) -> Any:
        """Merge an element that may be added or deleted as a whole."""
        forced = self.forced.get((self.kind, self.name, at))
        if forced is not None:
            return self._conflict(base, theirs, ours, at, forced.reason, forced)
        if theirs is not ABSENT and ours is not ABSENT:
            return self._keys({} if base is ABSENT else base, theirs, ours, node, at)
        if theirs is ABSENT and ours is ABSENT:
            return self._note(base, theirs, ours, at, Verdict.SAME, ABSENT) if base is not ABSENT else ABSENT
        if base is ABSENT:
            verdict = Verdict.THEIRS if ours is ABSENT else Verdict.OURS
            return self._note(base, theirs, ours, at, verdict, theirs if ours is ABSENT else ours)
        if theirs is ABSENT:
            if _equal(base, ours):
                return self._note(base, theirs, ours, at, Verdict.THEIRS, ABSENT)
            return self._conflict(base, theirs, ours, at, "they_deleted")
        if _equal(base, theirs):
            return self._note(base, theirs, ours, at, Verdict.OURS, ABSENT)
        return self._conflict(base, theirs, ours, at, "we_deleted")

    def _keys(self, base: Any, theirs: Any, ours: Any, node: Node, at: Path) -> dict[str, Any]:
        nodes = [node.of(v) for v in (base or ours, theirs, ours)]
        result: dict[str, Any] = {}
        for key in dict.fromkeys([*ours, *theirs, *base]):
            children = [n.child(key) for n in nodes]
            child = children[0] if children[0] == children[1] == children[2] else VALUE
            b, t, o = (v.get(key, ABSENT) for v in (base, theirs, ours))
            value = self.value(b, t, o, child, (*at, key))
            if value is not ABSENT:
                result[key] = value
        return result

    def value(self, base: Any, theirs: Any, ours: Any, node: Node, at: Path) -> Any:
        """Merge what stands at one key."""
        forced = self.forced.get((self.kind, self.name, at))
        if forced is not None:
            return self._conflict(base, theirs, ours, at, forced.reason, forced)
        if _equal(base, theirs) and _equal(base, ours):
            return ours
        apart = self._taken_apart(base, theirs, ours, node, at)
        if apart is not None:
            return apart[0]
        if _equal(theirs, ours):
            return self._note(base, theirs, ours, at, Verdict.SAME, ours)
        if _equal(base, theirs):
            return self._note(base, theirs, ours, at, Verdict.OURS, ours)
        if _equal(base, ours):
            return self._note(base, theirs, ours, at, Verdict.THEIRS, theirs)
        if theirs is ABSENT or ours is ABSENT:
            return self._conflict(base, theirs, ours, at, "they_deleted" if theirs is ABSENT else "we_deleted")
        return self._conflict(base, theirs, ours, at, "both_added" if base is ABSENT else "both_changed")

    def _taken_apart(self, base: Any, theirs: Any, ours: Any, node: Node, at: Path) -> tuple[Any] | None:
        """Return the merged value in a tuple if the structure takes it apart, else None."""
        if node.form is Form.LIST and node.item is not None:
            b, t, o = (_named(v) for v in (base, theirs, ours))
            if b is not None and t is not None and o is not None:
                return (self._named_list(b, t, o, node.item, at, _present(base, theirs, ours)),)
        elif (node.form is Form.MAP or node.text) and isinstance(theirs, Mapping) and isinstance(ours, Mapping):
            if isinstance(base, Mapping) or base is ABSENT:
                if node.text and _clash(base, theirs, ours):
                    return None
                return (self._keys({} if base is ABSENT else base, theirs, ours, node, at),)
        elif node.merge and node.item is not None and isinstance(theirs, list) and isinstance(ours, list):
            start = [] if base is ABSENT else base
            if not isinstance(start, list) or _equal(theirs, ours):
                return None
            if node.is_grid:
                return self._one_grid(start, theirs, ours, node, at)
            identify = _identity(node, (start, theirs, ours))
            if identify is not None:
                return (self._entries(start, theirs, ours, node, identify, at),)
        return None

    # -- named lists -----------------------------------------------------------------------------------------------

    def _named_list(
        self,
        base: dict[str, Any],
        theirs: dict[str, Any],
        ours: dict[str, Any],
        item: Node,
        at: Path,
        present: bool,
    ) -> Any:
        grids = {key: node for key, node in item.keys.items() if node.is_grid}
        places = {key: self._places(base, theirs, ours, key, node, at) for key, node in grids.items()}
        merged: dict[str, Any] = {}
        for name in dict.fromkeys([*ours, *theirs, *base]):
            b, t, o = (side.get(name, ABSENT) for side in (base, theirs, ours))
            with_places = _Placed(self, name, places, grids) if places else self
            value = with_places.whole(b, t, o, item, (*at, name))
            if value is not ABSENT:
                merged[name] = value
        for key, where in places.items():
            _bring_back(merged, (theirs, ours), key, where, grids[key])
        names = self._order(list(base), list(theirs), list(ours), list(merged), at)
        return [merged[name] for name in names] if names or present else ABSENT

    def _order(self, base: list[str], theirs: list[str], ours: list[str], members: list[str], at: Path) -> list[str]:
        kept, both = set(members), set(theirs) & set(ours)
        common = [[n for n in side if n in kept and n in both] for side in (base, theirs, ours)]
        side = backbone(*common)
        if side is None:
            taken = self._conflict(common[0], common[1], common[2], (*at, ORDER), "both_ordered")
        else:
            taken = common[1] if side is Side.THEIRS else common[2]
            self._note_order(common, side, at)
        return ordered(taken, theirs, ours, kept)

    def _note_order(self, common: Sequence[list[str]], side: Side, at: Path) -> None:
        base = set(common[0])
        theirs, ours = ([n for n in names if n in base] for names in common[1:])
        if common[0] != theirs or common[0] != ours:
            verdict = Verdict.SAME if theirs == ours else Verdict(side.value)
            self._note(common[0], common[1], common[2], (*at, ORDER), verdict, None)

    # -- lists of entries ------------------------------------------------------------------------------------------

    def _entries(
        self, base: list[Any], theirs: list[Any], ours: list[Any], node: Node, identify: Callable[[Any], str], at: Path
    ) -> list[Any]:
        b, t, o = ({identify(e): e for e in side} for side in (base, theirs, ours))
        merged: dict[str, Any] = {}
        inner = ThreeWay(self.kind, self.name, self.choices, self.forced)
        for key in dict.fromkeys([*o, *t]):
            if key in t and key in o:
                merged[key] = inner.value(b.get(key, ABSENT), t[key], o[key], _as_map(node), (*at, key))
            else:
                only = inner.whole(b.get(key, ABSENT), t.get(key, ABSENT), o.get(key, ABSENT), VALUE, (*at, key))
                if only is not ABSENT:
                    merged[key] = only
        names = (
            ordered(_taken_order(b, t, o, merged), list(t), list(o), set(merged))
            if node.merge == "set"
            else inner._order(list(b), list(t), list(o), list(merged), at)
        )
        self.outcomes += [n for n in inner.outcomes if n.verdict is Verdict.CONFLICT]
        return self._noted_list(base, theirs, ours, at, [merged[n] for n in names])

    def _one_grid(self, base: Any, theirs: Any, ours: Any, node: Node, at: Path) -> tuple[Any] | None:
        identify = _identity_of_cells(node, (base, theirs, ours))
        return None if identify is None else (self.grid(base, theirs, ours, identify, at, None),)

    def grid(
        self, base: Any, theirs: Any, ours: Any, identify: Callable[[Any], str], at: Path, members: set[str] | None
    ) -> list[Row]:
        """Merge rows of cells; ``members`` says which cells belong here, where they may stand in several lists."""
        b, t, o = (_cells(side, identify) for side in (base, theirs, ours))
        kept = {c for c in {*t, *o} if (c in t and c in o) or c not in b} if members is None else members
        both = {c for c in kept if c in t and c in o}
        cells = {**b, **t, **o}
        if _equal(base, theirs) and kept == set(o):
            return self._noted_list(base, theirs, ours, at, ours)
        if _equal(base, ours) and kept == set(t):
            return self._noted_list(base, theirs, ours, at, theirs)
        grids = [rows_of(side, both, identify) for side in (base, theirs, ours)]
        side = backbone(*grids)
        if side is None:
            common = self._conflict(grids[0], grids[1], grids[2], (*at, ORDER), "both_ordered")
        else:
            common = grids[1] if side is Side.THEIRS else grids[2]
        width = max((len(row) for rows in (base, theirs, ours) for row in rows), default=1)
        rows = arranged(common, [rows_of(s, kept, identify) for s in (theirs, ours)], kept, width)
        return self._noted_list(
            base, theirs, ours, at, [[None if c is None else cells[c] for c in row] for row in rows]
        )

    def _noted_list(self, base: Any, theirs: Any, ours: Any, at: Path, result: list[Any]) -> list[Any]:
        if _equal(theirs, ours):
            verdict = Verdict.SAME
        elif _equal(result, ours):
            verdict = Verdict.OURS if _equal(base, theirs) else Verdict.MERGED
        elif _equal(result, theirs):
            verdict = Verdict.THEIRS if _equal(base, ours) else Verdict.MERGED
        else:
            verdict = Verdict.MERGED
        if not (_equal(base, theirs) and _equal(base, ours)):
            self._note(base, theirs, ours, at, verdict, None)
        return result

    def _places(
        self,
        base: Mapping[str, Any],
        theirs: Mapping[str, Any],
        ours: Mapping[str, Any],
        key: str,
        node: Node,
        at: Path,
    ) -> Places:
        """Decide where cells belong that stand at most once on every side: a cell that moved is one change, not two."""
        lists = [side[name].get(key) or [] for side in (base, theirs, ours) for name in side]
        identify = _identity_of_cells(node, lists)
        if identify is None:
            return {}
        found = [_locations(side, key, identify) for side in (base, theirs, ours)]
        decided: dict[str, str | None] = {}
        for cell in dict.fromkeys(c for side in found for c in side):
            b, t, o = (side.get(cell, []) for side in found)
            if max(map(len, (b, t, o))) < 2 and len({*b, *t, *o}) > 1:
                decided[cell] = self._place(cell, b, t, o, (*at, key, cell))
        return decided

    def _place(self, cell: str, base: list[str], theirs: list[str], ours: list[str], at: Path) -> str | None:
        b, t, o = (side[0] if side else None for side in (base, theirs, ours))
        if t == o or b == t:
            return o
        if b == o:
            return t
        shown = [ABSENT if v is None else v for v in (b, t, o)]
        taken = self._conflict(shown[0], shown[1], shown[2], at, "both_moved")
        return None if taken is ABSENT else str(taken)

    # -- noting ----------------------------------------------------------------------------------------------------

    def _note(self, base: Any, theirs: Any, ours: Any, at: Path, verdict: Verdict, result: Any) -> Any:
        self.outcomes.append(Outcome(self.kind, self.name, at, verdict, base, theirs, ours))
        return result

    def _conflict(self, base: Any, theirs: Any, ours: Any, at: Path, reason: str, forced: Forced | None = None) -> Any:
        made = Outcome(
            self.kind,
            self.name,
            at,
            Verdict.CONFLICT,
            base,
            theirs,
            ours,
            reason,
            forced.details if forced else (),
            forced.recommended if forced else Side.OURS,
        )
        made = replace(made, chosen=self.choices.get(made.key))
        self.outcomes.append(made)
        return theirs if made.taken is Side.THEIRS else ours


@dataclass
class _Placed:
    """Merges one element of a list whose cells may move between the elements."""

    merge: ThreeWay
    name: str
    places: Mapping[str, Places]
    grids: Mapping[str, Node]

    def whole(self, base: Any, theirs: Any, ours: Any, node: Node, at: Path) -> Any:
        forced = (self.merge.kind, self.merge.name, at) in self.merge.forced
        b, t, o = (
            {k: v for k, v in s.items() if k not in self.places} if s is not ABSENT else s for s in (base, theirs, ours)
        )
        if forced or theirs is ABSENT or ours is ABSENT:
            return self._without_strangers(self.merge.whole(base, theirs, ours, node, at))
        merged = self.merge.whole(b, t, o, node, at)
        result = {}
        for key in dict.fromkeys([*ours, *theirs]):
            if key in self.places:
                grid = self._grid(base, theirs, ours, key, (*at, key))
                if grid or key in ours or key in theirs:
                    result[key] = grid
            elif key in merged:
                result[key] = merged[key]
        return result

    def _grid(self, base: Any, theirs: Any, ours: Any, key: str, at: Path) -> Any:
        b, t, o = ([] if s is ABSENT else s.get(key, []) for s in (base, theirs, ours))
        node = self.grids[key]
        identify = _identity_of_cells(node, (b, t, o))
        if identify is None or (self.merge.kind, self.merge.name, at) in self.merge.forced:
            return self.merge.value(b, t, o, VALUE, at)
        cells = [set(_cells(s, identify)) for s in (b, t, o)]
        members = {c for c in cells[1] | cells[2] if (c in cells[1] and c in cells[2]) or c not in cells[0]}
        where = self.places[key]
        members = {c for c in members if c not in where or where[c] == self.name}
        members |= {c for c in cells[1] | cells[2] if where.get(c, "") == self.name}
        return self.merge.grid(b, t, o, identify, at, members)

    def _without_strangers(self, element: Any) -> Any:
        """Return an element of one side without the cells that were decided to stand elsewhere."""
        if element is ABSENT:
            return element
        result = dict(element)
        for key, where in self.places.items():
            identify = _identity_of_cells(self.grids[key], [element.get(key, [])])
            if identify is None or key not in element:
                continue
            stays = {c for c in _cells(element[key], identify) if where.get(c, self.name) == self.name}
            if len(stays) != len(_cells(element[key], identify)):
                cells = _cells(element[key], identify)
                rows = rows_of(element[key], stays, identify)
                result[key] = [[None if c is None else cells[c] for c in row] for row in rows]
        return result


def _bring_back(
    merged: dict[str, Any], sides: Sequence[Mapping[str, Any]], key: str, where: Places, node: Node
) -> None:
    """Put cells whose place went away with its element back where ours, else theirs, has them."""
    lists = [element.get(key) or [] for side in (*sides, merged) for element in side.values()]
    identify = _identity_of_cells(node, lists)
    if identify is None:
        return
    standing = _locations(merged, key, identify)
    theirs, ours = (_locations(side, key, identify) for side in sides)
    cells = {c: v for rows in lists for c, v in _cells(rows, identify).items()}
    for cell, place in where.items():
        if place is None or cell in standing:
            continue
        homes = [n for n in (*ours.get(cell, ()), *theirs.get(cell, ()), *merged) if n in merged]
        if homes:
            element = merged[homes[0]]
            merged[homes[0]] = {**element, key: [*(element.get(key) or []), [cells[cell]]]}


# -- values --------------------------------------------------------------------------------------------------------


def _equal(a: Any, b: Any) -> bool:
    if a is ABSENT or b is ABSENT:
        return a is b
    return same(a, b)


def _clash(base: Any, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> bool:
    """Whether two labels differ in every language that a side changed: then they are one conflict and not several."""
    start = {} if base is ABSENT else base
    sides = [(start.get(k), theirs.get(k), ours.get(k)) for k in {*start, *theirs, *ours}]
    touched = [(b, t, o) for b, t, o in sides if b != t or b != o]
    return bool(touched) and all(b != t and b != o and t != o for b, t, o in touched)


def _named(value: Any) -> dict[str, Any] | None:
    if value is ABSENT:
        return {}
    if not isinstance(value, list) or not all(isinstance(e, Mapping) and isinstance(e.get("name"), str) for e in value):
        return None
    found = {element["name"]: element for element in value}
    return found if len(found) == len(value) else None


def _present(base: Any, theirs: Any, ours: Any) -> bool:
    b, t, o = (v is not ABSENT for v in (base, theirs, ours))
    return t if b == o else o


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


def _identity(node: Node, lists: Sequence[list[Any]]) -> Callable[[Any], str] | None:
    """Return what tells the entries of these lists apart, or None: then each list is one value."""

    def by_keys(entry: Any) -> str:
        if not isinstance(entry, Mapping):
            return _text(entry)
        named = {k: entry[k] for k in node.identity if k in entry}
        return _text(next(iter(named.values())) if len(named) == 1 else named or entry)

    for identify in (by_keys, _text):
        if all(len({identify(e) for e in entries}) == len(entries) for entries in lists):
            return identify
    return None


def _identity_of_cells(node: Node, grids: Sequence[Any]) -> Callable[[Any], str] | None:
    if not all(isinstance(rows, list) and all(isinstance(row, list) for row in rows) for rows in grids):
        return None
    return _identity(node.item or VALUE, [[c for row in rows for c in row if c is not None] for rows in grids])


def _cells(rows: Any, identify: Callable[[Any], str]) -> dict[str, Any]:
    return {identify(c): c for row in rows for c in row if c is not None}


def _locations(side: Mapping[str, Any], key: str, identify: Callable[[Any], str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, element in side.items():
        for cell in _cells(element.get(key) or [], identify):
            found.setdefault(cell, []).append(name)
    return found


def _as_map(node: Node) -> Node:
    """Return the node of an entry: an object is merged key by key."""
    item = node.item or VALUE
    return Node(Form.MAP, keys=item.keys, rest=item.rest) if item.form is Form.ELEMENT else VALUE


def _taken_order(
    b: Mapping[str, Any], t: Mapping[str, Any], o: Mapping[str, Any], merged: Mapping[str, Any]
) -> list[str]:
    common = [[n for n in side if n in merged and n in t and n in o] for side in (b, t, o)]
    side = backbone(*common)
    if side is None:
        return sorted(common[2], key=rank)
    return common[1] if side is Side.THEIRS else common[2]


__all__ = ["Forced", "ThreeWay"]

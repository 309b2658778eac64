"""Overlays: what a pack adds to documents of others, put into them and taken out again.

A part document has the kind and name of the document that it adds to. In a named list an element whose name carries the
pack's prefix is the pack's own; any other element is only the way to something inside it. Entries of other lists and
cells of layouts are added where they are missing. Nothing else of the document is touched.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from trellis_metadata.addresses import Path
from trellis_metadata.snapshot import Document
from trellis_metadata.structure import Form, Node
from trellis_metadata.values import same

IDENTITY = ("kind", "name")


def owns(prefix: str, name: str) -> bool:
    """Say whether a name carries the prefix of a pack."""
    return bool(prefix) and name.startswith(f"{prefix}_")


@dataclass
class Overlay:
    """Works on documents for one pack. ``began`` collects the lists and maps that did not exist before."""

    prefix: str
    began: list[Path] = field(default_factory=list)

    def put(self, document: Document, part: Document, node: Node) -> Document:
        """Return ``document`` with what ``part`` adds; what is there already becomes as the part has it."""
        result: Document = self._put(document, part, node, ())
        return result

    def take(self, document: Document, part: Document, node: Node, began: Collection[Path] = ()) -> Document:
        """Return ``document`` without what ``part`` adds; lists in ``began`` go when they are empty."""
        result: Document = self._take(document, part, node, (), set(began))
        return result

    def rest(self, part: Document, other: Document | None, node: Node) -> Document:
        """Return what ``part`` adds and ``other``, a later version of it, does not."""
        return part if other is None else self._rest(part, other, node)

    # -- putting ---------------------------------------------------------------------------------------------------

    def _put(self, value: Mapping[str, Any], part: Mapping[str, Any], node: Node, at: Path) -> dict[str, Any]:
        result, fitting = dict(value), node.of(value)
        for key, wanted in part.items():
            child = fitting.child(key)
            if key in IDENTITY or not _adds(child, wanted):
                continue
            if key not in result:
                self.began.append((*at, key))
            result[key] = self._put_at(result.get(key), wanted, child, (*at, key))
        return result

    def _put_at(self, value: Any, part: Any, node: Node, at: Path) -> Any:
        if node.form is Form.MAP:
            return self._put(value or {}, part, node, at)
        if node.form is Form.LIST and node.item is not None:
            return self._put_elements(list(value or ()), part, node.item, at)
        if node.is_grid:
            known = {_text(c) for row in value or () for c in row}
            fresh = [[c for c in row if _text(c) not in known] for row in part]
            return [*(value or ()), *(row for row in fresh if row)]
        return [*(value or ()), *(e for e in part if not any(same(e, old) for old in value or ()))]

    def _put_elements(self, elements: list[Any], part: list[Any], item: Node, at: Path) -> list[Any]:
        for wanted in part:
            index = _index(elements, wanted["name"])
            if owns(self.prefix, wanted["name"]):
                elements = _replaced(elements, index, wanted)
            elif index is not None:
                cells = {_text(c) for key, rows in wanted.items() if _is_grid(item, key) for row in rows for c in row}
                others = [_without_cells(e, item, cells) if i != index else e for i, e in enumerate(elements)]
                elements = [*others]
                elements[index] = self._put(elements[index], wanted, item, (*at, wanted["name"]))
        return elements

    # -- taking ----------------------------------------------------------------------------------------------------

    def _take(
        self, value: Mapping[str, Any], part: Mapping[str, Any], node: Node, at: Path, began: set[Path]
    ) -> dict[str, Any]:
        result, fitting = dict(value), node.of(value)
        for key, wanted in part.items():
            child = fitting.child(key)
            if key in IDENTITY or key not in result or not _adds(child, wanted):
                continue
            left = self._take_at(result[key], wanted, child, (*at, key), began)
            if not left and (*at, key) in began:
                del result[key]
            else:
                result[key] = left
        return result

    def _take_at(self, value: Any, part: Any, node: Node, at: Path, began: set[Path]) -> Any:
        if node.form is Form.MAP:
            return self._take(value, part, node, at, began)
        if node.form is Form.LIST and node.item is not None:
            elements = []
            parts = {p["name"]: p for p in part}
            for element in value:
                name = next((n for n in (element["name"], *element.get("was", ())) if n in parts), None)
                if name is None:
                    elements.append(element)
                elif not owns(self.prefix, name):
                    elements.append(self._take(element, parts[name], node.item, (*at, name), began))
            # A cell that was moved stands in another section now.
            cells = {_text(c) for p in part for k, rows in p.items() if _is_grid(node.item, k) for r in rows for c in r}
            return [_without_cells(e, node.item, cells) for e in elements] if cells else elements
        if node.is_grid:
            return _rows_without(value, {_text(c) for row in part for c in row})
        return [e for e in value if not any(same(e, gone) for gone in part)]

    # -- comparing -------------------------------------------------------------------------------------------------

    def _rest(self, part: Mapping[str, Any], other: Mapping[str, Any], node: Node) -> dict[str, Any]:
        result: dict[str, Any] = {k: part[k] for k in IDENTITY if k in part}
        fitting = _fitting(node, part)
        for key, value in part.items():
            child = fitting.child(key)
            if key in IDENTITY or not _adds(child, value):
                continue
            result[key] = self._rest_at(value, other.get(key), child)
        return result

    def _rest_at(self, value: Any, other: Any, node: Node) -> Any:
        if node.form is Form.MAP:
            return self._rest(value, other or {}, node)
        if node.form is Form.LIST and node.item is not None:
            later = {n: e for e in other or () for n in (e["name"], *e.get("was", ()))}
            found = []
            for element in value:
                if not owns(self.prefix, element["name"]):
                    found.append(self._rest(element, later.get(element["name"], {}), node.item))
                elif element["name"] not in later:
                    found.append(element)
            return found
        if node.is_grid:
            later_cells = {_text(c) for row in other or () for c in row}
            return _rows_without(value, later_cells)
        return [e for e in value if not any(same(e, x) for x in other or ())]


def own_names(part: Mapping[str, Any], node: Node, at: Path = ()) -> Iterator[Path]:
    """Yield the paths of all elements that a part document names."""
    fitting = _fitting(node, part)
    for key, value in part.items():
        child = fitting.child(key)
        if child.form is Form.MAP and isinstance(value, Mapping):
            yield from own_names(value, child, (*at, key))
        elif child.form is Form.LIST and child.item is not None:
            for element in value:
                yield (*at, key, element["name"])
                yield from own_names(element, child.item, (*at, key, element["name"]))


def _fitting(node: Node, part: Mapping[str, Any]) -> Node:
    """Return the node of a part; one that is only the way to something inside need not repeat its type."""
    if not node.variants or "type" in part:
        return node.of(part)
    return Node(node.form, keys={k: child for variant in node.variants.values() for k, child in variant.keys.items()})


def _adds(node: Node, value: Any) -> bool:
    if node.form is Form.MAP:
        return isinstance(value, Mapping)
    return isinstance(value, list) and (node.form is Form.LIST or bool(node.merge))


def _is_grid(item: Node, key: str) -> bool:
    child = item.keys.get(key)
    return child is not None and child.is_grid


def _without_cells(element: Mapping[str, Any], item: Node, cells: set[str]) -> Mapping[str, Any]:
    grids = [k for k in element if _is_grid(item, k)]
    if not grids or not any(_text(c) in cells for k in grids for row in element[k] for c in row):
        return element
    return {**element, **{k: _rows_without(element[k], cells) for k in grids}}


def _rows_without(rows: list[list[Any]], cells: set[str]) -> list[list[Any]]:
    found = []
    for row in rows:
        kept = [c for c in row if _text(c) not in cells]
        if len(kept) == len(row) or any(c is not None for c in kept):
            found.append(kept)
    return found


def _index(elements: list[Any], name: str) -> int | None:
    for index, element in enumerate(elements):
        if element["name"] == name or name in element.get("was", ()):
            return index
    return None


def _replaced(elements: list[Any], index: int | None, wanted: Any) -> list[Any]:
    return [*elements, wanted] if index is None else [*elements[:index], wanted, *elements[index + 1 :]]


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)

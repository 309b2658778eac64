"""Comparison of two documents of one identity: the operations that lead from one to the other.

Per named list: renames, removals, changes inside the elements, the order of what stays if it differs, additions at
their places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trellis_metadata import operations as ops
from trellis_metadata.addresses import ABSENT, Path
from trellis_metadata.operations import Operation
from trellis_metadata.renames import matched, moved
from trellis_metadata.snapshot import Document
from trellis_metadata.structure import VALUE, Form, Node
from trellis_metadata.values import same

Elements = dict[str, Mapping[str, Any]]


def document_operations(
    before: Document, after: Document, node: Node, answers: Mapping[Path, str] | None = None
) -> Iterator[Operation]:
    """Yield the operations from ``before`` to ``after``; ``answers`` maps paths of renamed elements to new names."""
    comparison = _Comparison(after["kind"], after["name"], answers or {})
    yield from comparison.keys(before, after, node, ())


@dataclass(frozen=True, slots=True)
class _Comparison:
    kind: str
    name: str
    answers: Mapping[Path, str]

    def keys(self, before: Mapping[str, Any], after: Mapping[str, Any], node: Node, at: Path) -> Iterator[Operation]:
        """Compare two elements (or maps) key by key, in the order of the keys' names."""
        old, new = node.of(before), node.of(after)
        for key in sorted({*before, *after}):
            fitting = old.child(key)
            if fitting is not new.child(key) and fitting != new.child(key):
                fitting = VALUE
            yield from self.value(before.get(key, ABSENT), after.get(key, ABSENT), fitting, (*at, key))

    def value(self, before: Any, after: Any, node: Node, at: Path) -> Iterator[Operation]:
        """Compare what stands at one key on both sides."""
        if before is not ABSENT and after is not ABSENT and same(before, after):
            return
        if node.form is Form.MAP and isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from self.keys(before, after, node, at)
        elif node.form is Form.LIST and node.item is not None:
            old, new = _elements(before), _elements(after)
            if old is None or new is None or not (old or new):
                yield ops.ChangeElement(self.kind, self.name, at, before, after)
            else:
                yield from self.named(old, new, node.item, at, end_list=after is ABSENT)
        elif before is not ABSENT or after is not ABSENT:
            yield ops.ChangeElement(self.kind, self.name, at, before, after)

    def named(self, old: Elements, new: Elements, item: Node, at: Path, *, end_list: bool) -> Iterator[Operation]:
        """Compare two named lists."""
        renamed = self._renamed(old, new, at)
        for name, to in sorted(renamed.items()):
            was = tuple(new[to]["was"]) if "was" in new[to] else None
            yield ops.RenameElement(self.kind, self.name, (*at, name), to, was)
        old = {
            renamed.get(name, name): _as_renamed(e, new[renamed[name]]) if name in renamed else e
            for name, e in old.items()
        }
        for name in old:
            if name not in new:
                yield ops.RemoveElement(self.kind, self.name, (*at, name), end_list)
        for name, element in old.items():
            if name in new:
                yield from self.keys(element, new[name], item, (*at, name))
        stays, wanted = [n for n in old if n in new], [n for n in new if n in old]
        if stays != wanted:
            yield ops.ReorderElements(self.kind, self.name, at, tuple(wanted))
        for index, (name, element) in enumerate(new.items()):
            if name not in old:
                yield ops.AddElement(self.kind, self.name, (*at, name), element, index)

    def _renamed(self, old: Elements, new: Elements, at: Path) -> dict[str, str]:
        answered = {
            path[-1]: to
            for path, to in self.answers.items()
            if moved(path[:-1], self.answers) == at
            and path[-1] in old
            and to in new
            and to not in old
            and path[-1] not in new
        }
        rest_old = {n: e for n, e in old.items() if n not in answered}
        rest_new = {n: e for n, e in new.items() if n not in answered.values()}
        return {**matched(rest_old, rest_new), **answered}


def _elements(value: Any) -> Elements | None:
    """Return a named list as a mapping, an absent one as an empty mapping, and None for a list that is none."""
    if value is ABSENT:
        return {}
    if not isinstance(value, list) or not all(isinstance(e, Mapping) and isinstance(e.get("name"), str) for e in value):
        return None
    found = {element["name"]: element for element in value}
    return found if len(found) == len(value) else None


def _as_renamed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    renamed = {**before, "name": after["name"]}
    renamed.pop("was", None)
    return {**renamed, "was": after["was"]} if "was" in after else renamed

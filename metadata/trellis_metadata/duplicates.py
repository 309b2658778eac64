"""Names inside a document that must differ: of the elements of a named list, now and in the past."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trellis_metadata import pointers
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.structure import Node, named_lists
from trellis_metadata.values import brief


def problems(document: Mapping[str, Any], node: Node) -> Iterator[Diagnostic]:
    """Yield names that two elements of one list share, and old names (``was``) that are in use."""
    for at, elements in named_lists(document, node):
        yield from _in_list(elements, pointers.join(*at))


def _in_list(elements: list[Any], pointer: str) -> Iterator[Diagnostic]:
    seen: dict[str, int] = {}
    for index, element in enumerate(elements):
        name = element.get("name") if isinstance(element, dict) else None
        if not isinstance(name, str):
            continue
        if name in seen:
            yield Diagnostic(
                "duplicate_name",
                f"{pointer}/{index}/name",
                f"The name {brief(name)} is already used by entry {seen[name]} of the list.",
                "Rename one of them.",
            )
        else:
            seen[name] = index
    yield from _old_names(elements, seen, pointer)


def _old_names(elements: list[Any], names: Mapping[str, int], pointer: str) -> Iterator[Diagnostic]:
    owners: dict[str, int] = {}
    for index, element in enumerate(elements):
        was = element.get("was") if isinstance(element, dict) else None
        for place, old in enumerate(was if isinstance(was, list) else []):
            if not isinstance(old, str):
                continue
            holder = names.get(old, owners.get(old))
            if holder is not None and (holder != index or old in names):
                yield Diagnostic(
                    "old_name_in_use",
                    f"{pointer}/{index}/was/{place}",
                    f"The old name {brief(old)} is used by entry {holder} of the list.",
                    "An old name belongs to one element and cannot be given again.",
                )
            owners.setdefault(old, index)

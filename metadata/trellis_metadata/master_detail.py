"""Ownership between objects: a detail belongs to its master, so masters cannot form a circle; child lists have one
name each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.relations import targets_of
from trellis_metadata.snapshot import Document

if TYPE_CHECKING:
    from trellis_metadata.language import Check


def problems(document: Document, context: Check) -> Iterator[Diagnostic]:
    """Yield circles of masters that run through the object, and names of child lists that are taken."""
    for index, field in enumerate(document["fields"]):
        if field["type"] == "master_detail":
            path = _way_back(document["name"], targets_of(field, context.field_types.get("master_detail")), context)
            if path:
                yield Diagnostic(
                    "master_detail_cycle",
                    f"/fields/{index}/target",
                    f"Objects would own each other in a circle: {' → '.join([document['name'], *path])}.",
                    "Make one of the fields a lookup.",
                )
        if isinstance(field.get("relationship"), str):
            yield from _relationship(document["name"], field, f"/fields/{index}/relationship", context)


def masters(object_name: str, context: Check) -> list[str]:
    """Return the objects of which records of ``object_name`` are details."""
    spec = context.field_types.get("master_detail")
    return [
        target
        for field in context.relations.fields(object_name).values()
        if field.get("type") == "master_detail"
        for target in targets_of(field, spec)
    ]


def _way_back(start: str, first: tuple[str, ...], context: Check) -> list[str]:
    """Return the way over masters from one of ``first`` back to ``start``, or an empty list."""
    stack, seen = [[name] for name in first], set(first)
    while stack:
        way = stack.pop()
        if way[-1] == start:
            return way
        for name in masters(way[-1], context):
            if name not in seen:
                seen.add(name)
                stack.append([*way, name])
    return []


def _relationship(object_name: str, field: Document, pointer: str, context: Check) -> Iterator[Diagnostic]:
    name = field["relationship"]
    for target in targets_of(field, context.field_types.get(field["type"])):
        if name in context.relations.fields(target):
            yield Diagnostic(
                "relationship_taken",
                pointer,
                f"Object '{target}' has a field '{name}' already.",
                "Choose another name for the child list.",
            )
        for other in context.children(target).get(name, ()):
            if other != (object_name, field["name"]):
                yield Diagnostic(
                    "relationship_taken",
                    pointer,
                    f"Field '{other[1]}' of object '{other[0]}' already calls its child list on '{target}' '{name}'.",
                    "Choose another name for the child list.",
                )

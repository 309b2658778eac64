"""Roll-ups as the documents define them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trellis.fields.rollup import DEFAULT_SEPARATOR
from trellis.ripples.hidden import hidden_fields
from trellis_metadata.snapshot import Snapshot

Column = tuple[str, str]
"""A stored field: object and name."""
ORDERED = frozenset({"first", "last", "join"})
"""Operations for which the order of the child records matters."""


@dataclass(frozen=True, slots=True)
class Rollup:
    """One roll-up field of ``object`` over the records of ``child`` that point at it by ``link``.

    ``filter`` is a filter tree, the text of a formula, or None; ``field`` is None for a count of records.
    """

    object: str
    name: str
    child: str
    link: str
    operation: str
    field: str | None
    filter: Mapping[str, Any] | str | None
    order_by: str | None
    descending: bool
    separator: str
    distinct: bool
    document: Mapping[str, Any]

    @property
    def column(self) -> Column:
        return self.object, self.name

    @classmethod
    def read(cls, object_name: str, document: Mapping[str, Any]) -> Rollup:
        """Read one entry of ``fields``."""
        child, _, link = document["of"].partition(".")
        order = document.get("order_by")
        return cls(
            object_name,
            document["name"],
            child,
            link,
            document["operation"],
            document.get("field"),
            document.get("filter"),
            order.removeprefix("-") if order else None,
            bool(order and order.startswith("-")),
            document.get("separator", DEFAULT_SEPARATOR),
            bool(document.get("distinct")),
            document,
        )


def rollups_of(snapshot: Snapshot) -> Mapping[Column, Rollup]:
    """Return every roll-up of a snapshot, those that formulas ask for included; read once."""
    found: dict[Column, Rollup] | None = snapshot.__dict__.get("_rollups")
    if found is None:
        found = {}
        for name, document in snapshot.of_kind("object").items():
            for field in (*document["fields"], *hidden_fields(snapshot, name)):
                if field["type"] == "rollup":
                    found[name, field["name"]] = Rollup.read(name, field)
        snapshot.__dict__["_rollups"] = found
    return found

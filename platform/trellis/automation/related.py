"""Related records: what a lookup of the record points at, or a list of records that point at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trellis.fields import field_types
from trellis.model.system_fields import SYSTEM_FIELD_DOCS
from trellis_metadata.diagnostics import Diagnostic, did_you_mean
from trellis_metadata.relations import targets_of

if TYPE_CHECKING:
    from trellis.automation.place import Place


@dataclass(frozen=True, slots=True)
class Relation:
    """``many``: records of ``object`` whose ``field`` points at the record; else the one at which ``field`` of it points."""

    object: str
    field: str
    many: bool


def relation_of(place: Place, name: str) -> Relation | None:
    """Return what ``name`` leads to from the record of ``place``; None if it is neither lookup nor list."""
    return relations_of(place).get(name)


def relations_of(place: Place) -> dict[str, Relation]:
    """Return every lookup with one target, and every list of related records, by name."""
    found: dict[str, Relation] = {}
    types = field_types()
    for name, document in place.snapshot.of_kind("object").items():
        fields = document.get("fields", ())
        for field in (*SYSTEM_FIELD_DOCS, *fields) if name == place.object else fields:
            targets = targets_of(field, types.get(str(field.get("type"))))
            if name == place.object and len(targets) == 1:
                found.setdefault(field["name"], Relation(targets[0], field["name"], False))
            if place.object in targets and isinstance(field.get("relationship"), str):
                found.setdefault(field["relationship"], Relation(name, field["name"], True))
    return found


def check_relation(place: Place, name: str, at: str, *, many: bool | None = None) -> Iterator[Diagnostic]:
    """Yield why ``name`` leads nowhere; ``many`` says that only lists will do."""
    known = {n: r for n, r in relations_of(place).items() if many is None or r.many == many}
    if name not in known:
        what = "list of related records" if many else "lookup or list of related records"
        yield Diagnostic(
            "unknown_relation",
            at,
            f"'{place.object}' has no {what} '{name}'.{did_you_mean(name, known)}",
            f"It has: {', '.join(sorted(known)) or 'none'}.",
        )

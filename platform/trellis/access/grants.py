"""What permission sets grant: rights on objects and fields, added up and compiled once per model and combination of sets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trellis_metadata.snapshot import Snapshot

if TYPE_CHECKING:
    from trellis.model import Model

NONE, MASKED, READ, EDIT = range(4)
LEVELS = {"none": NONE, "masked": MASKED, "read": READ, "edit": EDIT}
"""Access to a field, from nothing to everything."""


@dataclass(frozen=True, slots=True)
class ObjectGrant:
    """What is granted on one object. ``record_types`` None: all of them.

    ``fields`` maps names to their level; all others have ``default_field``. ``named`` says whether any set names the object.
    """

    rights: frozenset[str] = frozenset()
    record_types: frozenset[str] | None = frozenset()
    default_field: int = NONE
    fields: Mapping[str, int] = field(default_factory=dict)

    def level(self, name: str) -> int:
        """Return the access to a field."""
        return self.fields.get(name, self.default_field)


_NOTHING = ObjectGrant()


@dataclass(frozen=True, slots=True)
class Grants:
    """The sum of a person's permission sets. ``key`` identifies it: whoever has the same key has the same rights."""

    key: tuple[str, ...]
    every_object: frozenset[str]
    objects: Mapping[str, ObjectGrant]
    restricted: frozenset[str]
    """Objects with restriction rules: there nobody but an administrator reaches everything."""

    def on(self, name: str) -> ObjectGrant:
        """Return what is granted on an object."""
        found = self.objects.get(name)
        if found is not None:
            return found
        return ObjectGrant(self.every_object, None, EDIT) if self.every_object else _NOTHING


NO_GRANTS = Grants((), frozenset(), {}, frozenset())


def grants_of(model: Model, sets: Collection[str]) -> Grants:
    """Return the sum of the permission sets called ``sets``; a set that does not exist grants nothing."""
    key = ("grants", *sorted(sets))
    found: Grants | None = model.cache.get(key)
    if found is None:
        found = model.cache[key] = compile_grants(model.snapshot, sets)
    return found


def compile_grants(snapshot: Snapshot, sets: Iterable[str]) -> Grants:
    """Add up permission sets of a snapshot, with the sets that they include."""
    documents = snapshot.of_kind("permission_set")
    waiting, seen = sorted(sets), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in seen and name in documents:
            seen.add(name)
            waiting.extend(documents[name].get("includes", ()))
    chosen = [documents[n] for n in sorted(seen)]
    every = frozenset(r for d in chosen for r in d.get("every_object", ()))
    names = {e["name"] for d in chosen for e in d.get("objects", ())}
    objects = {name: _add([_entry(d, name) for d in chosen]) for name in sorted(names)}
    restricted = frozenset(d["object"] for d in snapshot.of_kind("restriction_rule").values())
    return Grants(tuple(sorted(seen)), every, objects, restricted)


def _entry(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return what one set says about an object: its entry, whose rights come on top of those for every object."""
    stated: Mapping[str, Any] = next((e for e in document.get("objects", ()) if e["name"] == name), {})
    return {**stated, "rights": {*document.get("every_object", ()), *stated.get("rights", ())}}


def _add(entries: Sequence[Mapping[str, Any]]) -> ObjectGrant:
    # An entry that grants no right says nothing about fields: fields without the object are of no use.
    speaking = [e for e in entries if e["rights"]]
    if not speaking:
        return _NOTHING
    writing = [e for e in speaking if e["rights"] & {"create", "edit"}]
    limited = all("record_types" in e for e in writing)
    types = frozenset(t for e in writing for t in e.get("record_types", ())) if writing and limited else None
    names = {f["name"] for e in speaking for f in e.get("fields", ())}
    return ObjectGrant(
        frozenset(r for e in speaking for r in e["rights"]),
        types,
        max(_level(e, None) for e in speaking),
        {n: max(_level(e, n) for e in speaking) for n in sorted(names)},
    )


def _level(entry: Mapping[str, Any], name: str | None) -> int:
    stated = next((f["access"] for f in entry.get("fields", ()) if f["name"] == name), None)
    level = LEVELS[stated if stated is not None else entry.get("default_field", "edit")]
    # A set that only lets people read does not make the fields of another set writable.
    return level if entry["rights"] & {"create", "edit"} else min(level, READ)

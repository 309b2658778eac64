"""Relations: what a dotted field path such as ``account.owner.name`` means from an object on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.field_types import FieldTypeSpec
from trellis_metadata.snapshot import Snapshot

SYSTEM_FIELD_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "id": "text",
        "owner": "user",
        "record_type": "text",
        "created_at": "datetime",
        "created_by": "user",
        "modified_at": "datetime",
        "modified_by": "user",
        "version": "integer",
        "deleted_at": "datetime",
    }
)
"""Fields that every record has, with the field type they behave like."""


MAX_STEPS = 9


@dataclass(frozen=True, slots=True)
class Found:
    """The field at the end of a path. ``object`` has it; ``category`` is None when its type is not known;
    ``document`` is None for a field of the system; ``part`` names the part of the field that was addressed."""

    object: str
    name: str
    type: str
    category: str | None
    document: Mapping[str, Any] | None = None
    part: str | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a path leads nowhere."""

    message: str


def targets_of(field: Mapping[str, Any], spec: FieldTypeSpec | None) -> tuple[str, ...]:
    """Return the objects to which a reference field points; empty for other fields."""
    if spec is None or spec.category != "reference":
        return ()
    target = field.get("target")
    if isinstance(target, str):
        return (target,)
    if isinstance(target, list):
        return tuple(t for t in target if isinstance(t, str))
    return tuple(getattr(spec, "targets", ())) or (("user",) if "target" not in spec.options else ())


class Relations:
    """The fields of all objects of a snapshot, and the ways between the objects."""

    def __init__(
        self, snapshot: Snapshot, field_types: Mapping[str, FieldTypeSpec], system: Mapping[str, Mapping[str, str]]
    ) -> None:
        self._types = field_types
        self._system = system
        self._documents = snapshot.get
        self._objects = snapshot.of_kind("object")
        self._fields: dict[str, dict[str, Mapping[str, Any]]] = {}

    def has_object(self, name: str) -> bool:
        """Say whether there is an object of this name, of the tenant or of the system."""
        return name in self._objects or name in self._system

    def objects(self) -> list[str]:
        """Return the names of all objects."""
        return [*self._objects, *self._system]

    def fields(self, object_name: str) -> Mapping[str, Mapping[str, Any]]:
        """Return the fields of an object as documents, by name, without the system's fields."""
        if object_name not in self._fields:
            self._fields[object_name] = self._read_fields(object_name)
        return self._fields[object_name]

    def _read_fields(self, object_name: str) -> dict[str, Mapping[str, Any]]:
        document = self._objects.get(object_name)
        if document is None:
            return {name: {"name": name, "type": type_} for name, type_ in self._system.get(object_name, {}).items()}
        listed = document.get("fields")
        fields = listed if isinstance(listed, list) else []
        return {f["name"]: f for f in fields if isinstance(f, dict) and isinstance(f.get("name"), str)}

    def resolve(self, object_name: str, path: str) -> Found | Missing:
        """Follow ``path`` from ``object_name``. Where a reference has several targets, one of them must know the
        rest."""
        if path.count(".") > MAX_STEPS:
            return Missing(f"A path has at most {MAX_STEPS} steps.")
        first, _, rest = path.partition(".")
        found = self._own(object_name, first)
        if isinstance(found, Missing) or not rest:
            return found
        spec = self._types.get(found.type)
        parts = getattr(spec, "parts", {})
        if rest in parts:
            return Found(found.object, found.name, found.type, parts[rest], found.document, rest)
        targets = targets_of(found.document or {"type": found.type}, spec)
        if not targets:
            if found.category is None:
                return Found(object_name, path, "", None)
            if parts:
                known = f"{did_you_mean(rest[:100], parts)} Parts: {', '.join(parts)}."
                return Missing(f"Field '{first}' of object '{object_name}' has no part '{rest[:60]}'.{known}")
            return Missing(f"Field '{first}' of object '{object_name}' is a {found.type} and leads to no other object.")
        ends = [self.resolve(target, rest) for target in targets if self.has_object(target)]
        if not ends:
            # The unknown target is reported where it stands; its fields cannot be judged here.
            return Found(object_name, path, "", None)
        return next((end for end in ends if isinstance(end, Found)), ends[0])

    def _own(self, object_name: str, name: str) -> Found | Missing:
        field = self.fields(object_name).get(name)
        if field is None:
            if name in SYSTEM_FIELD_TYPES:
                return self._found(object_name, name, SYSTEM_FIELD_TYPES[name], None)
            known = [*self.fields(object_name), *SYSTEM_FIELD_TYPES]
            return Missing(f"Object '{object_name}' has no field '{name[:60]}'.{did_you_mean(name[:100], known)}")
        return self._found(object_name, name, str(field.get("type")), field)

    def _found(self, object_name: str, name: str, type_: str, field: Mapping[str, Any] | None) -> Found:
        return Found(object_name, name, type_, self._category(field, self._types.get(type_)), field)

    def _category(self, field: Mapping[str, Any] | None, spec: FieldTypeSpec | None) -> str | None:
        """Return the category of a field's values; computed fields say which plain field they are like."""
        held = getattr(spec, "held", None)
        if held is None or field is None:
            return spec.category if spec else None
        try:
            plain = self._types.get(str(held(field, self._documents).get("type")))
        except (KeyError, TypeError, ValueError, AttributeError):
            # The document has a wrong shape, which is told where it stands.
            return None
        return plain.category if plain else None

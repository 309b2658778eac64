"""All objects of one tenant at one version, each compiled when it is first asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from trellis.fields.common.references import on_delete_of
from trellis.model.environment import ModelEnvironment
from trellis.model.object_model import ObjectModel
from trellis.model.translations import localised
from trellis.storage.physical import Storage
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError
from trellis_metadata.snapshot import Snapshot


class UnknownObject(TrellisError):
    """No object of that name exists, or the caller may not know of it."""

    code = "unknown_object"


@dataclass(frozen=True, slots=True)
class Reference:
    """A field of ``source`` that points at records of another object, with its delete rule."""

    source: str
    field: str
    on_delete: str
    relationship: str | None


class Model:
    """An immutable compiled version. ``storage_of`` reads one object's catalogue entry."""

    def __init__(
        self, snapshot: Snapshot, version: int, env: ModelEnvironment, storage_of: Callable[[str], Storage | None]
    ) -> None:
        self.snapshot = snapshot
        self.version = version
        self.env = env
        self._storage_of = storage_of
        self._objects: dict[str, ObjectModel] = {}
        self._lock = threading.Lock()
        self.cache: dict[Any, Any] = {}
        """Statements and closures compiled for this version, by their shape."""

    @property
    def object_names(self) -> list[str]:
        """Names of all objects, sorted."""
        return list(self.snapshot.of_kind("object"))

    def object(self, name: str) -> ObjectModel:
        """Return one compiled object. Raises :class:`UnknownObject`."""
        found = self._objects.get(name)
        if found is None:
            found = self._compile(name)
        return found

    def _compile(self, name: str) -> ObjectModel:
        doc = self.display.get("object", name) if isinstance(name, str) else None
        storage = self._storage_of(name) if doc else None
        if doc is None or storage is None:
            hint = did_you_mean(str(name)[:80], self.object_names)
            raise UnknownObject(f"There is no object '{str(name)[:80]}'.{hint}", name=str(name)[:80])
        with self._lock:
            return self._objects.setdefault(name, ObjectModel(doc, storage, self.env, self))

    @cached_property
    def display(self) -> Snapshot:
        """The documents with translated labels, for everything that people see. What is edited is ``snapshot``."""
        return localised(self.snapshot)

    @cached_property
    def referrers(self) -> Mapping[str, tuple[Reference, ...]]:
        """For each object the fields of other objects that can point at its records: the where-used catalogue of records."""
        found: dict[str, list[Reference]] = {}
        for name, doc in self.snapshot.of_kind("object").items():
            for field in doc["fields"]:
                if field["type"] not in ("lookup", "master_detail", "user"):
                    continue
                targets = field.get("target", "user") if field["type"] != "user" else "user"
                rule = "cascade" if field["type"] == "master_detail" else on_delete_of(field)
                for target in [targets] if isinstance(targets, str) else targets:
                    found.setdefault(target, []).append(Reference(name, field["name"], rule, field.get("relationship")))
        return {k: tuple(v) for k, v in found.items()}

    def relationship(self, object_name: str, relationship: str) -> Reference | None:
        """Return the child list called ``relationship`` on ``object_name``, or None."""
        return next((r for r in self.referrers.get(object_name, ()) if r.relationship == relationship), None)

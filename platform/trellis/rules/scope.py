"""What a rule of an object can see: its fields, the fields of the records it points at, and ``$user``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from trellis.fields import field_types
from trellis.formula import functions
from trellis.model.system_fields import SYSTEM_FIELD_DOCS
from trellis_metadata.formula.functions import FunctionSpec
from trellis_metadata.formula.scope import GLOBALS, Symbol
from trellis_metadata.formula.types import Type
from trellis_metadata.snapshot import Snapshot

MAX_HOPS = 5
_TYPES = {
    "text": Type.TEXT,
    "number": Type.NUMBER,
    "boolean": Type.BOOLEAN,
    "date": Type.DATE,
    "datetime": Type.DATETIME,
    "time": Type.TIME,
    "choice": Type.PICKLIST,
    "choices": Type.MULTIPICKLIST,
    "reference": Type.REFERENCE,
}
USER = "$user"


class ObjectScope:
    """Names as rules of ``object_name`` see them. Letter case does not matter; the canonical path is the API names."""

    def __init__(self, snapshot: Snapshot, object_name: str) -> None:
        self.snapshot, self.object_name = snapshot, object_name
        self._globals = {s.path.lower(): s for s in GLOBALS}

    @property
    def functions(self) -> Mapping[str, FunctionSpec]:
        return functions()

    def resolve(self, name: str) -> Symbol | None:
        steps = name.lower().split(".")
        if name.lower() in self._globals:
            return self._globals[name.lower()]
        if steps[0] == USER:
            return self._walk("user", steps[1:], (USER,)) if len(steps) > 1 else None
        return self._walk(self.object_name, steps, ())

    def names(self, near: str) -> Iterable[str]:
        *relations, _ = near.lower().split(".")
        owner = "user" if relations[:1] == [USER] else self.object_name
        for step in relations[1:] if relations[:1] == [USER] else relations:
            field = self._fields(owner).get(step)
            targets = _targets(field) if field else ()
            if len(targets) != 1:
                return []
            owner = targets[0]
        prefix = ".".join(relations) + "." if relations else ""
        return [prefix + n for n in self._fields(owner)]

    def _fields(self, object_name: str) -> dict[str, Mapping[str, Any]]:
        doc = self.snapshot.get("object", object_name) or {"fields": ()}
        return {f["name"]: f for f in (*SYSTEM_FIELD_DOCS, *doc["fields"])}

    def _walk(self, owner: str, steps: list[str], passed: tuple[str, ...]) -> Symbol | None:
        if len(steps) > MAX_HOPS + 1:
            return None
        for position, step in enumerate(steps):
            field = self._fields(owner).get(step)
            if field is None:
                return None
            if position == len(steps) - 1:
                return self._symbol(".".join((*passed, *steps)), field, (*passed, *steps[:-1]))
            targets = _targets(field)
            if len(targets) != 1:
                return None
            owner = targets[0]
        return None

    def _symbol(self, path: str, field: Mapping[str, Any], relations: tuple[str, ...]) -> Symbol | None:
        kind = _TYPES.get(field_types()[field["type"]].category)
        if kind is None:
            return None
        return Symbol(path, kind, percent=field["type"] == "percent", values=self._values(field), relations=relations)

    def _values(self, field: Mapping[str, Any]) -> tuple[str, ...]:
        shared = self.snapshot.get("picklist", field["picklist"]) if "picklist" in field else None
        return tuple(o["name"] for o in (shared or field).get("options", ()))


def _targets(field: Mapping[str, Any]) -> tuple[str, ...]:
    if field["type"] == "user":
        return ("user",)
    target = field.get("target", ()) if field["type"] in ("lookup", "master_detail") else ()
    return (target,) if isinstance(target, str) else tuple(target)

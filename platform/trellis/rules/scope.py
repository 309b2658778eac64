"""What a rule of an object can see: its fields, the fields of the records it points at, and the globals.

Globals: ``$user.…`` (the record of the acting user), ``$org.…`` (the organisation), ``$old.…`` (the record before the
change), ``$object.<object>.<field>`` (a field of another object, for VLOOKUP only).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from trellis.decision_tables.function import functions_with_tables
from trellis.fields import field_types
from trellis.model.system_fields import SYSTEM_FIELD_DOCS
from trellis.ripples.hidden import child_path, hidden_field, hidden_fields, separator_of
from trellis.rules.formula_fields import symbol_of
from trellis_metadata.formula import tree as t
from trellis_metadata.formula.functions import Complaint, FunctionSpec
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
USER, OLD, ORG, OBJECT = "$user", "$old", "$org", "$object"
ORGANISATION = {
    f"{ORG}.{name}": Symbol(f"{ORG}.{name}", Type.TEXT)
    for name in ("name", "currency", "country", "time_zone", "language")
}
ID_FIELD: Mapping[str, Any] = {"name": "id", "type": "user"}
"""The id of a record behaves like a reference to it."""


class ObjectScope:
    """Names as rules of ``object_name`` see them. Letter case does not matter; the canonical path is the API names."""

    def __init__(self, snapshot: Snapshot, object_name: str, relations: tuple[str, ...] = ()) -> None:
        self.snapshot, self.object_name, self.relations = snapshot, object_name, relations
        self._globals = {**{s.path.lower(): s for s in GLOBALS}, **ORGANISATION}

    @property
    def functions(self) -> Mapping[str, FunctionSpec]:
        return functions_with_tables(self.snapshot)

    def resolve(self, name: str) -> Symbol | None:
        steps = name.lower().split(".")
        if name.lower() in self._globals:
            return self._globals[name.lower()]
        if steps[0] == USER:
            return self._walk("user", steps[1:], (USER,)) if len(steps) > 1 else None
        if steps[0] == OLD:
            return self._walk(self.object_name, steps[1:], (OLD,)) if len(steps) > 1 else None
        if steps[0] == OBJECT:
            found = self._walk(steps[1], steps[2:], (OBJECT, steps[1])) if len(steps) == 3 else None
            return replace(found, many=True, relations=()) if found is not None else None
        return self._walk(self.object_name, steps, self.relations) or self._children(steps)

    def _children(self, steps: list[str]) -> Symbol | None:
        """Return the symbol of a path through a child list, such as ``lines.amount``: for aggregates only."""
        found = child_path(self.snapshot, self.object_name, steps)
        end = ObjectScope(self.snapshot, found.child).resolve(found.field) if found else None
        if found is None or end is None:
            return None
        path = ".".join((*self.relations, *steps))
        return Symbol(path, end.type, end.percent, many=True, relations=(*self.relations, *found.relations))

    def kept_rollup(self, call: t.Call, children: Symbol) -> str | Complaint:
        """Return the name of the hidden field that keeps an aggregate over ``children``, or why none does."""
        steps = children.path.split(".")[len(self.relations) :]
        found = child_path(self.snapshot, self.object_name, steps)
        if found is None:
            return Complaint(f"'{children.path}' is no list of child records of a record.")
        if call.name.upper() == "JOIN" and separator_of(call) is None:
            return Complaint("The separator of JOIN must be a text that is written out.")
        field = hidden_field(call.name.upper(), found, separator_of(call))
        if field["name"] not in {f["name"] for f in hidden_fields(self.snapshot, found.owner)}:
            return Complaint(
                f"No published formula keeps {call.name}({children.path}). Add a roll-up field and use that here."
            )
        problem = problem_of_hidden(self.snapshot, found.owner, field)
        return field["name"] if problem is None else Complaint(problem)

    def at(self, object_name: str, relations: tuple[str, ...]) -> ObjectScope:
        """Return the scope of a record that is reached over ``relations`` from the record that this scope begins with."""
        return ObjectScope(self.snapshot, object_name, relations)

    def end_of(self, name: str) -> tuple[str, Mapping[str, Any]] | None:
        """Return the object and the document of the field at the end of a path, or None where it leads nowhere."""
        steps = name.lower().split(".")
        start = {USER: ("user", steps[1:]), OLD: (self.object_name, steps[1:])}
        owner, rest = start.get(steps[0], (self.object_name, steps))
        return self._end(owner, rest)

    def names(self, near: str) -> Iterable[str]:
        *relations, _ = near.lower().split(".")
        if relations[:1] == [ORG]:
            return list(ORGANISATION)
        if relations[:1] == [OBJECT] and len(relations) < 2:
            return [f"{OBJECT}.{name}" for name in self.snapshot.of_kind("object")]
        owner, walked = self.object_name, relations
        if relations[:1] == [OBJECT]:
            owner, walked = relations[1], relations[2:]
        elif relations[:1] in ([USER], [OLD]):
            owner, walked = "user" if relations[0] == USER else self.object_name, relations[1:]
        for step in walked:
            field = self._fields(owner).get(step)
            targets = _targets(field) if field else ()
            if len(targets) != 1:
                return []
            owner = targets[0]
        prefix = ".".join(relations) + "." if relations else ""
        return [prefix + n for n in self._fields(owner)]

    def _fields(self, object_name: str) -> dict[str, Mapping[str, Any]]:
        doc = self.snapshot.get("object", object_name) or {"fields": ()}
        return {f["name"]: f for f in (ID_FIELD, *SYSTEM_FIELD_DOCS, *doc.get("fields", ()))}

    def _walk(self, owner: str, steps: list[str], passed: tuple[str, ...]) -> Symbol | None:
        found = self._end(owner, steps)
        if found is None:
            return self._part(owner, steps, passed)
        return self._symbol(".".join((*passed, *steps)), found, (*passed, *steps[:-1]))

    def _end(self, owner: str, steps: list[str]) -> tuple[str, Mapping[str, Any]] | None:
        if not 0 < len(steps) <= MAX_HOPS + 1:
            return None
        for position, step in enumerate(steps):
            field = self._fields(owner).get(step)
            if field is None or position == len(steps) - 1:
                return None if field is None else (owner, field)
            targets = () if field is ID_FIELD else _targets(field)
            if len(targets) != 1:
                return None
            owner = targets[0]
        return None

    def _part(self, owner: str, steps: list[str], passed: tuple[str, ...]) -> Symbol | None:
        """Return the symbol of a part of a field, such as ``amount.currency`` or ``address.city``."""
        found = self._end(owner, steps[:-1])
        category = field_types()[found[1]["type"]].parts.get(steps[-1]) if found else None
        if category is None:
            return None
        return Symbol(".".join((*passed, *steps)), _TYPES[category], relations=(*passed, *steps[:-2]))

    def _symbol(self, path: str, found: tuple[str, Mapping[str, Any]], relations: tuple[str, ...]) -> Symbol | None:
        owner, field = found
        if field["type"] == "formula":
            return symbol_of(self, path, field, relations, owner)
        field = field_types()[field["type"]].held(field, self.snapshot.get)
        kind = _TYPES.get(field_types()[field["type"]].category)
        if kind is None:
            return None
        return Symbol(path, kind, percent=field["type"] == "percent", values=self._values(field), relations=relations)

    def _values(self, field: Mapping[str, Any]) -> tuple[str, ...]:
        shared = self.snapshot.get("picklist", field["picklist"]) if "picklist" in field else None
        return tuple(o["name"] for o in (shared or field).get("options", ()))


def problem_of_hidden(snapshot: Snapshot, owner: str, field: Mapping[str, Any]) -> str | None:
    """Return why a hidden roll-up cannot be kept, None when it can; judged once per snapshot."""
    from trellis.ripples.checking import check_rollup

    known: dict[tuple[str, str], str | None] = snapshot.__dict__.setdefault("_hidden_problems", {})
    key = (owner, field["name"])
    if key not in known:
        known[key] = None  # while it is judged: a formula that it reads may use it, which the check for circles finds
        known[key] = next((d.message for d in check_rollup(field, "", owner, snapshot)), None)
    return known[key]


def _targets(field: Mapping[str, Any]) -> tuple[str, ...]:
    if field["type"] == "user":
        return ("user",)
    target = field.get("target", ()) if field["type"] in ("lookup", "master_detail") else ()
    return (target,) if isinstance(target, str) else tuple(target)

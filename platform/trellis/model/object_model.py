"""One compiled object: its fields, its table, its keys, and the statements that the hot path uses again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.fields import field_types
from trellis.fields.base import Codec, Column, Environment, FieldType
from trellis.model.field_model import FieldModel
from trellis.model.system_fields import SYSTEM_FIELD_DOCS
from trellis.ripples.hidden import MARK, hidden_fields
from trellis.storage.physical import FOLD, SHADOW, Storage, build_table
from trellis.storage.types import text_column
from trellis_metadata.labels import text_of

if TYPE_CHECKING:
    from trellis.model.model import Model


@dataclass(frozen=True, slots=True)
class UniqueKey:
    """A key that no two live records may share. ``pointer`` names where errors are shown."""

    name: str
    fields: tuple[str, ...]


_FOLD_COLUMN = (Column(text_column()),)


def folded_fields(doc: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the text fields of an object that take part in a unique key which ignores case."""
    types = field_types()
    text = [f["name"] for f in doc["fields"] if types[f["type"]].category == "text"]
    keys = {f["name"] for f in doc["fields"] if f.get("unique")}
    for key in doc.get("unique", ()):
        if not key.get("case_sensitive"):
            keys.update(key["fields"])
    return tuple(name for name in text if name in keys)


def stored_columns(doc: Mapping[str, Any], codecs: Mapping[str, Codec]) -> dict[str, tuple[Column, ...]]:
    """Return every stored thing of an object with its columns: the fields, then their shadows."""
    stored = {name: codec.columns for name, codec in codecs.items() if codec.columns}
    stored.update({SHADOW + name: codec.shadow for name, codec in codecs.items() if codec.shadow})
    stored.update({FOLD + name: _FOLD_COLUMN for name in folded_fields(doc)})
    return stored


def stored_fields(doc: Mapping[str, Any], env: Environment) -> list[Mapping[str, Any]]:
    """Return the fields of an object that may have columns: its own, and the roll-ups that formulas ask for."""
    snapshot = getattr(env, "snapshot", None)
    return [*doc["fields"], *(hidden_fields(snapshot, doc["name"]) if snapshot is not None else ())]


def shown(field: Mapping[str, Any], kind: FieldType, env: Environment) -> Mapping[str, Any]:
    """Return a field as readers use it: a computed one has the options of its values, and their type as ``result``."""
    held = kind.held(field, env.document)
    return field if held is field else {**held, **field, "result": held["type"]}


class ObjectModel:
    """An object as the runtime sees it. Immutable; shared between threads."""

    def __init__(self, doc: Mapping[str, Any], storage: Storage, env: Environment, model: Model | None = None) -> None:
        self.doc = doc
        self.model = model
        """The version that the object belongs to; None while it is being published."""
        self.name: str = doc["name"]
        self.storage = storage
        types = field_types()
        codecs = {f["name"]: types[f["type"]].compile(f, env) for f in stored_fields(doc, env)}
        self.folded = folded_fields(doc)
        """Fields whose case-folded form is stored beside them, because a unique key ignores case."""
        self.table = build_table(storage, stored_columns(doc, codecs))
        self.fields: dict[str, FieldModel] = {}
        self.hidden: dict[str, FieldModel] = {}
        """Roll-ups that formulas ask for. They are in no form, list or answer."""
        for field in stored_fields(doc, env):
            codec = codecs[field["name"]]
            place = storage.places[field["name"]] if codec.columns else None
            columns = tuple(self.table.c[n] for n in place.names(codec.columns)) if place else ()
            kind = types[field["type"]]
            made = FieldModel(field["name"], shown(field, kind, env), kind, codec, columns)
            (self.hidden if field["name"].startswith(MARK) else self.fields)[field["name"]] = made
        self.shadows: dict[str, FieldModel] = {
            f.name: replace(f, columns=(self.table.c[storage.places[SHADOW + f.name].column],))
            for f in self.fields.values()
            if f.codec.shadow
        }
        """Indexed formula fields with the columns of their stored copies, which :mod:`trellis.ripples.shadows` keeps right."""
        self.system: dict[str, FieldModel] = {}
        for field in SYSTEM_FIELD_DOCS:
            kind = types[field["type"]]
            self.system[field["name"]] = FieldModel(
                field["name"], field, kind, kind.compile(field, env), (self.table.c[field["name"]],), system=True
            )
        self.name_field: str | None = doc.get("name_field") or self._guess_name_field()
        self.env = env

    def _guess_name_field(self) -> str | None:
        if "name" in self.fields:
            return "name"
        return next(
            (f.name for f in self.fields.values() if f.doc["type"] in ("text", "auto_number", "person_name")), None
        )

    def label(self, language: str) -> str:
        """Return the singular label."""
        return text_of(self.doc.get("label"), language, self.name.replace("_", " ").capitalize())

    def plural(self, language: str) -> str:
        """Return the plural label."""
        return text_of(self.doc.get("plural"), language, self.label(language))

    def field(self, name: str) -> FieldModel | None:
        """Return a declared or system field, or None."""
        return self.fields.get(name) or self.system.get(name)

    def stored_field(self, name: str) -> FieldModel:
        """Return a field, hidden ones included. Raises KeyError."""
        return self.field(name) or self.hidden[name]

    @cached_property
    def unique_keys(self) -> tuple[UniqueKey, ...]:
        """All unique keys: single fields and composite ones."""
        single = [UniqueKey(f.name, (f.name,)) for f in self.fields.values() if f.doc.get("unique")]
        composite = [UniqueKey(k["name"], tuple(k["fields"])) for k in self.doc.get("unique", ())]
        return (*single, *composite)

    def key_column(self, name: str) -> sa.Column[Any]:
        """Return the column that uniqueness compares for one field: its case-folded shadow if it has one."""
        if name in self.folded:
            return self.table.c[self.storage.places[FOLD + name].column]
        field = self.field(name)
        assert field is not None
        return field.column

    @cached_property
    def all_fields(self) -> Sequence[FieldModel]:
        """Declared fields, then system fields, in order."""
        return (*self.fields.values(), *self.system.values())

    @cached_property
    def formula_fields(self) -> Sequence[FieldModel]:
        """The fields that are computed when they are read."""
        return tuple(f for f in self.fields.values() if f.is_formula)

    @property
    def search_paths(self) -> Sequence[str]:
        """Field paths whose text full-text search covers; by default the name field."""
        declared = self.doc.get("features", {}).get("search")
        if declared is not None:
            return list(declared)
        return [self.name_field] if self.name_field else []

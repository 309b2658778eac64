"""Objects: kinds of records, with their fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trellis_metadata import activities, field_checks, lookup_filters, master_detail, sharing
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.kind import Kind, Reference
from trellis_metadata.labels import Label
from trellis_metadata.names import SYSTEM_FIELDS
from trellis_metadata.relations import Found
from trellis_metadata.snapshot import Document, Snapshot

if TYPE_CHECKING:
    from trellis_metadata.language import Check, Language

COMMON_KEYS = (
    "name",
    "type",
    "label",
    "help",
    "description",
    "required",
    "unique",
    "default",
    "required_when",
    "visible_when",
    "read_only_when",
    "history",
    "indexed",
    "sensitive",
    "was",
)
FORMULA_WORDS = frozenset({"and", "or", "not", "in", "is", "like", "between", "null", "true", "false"})
"""Words of the formula language, which cannot be names of fields. Words of SQL and Python can: names are quoted
there."""


@dataclass(frozen=True, slots=True)
class FieldDef:
    """A field. ``options`` are the keys that belong to its type."""

    name: str
    type: str
    label: Label
    required: bool
    unique: bool
    default: Any
    was: tuple[str, ...]
    options: Mapping[str, Any]
    document: Document

    @classmethod
    def read(cls, document: Document) -> FieldDef:
        """Read one entry of ``fields``."""
        options = {k: v for k, v in document.items() if k not in COMMON_KEYS}
        return cls(
            document["name"],
            document["type"],
            document.get("label", document["name"]),
            document.get("required", False),
            document.get("unique", False),
            document.get("default"),
            tuple(document.get("was", ())),
            options,
            document,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the entry from which the field was read."""
        return dict(self.document)


@dataclass(frozen=True, slots=True)
class ObjectDef:
    """An object. ``unique`` and ``indexes`` map the name of a key to its field names."""

    name: str
    label: Label
    plural: Label
    name_field: str | None
    fields: tuple[FieldDef, ...]
    record_types: tuple[Document, ...]
    validation: tuple[Document, ...]
    unique: Mapping[str, tuple[str, ...]]
    indexes: Mapping[str, tuple[str, ...]]
    sharing: Mapping[str, Any]
    features: Mapping[str, Any]
    was: tuple[str, ...]
    document: Document

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the object was read."""
        return dict(self.document)


class ObjectKind(Kind):
    """The kind ``object``."""

    name = "object"
    folder = "objects"
    label = {"en": "object", "zh": "对象"}
    nouns = {
        "fields": ("field", "字段"),
        "options": ("option", "选项"),
        "record_types": ("record type", "记录类型"),
        "validation": ("validation rule", "校验规则"),
        "unique": ("unique key", "唯一键"),
        "indexes": ("index", "索引"),
    }

    def read(self, document: Document) -> ObjectDef:
        fields = tuple(map(FieldDef.read, document["fields"]))
        label = document.get("label", document["name"])
        return ObjectDef(
            document["name"],
            label,
            document.get("plural", label),
            name_field_of(document),
            fields,
            tuple(document.get("record_types", ())),
            tuple(document.get("validation", ())),
            {key["name"]: tuple(key["fields"]) for key in document.get("unique", ())},
            {key["name"]: tuple(key["fields"]) for key in document.get("indexes", ())},
            {"default": "private", **document.get("sharing", {})},
            dict(document.get("features", {})),
            tuple(document.get("was", ())),
            document,
        )

    def references(self, document: Document) -> Iterator[Reference]:
        name = document["name"]
        for index, field in enumerate(document["fields"]):
            yield from field_checks.references(field, name, f"/fields/{index}")
        if "name_field" in document:
            yield Reference("/name_field", "object", name, document["name_field"])
        for index, rule in enumerate(document.get("validation", ())):
            if "at" in rule:
                yield Reference(f"/validation/{index}/at", "object", name, rule["at"])
        for key in ("unique", "indexes"):
            for index, entry in enumerate(document.get(key, ())):
                for place, field_name in enumerate(entry["fields"]):
                    yield Reference(f"/{key}/{index}/fields/{place}", "object", name, field_name)
        for index, path in enumerate(document.get("features", {}).get("search", ())):
            yield Reference(f"/features/search/{index}", "object", name, path)
        yield from sharing.references(document)
        yield from activities.references(document)

    def check(self, document: Document, snapshot: Snapshot, language: Language) -> Iterator[Diagnostic]:
        context = language.context(snapshot)
        yield from _reserved(document, language)
        yield from field_checks.check_all(document, context)
        yield from _filters(document, context)
        yield from _keys(document, context)
        yield from _name_field(document, context)
        yield from _search(document, context)
        yield from _record_types(document)
        yield from master_detail.problems(document, context)
        yield from sharing.problems(document, context)
        yield from activities.problems(document, context)
        for index, rule in enumerate(document.get("validation", ())):
            yield from context.formula(rule["when"], document["name"], f"/validation/{index}/when")


def name_field_of(document: Document) -> str | None:
    """Return the field that stands for a record: the one declared, else ``name`` if there is one."""
    declared: str | None = document.get("name_field")
    if declared is not None:
        return declared
    return "name" if any(f["name"] == "name" for f in document["fields"]) else None


def _reserved(document: Document, language: Language) -> Iterator[Diagnostic]:
    if document["name"] in language.system_objects:
        yield Diagnostic(
            "reserved_name", "/name", f"Object '{document['name']}' belongs to the system.", "Choose another name."
        )
    for index, field in enumerate(document["fields"]):
        if field["name"] in SYSTEM_FIELDS:
            yield Diagnostic(
                "reserved_name",
                f"/fields/{index}/name",
                f"Every record has a field '{field['name']}' of the system.",
                "Choose another name.",
            )
        elif field["name"] in FORMULA_WORDS:
            yield Diagnostic(
                "reserved_name",
                f"/fields/{index}/name",
                f"'{field['name']}' is a word of the formula language.",
                "Choose another name.",
            )


def _filters(document: Document, context: Check) -> Iterator[Diagnostic]:
    for index, field in enumerate(document["fields"]):
        target = field.get("target")
        if "filter" in field and isinstance(target, str) and context.relations.has_object(target):
            yield from lookup_filters.check(
                field["filter"], target, document["name"], f"/fields/{index}/filter", context
            )
        elif "filter" in field and isinstance(target, list):
            yield Diagnostic(
                "ambiguous_filter",
                f"/fields/{index}/filter",
                "A filter needs one target object, found a list of them.",
                "Leave the filter out or name one target.",
            )


def _keys(document: Document, context: Check) -> Iterator[Diagnostic]:
    for key in ("unique", "indexes"):
        for index, entry in enumerate(document.get(key, ())):
            for place, name in enumerate(entry["fields"]):
                found = context.relations.resolve(document["name"], name)
                unfit = isinstance(found, Found) and not context.is_stored(found.type)
                if isinstance(found, Found) and (unfit or found.category in ("opaque", "choices")):
                    yield Diagnostic(
                        "not_indexable",
                        f"/{key}/{index}/fields/{place}",
                        f"Field '{name}' ({found.type}) cannot be part of an index.",
                        "Use another field.",
                    )


def _name_field(document: Document, context: Check) -> Iterator[Diagnostic]:
    if "name_field" not in document:
        return
    found = context.relations.resolve(document["name"], document["name_field"])
    if isinstance(found, Found) and (found.category not in (None, "text") or not context.is_stored(found.type)):
        yield Diagnostic(
            "bad_name_field",
            "/name_field",
            f"Field '{found.name}' is a {found.type}, expected a field with text.",
            "Name a text or auto-number field.",
        )


def _search(document: Document, context: Check) -> Iterator[Diagnostic]:
    for index, path in enumerate(document.get("features", {}).get("search", ())):
        found = context.relations.resolve(document["name"], path)
        if isinstance(found, Found) and not context.is_stored(found.type):
            yield Diagnostic(
                "not_searchable",
                f"/features/search/{index}",
                f"Field '{path}' ({found.type}) is computed when it is read, so that the search box cannot look into it.",
                "Name the fields that it is computed from.",
            )


def _record_types(document: Document) -> Iterator[Diagnostic]:
    defaults = [i for i, entry in enumerate(document.get("record_types", ())) if entry.get("default")]
    for index in defaults[1:]:
        yield Diagnostic(
            "several_defaults",
            f"/record_types/{index}/default",
            "Another record type is already the default.",
            "Keep one default.",
        )


KIND = ObjectKind()

"""What a field must satisfy beyond its shape, whatever its type, and what its type says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from trellis_metadata import pointers
from trellis_metadata.diagnostics import Diagnostic, did_you_mean
from trellis_metadata.field_types import FieldTypeSpec
from trellis_metadata.kind import Reference
from trellis_metadata.relations import Found
from trellis_metadata.snapshot import Document
from trellis_metadata.values import brief, json_type

if TYPE_CHECKING:
    from trellis_metadata.language import Check

_DEFAULT_TYPES: Mapping[str, tuple[str, ...]] = {
    "text": ("string", "object"),
    "number": ("integer", "number", "string", "object"),
    "boolean": ("boolean",),
    "date": ("string",),
    "datetime": ("string",),
    "time": ("string",),
    "choice": ("string",),
    "choices": ("array",),
    "reference": ("string",),
}

CONDITIONS = ("required_when", "visible_when", "read_only_when")
"""Keys of a field that hold a condition."""


def references(field: Mapping[str, Any], object_name: str, pointer: str) -> Iterator[Reference]:
    """Yield what the options of a field point to: objects (``target``), a picklist, the controlling field
    (``depends_on``)."""
    target = field.get("target")
    if isinstance(target, str):
        yield Reference(f"{pointer}/target", "object", target)
    for index, name in enumerate(target if isinstance(target, list) else ()):
        yield Reference(f"{pointer}/target/{index}", "object", name)
    if isinstance(field.get("picklist"), str):
        yield Reference(f"{pointer}/picklist", "picklist", field["picklist"])
    pipelines = field.get("pipelines")
    for index, name in enumerate(pipelines if isinstance(pipelines, list) else ()):
        yield Reference(f"{pointer}/pipelines/{index}", "pipeline", name)
    if isinstance(field.get("depends_on"), str):
        yield Reference(f"{pointer}/depends_on", "object", object_name, field["depends_on"])
    if isinstance(field.get("rate_date"), str):
        yield Reference(f"{pointer}/rate_date", "object", object_name, field["rate_date"])
    if isinstance(field.get("of"), str):
        yield from _children(field, pointer)


def _children(field: Mapping[str, Any], pointer: str) -> Iterator[Reference]:
    """Yield what a roll-up points to: the child records by their lookup, their field and their order."""
    child, _, link = field["of"].partition(".")
    if link:
        yield Reference(f"{pointer}/of", "object", child, link)
    for key in ("field", "order_by"):
        if isinstance(field.get(key), str):
            yield Reference(f"{pointer}/{key}", "object", child, field[key].removeprefix("-"))


def check_all(document: Document, context: Check) -> Iterator[Diagnostic]:
    """Yield what is wrong with the fields of an object."""
    for index, field in enumerate(document["fields"]):
        spec = context.field_types[field["type"]]
        yield from _check(field, spec, f"/fields/{index}", document["name"], context)
        yield from _formulas(field, document["name"], f"/fields/{index}", context)
        if isinstance(field.get("depends_on"), str):
            yield from _dependency(field, document["name"], f"/fields/{index}", context)
        if isinstance(field.get("rate_date"), str):
            yield from _rate_date(field, document["name"], f"/fields/{index}/rate_date", context)


def _check(
    field: Mapping[str, Any], spec: FieldTypeSpec, pointer: str, object_name: str, context: Check
) -> Iterator[Diagnostic]:
    yield from _flags(field, spec, pointer)
    if "default" in field and not is_formula(field["default"]):
        yield from _default(field, spec, pointer, context)
    try:
        yield from spec.check(field, pointer, context.snapshot)
        check_of = getattr(spec, "check_of", None)
        if check_of is not None and context.relations.has_object(object_name):
            yield from check_of(field, pointer, object_name, context.snapshot)
    except Exception as error:
        # Field types are plug-ins: one that fails must not take the check of everything else with it.
        yield Diagnostic(
            "field_type_failed",
            pointer,
            f"Field type '{spec.name}' failed while it checked the field: {error!r}"[:300],
            "Report this to the author of the field type.",
        )


def _flags(field: Mapping[str, Any], spec: FieldTypeSpec, pointer: str) -> Iterator[Diagnostic]:
    if field.get("unique") and not getattr(spec, "unique_allowed", True):
        yield Diagnostic(
            "unique_not_allowed",
            f"{pointer}/unique",
            f"A field of type {spec.name} cannot be unique.",
            "Remove 'unique'.",
        )
    if field.get("indexed") and spec.category in ("opaque", "choices"):
        yield Diagnostic(
            "not_indexable",
            f"{pointer}/indexed",
            f"A field of type {spec.name} cannot be indexed.",
            "Remove 'indexed'.",
        )
    if getattr(spec, "computed", False):
        for key in ("required", "default", "required_when", "read_only_when"):
            if key in field:
                yield Diagnostic(
                    "computed_field",
                    f"{pointer}/{key}",
                    f"The value of a field of type {spec.name} is computed; '{key}' has no effect.",
                    f"Remove '{key}'.",
                )


def is_formula(default: object) -> bool:
    """Say whether a default is a formula, ``{"formula": "…"}``, and not a value."""
    return isinstance(default, Mapping) and set(default) == {"formula"}


def _formulas(field: Mapping[str, Any], object_name: str, pointer: str, context: Check) -> Iterator[Diagnostic]:
    """Yield what is wrong with the conditions of a field and with its default by formula."""
    for key in CONDITIONS:
        if key in field:
            yield from context.formula(field[key], object_name, f"{pointer}/{key}")
    if not is_formula(field.get("default")):
        return
    text, at = field["default"]["formula"], f"{pointer}/default/formula"
    if isinstance(text, str) and text.strip():
        yield from context.formula(text, object_name, at, default_of=field)
    else:
        yield Diagnostic("bad_default", at, f"Found {brief(text)}, expected the text of a formula.")


def _default(field: Mapping[str, Any], spec: FieldTypeSpec, pointer: str, context: Check) -> Iterator[Diagnostic]:
    value, at = field["default"], f"{pointer}/default"
    own = getattr(spec, "check_default", None)
    if own is not None:
        yield from own(field, at, context.snapshot)
        return
    expected = _DEFAULT_TYPES.get(spec.category)
    if value is None:
        yield Diagnostic(
            "bad_default", at, "The default is null, which is what a record has anyway.", "Remove 'default'."
        )
    elif expected is not None and json_type(value) not in expected:
        yield Diagnostic(
            "bad_default", at, f"Found {brief(value)} ({json_type(value)}), expected {' or '.join(expected)}."
        )
    elif spec.category in ("choice", "choices"):
        yield from _default_options(field, at, context)


def _default_options(field: Mapping[str, Any], at: str, context: Check) -> Iterator[Diagnostic]:
    known = option_names(field, context)
    if not known or not field.get("restricted", True):
        return
    values = field["default"] if isinstance(field["default"], list) else [field["default"]]
    for value in values:
        if value not in known:
            guess = did_you_mean(value[:100], known) if isinstance(value, str) else ""
            yield Diagnostic("bad_default", at, f"Found {brief(value)}, which is no option.{guess}")


def option_names(field: Mapping[str, Any], context: Check) -> list[str]:
    """Return the names of a field's options, its own or those of its picklist; empty when they are not known."""
    source: Mapping[str, Any] | None = field
    if isinstance(field.get("picklist"), str):
        source = context.snapshot.get("picklist", field["picklist"])
    options = source.get("options") if source is not None else None
    return [o["name"] for o in options or () if isinstance(o, dict) and isinstance(o.get("name"), str)]


def _dependency(field: Mapping[str, Any], object_name: str, pointer: str, context: Check) -> Iterator[Diagnostic]:
    if field["depends_on"] == field["name"]:
        yield Diagnostic(
            "bad_dependency", f"{pointer}/depends_on", "The field depends on itself.", "Name another field."
        )
        return
    found = context.relations.resolve(object_name, field["depends_on"])
    if not isinstance(found, Found) or found.category is None:
        return
    if found.category not in ("choice", "boolean"):
        yield Diagnostic(
            "bad_controlling_field",
            f"{pointer}/depends_on",
            f"Field '{found.name}' is a {found.type}, expected a picklist or a boolean.",
        )
        return
    yield from _cycle(field, object_name, pointer, context)
    controlling = ["true", "false"] if found.category == "boolean" else option_names(found.document or {}, context)
    yield from _values_by(field, controlling, pointer, context)


def _rate_date(field: Mapping[str, Any], object_name: str, pointer: str, context: Check) -> Iterator[Diagnostic]:
    found = context.relations.resolve(object_name, field["rate_date"])
    if not isinstance(found, Found) or found.category is None:
        return
    computed = getattr(context.field_types.get(found.type), "computed", False)
    if found.category not in ("date", "datetime") or computed or found.document is None:
        yield Diagnostic(
            "bad_rate_date",
            pointer,
            f"Field '{found.name}' is a {found.type}, expected a date or datetime field that people fill in.",
            "Name such a field, or leave 'rate_date' out to use the day of the write.",
        )


def _cycle(field: Mapping[str, Any], object_name: str, pointer: str, context: Check) -> Iterator[Diagnostic]:
    fields, seen, at = context.relations.fields(object_name), [field["name"]], field.get("depends_on")
    while isinstance(at, str) and at in fields and at not in seen:
        seen.append(at)
        at = fields[at].get("depends_on")
    if at == field["name"]:
        yield Diagnostic(
            "dependency_cycle",
            f"{pointer}/depends_on",
            f"Fields depend on each other in a circle: {' → '.join([*seen, seen[0]])}.",
            "Let one of them depend on nothing.",
        )


def _values_by(field: Mapping[str, Any], controlling: list[str], pointer: str, context: Check) -> Iterator[Diagnostic]:
    table, own = field.get("values_by"), option_names(field, context)
    for key, values in table.items() if isinstance(table, dict) else ():
        if controlling and key not in controlling:
            yield Diagnostic(
                "unknown_option",
                pointers.join("values_by", key, at=pointer),
                f"'{key}' is no value of field '{field['depends_on']}'.{did_you_mean(key, controlling)}",
            )
        for index, value in enumerate(values if isinstance(values, list) else ()):
            if own and value not in own:
                yield Diagnostic(
                    "unknown_option",
                    pointers.join("values_by", key, index, at=pointer),
                    f"{brief(value)} is no option of the field.{did_you_mean(str(value), own)}",
                )

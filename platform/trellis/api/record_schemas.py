"""JSON Schemas of records: what may be sent to create and to change one, and what is answered."""

from __future__ import annotations

from typing import Any

from trellis import record_id
from trellis.access import ObjectRights
from trellis.model import FieldModel, ObjectModel


def create_schema(model: ObjectModel) -> dict[str, Any]:
    """Return the schema of a new record."""
    fields = [f for f in model.all_fields if f.writable]
    always = [f for f in fields if f.required and "visible_when" not in f.doc]
    required = [f.name for f in always if f.doc.get("default") is None]
    body: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {f.name: _input(f) for f in fields},
    }
    return {**body, "required": required} if required else body


def change_schema(model: ObjectModel) -> dict[str, Any]:
    """Return the schema of a change: any of the fields, and the version that was read."""
    properties: dict[str, Any] = {f.name: _input(f) for f in model.all_fields if f.writable}
    properties["version"] = {
        "type": "integer",
        "description": "Refused with 409 when the record has another version by now.",
    }
    return {"type": "object", "additionalProperties": False, "properties": properties}


def record_schema(model: ObjectModel) -> dict[str, Any]:
    """Return the schema of a record as it is answered."""
    shown = [f for f in model.all_fields if f.is_shown and f.name not in ("deleted_at", "version")]
    properties: dict[str, Any] = {
        "id": {"type": "string", "examples": [record_id.format_id(model.name, 1234)]},
        "version": {"type": "integer"},
    }
    properties.update({f.name: _output(f) for f in shown})
    return {"type": "object", "additionalProperties": False, "properties": properties, "required": list(properties)}


def narrowed(schema: dict[str, Any], allowed: ObjectRights, *, write: bool = False) -> dict[str, Any]:
    """Return a schema of records with the fields that the caller may see, or write, alone; masked ones are texts."""
    if not allowed.limits_fields:
        return schema
    may = allowed.may_edit_field if write else allowed.may_read_field
    kept = {n: p for n, p in schema["properties"].items() if n in ("id", "version") or may(n)}
    masked = {n: {"title": p.get("title", n), "type": ["string", "null"]} for n, p in kept.items() if allowed.masks(n)}
    required = [n for n in schema.get("required", ()) if n in kept]
    body = {**schema, "properties": {**kept, **masked}}
    return {**body, "required": required} if required else {k: v for k, v in body.items() if k != "required"}


def example(model: ObjectModel) -> dict[str, Any]:
    """Return a small example of a new record: the required fields and those whose type has an example."""
    found: dict[str, Any] = {}
    for field in model.fields.values():
        if field.writable and (field.required or len(found) < 4):
            value = _example(field)
            if value is not None:
                found[field.name] = value
    return found


def _example(field: FieldModel) -> Any:
    schema = field.codec.json_schema
    if field.category == "reference" or field.doc["type"] in ("file", "image"):
        # What it points at must exist: only a required one is worth showing.
        return record_id.format_id(field.codec.targets[0], 1234) if field.required and field.codec.targets else None
    if schema.get("examples"):
        return schema["examples"][0]
    if schema.get("enum"):
        return schema["enum"][0]
    if schema.get("type") == "string":
        return "Example"
    return {"boolean": True, "number": "12"}.get(field.category)


def _title(field: FieldModel) -> dict[str, Any]:
    return {"title": field.label("en")}


def _input(field: FieldModel) -> dict[str, Any]:
    return {**_title(field), "anyOf": [dict(field.codec.json_schema), {"type": "null"}]}


def _output(field: FieldModel) -> dict[str, Any]:
    return {
        **_title(field),
        "anyOf": [dict(field.codec.json_schema), {"type": "null"}],
        **({} if field.writable else {"readOnly": True}),
    }

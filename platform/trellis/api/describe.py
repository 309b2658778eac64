"""What can be read and written: the objects, their fields, and JSON Schemas, in the caller's language."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from trellis.access import Principal, rights
from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api, Reading
from trellis.api.errors import BadRequest
from trellis.api.record_schemas import change_schema, create_schema, narrowed
from trellis.api.related import relationships, visible_relationships
from trellis.model import FieldModel, Model, ObjectModel, UnknownObject
from trellis_metadata.filters import OPERATORS
from trellis_metadata.labels import LANGUAGES, text_of


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes of descriptions."""

    @blueprint.get("/objects")
    def list_objects() -> Response:
        reading.allow_parameters(("language",))
        return answer(
            {
                "objects": api.read(
                    lambda r: [_summary(r.model.object(n), r.principal, _language(r)) for n in visible(r)]
                )
            }
        )

    @blueprint.get("/objects/<name>")
    def describe_object(name: str) -> Response:
        reading.allow_parameters(("language",))
        return answer(api.read(lambda r: _describe(r, name)))


def visible(r: Reading) -> list[str]:
    """Return the names of objects of which the caller may read some record or create one."""
    return [n for n in r.model.object_names if _may_know(r, n)]


def _may_know(r: Reading, name: str) -> bool:
    allowed = rights(r.principal, r.model.object(name).doc)
    return allowed.create or allowed.read != "none"


def _language(r: Reading) -> str:
    language = request.args.get("language", r.principal.language)
    if language not in LANGUAGES:
        raise BadRequest(f"There is no language '{language[:10]}'. Languages: {', '.join(LANGUAGES)}.")
    return language


def _summary(model: ObjectModel, principal: Principal, language: str) -> dict[str, Any]:
    allowed = rights(principal, model.doc)
    return {
        "name": model.name,
        "label": model.label(language),
        "plural": model.plural(language),
        "icon": model.doc.get("icon"),
        "description": text_of(model.doc.get("description"), language, "") or None,
        "name_field": model.name_field,
        "rights": {"create": allowed.create, "read": allowed.read, "edit": allowed.edit},
    }


def _describe(r: Reading, name: str) -> dict[str, Any]:
    model = r.model.object(name)
    if not _may_know(r, name):
        raise UnknownObject(f"There is no object '{name}'.", name=name)
    language = _language(r)
    key = ("describe", name, language)
    found: dict[str, Any] | None = r.model.cache.get(key)
    if found is None:
        found = r.model.cache[key] = _body(r.model, model, language)
    return {**_summary(model, r.principal, language), **_narrowed(r, model, found)}


def _narrowed(r: Reading, root: ObjectModel, body: dict[str, Any]) -> dict[str, Any]:
    """Return a description without what the caller may not know of."""
    if r.principal.admin:
        return body
    allowed, seen = rights(r.principal, root.doc), visible_relationships(r, root.name)
    objects = set(visible(r))
    fields = [
        {
            **f,
            "read_only": f["read_only"] or not allowed.may_edit_field(f["name"]),
            **({"operators": [], "masked": True} if allowed.masks(f["name"]) else {}),
            **({"targets": [t for t in f["targets"] if t in objects]} if "targets" in f else {}),
        }
        for f in body["fields"]
        if allowed.may_read_field(f["name"])
    ]
    return {
        **body,
        "fields": fields,
        "related": [x for x in body["related"] if x["name"] in seen],
        "unique": [k for k in body["unique"] if all(map(allowed.may_read_field, k))],
        "create_schema": narrowed(body["create_schema"], allowed, write=True),
        "change_schema": narrowed(body["change_schema"], allowed, write=True),
    }


def _body(model: Model, root: ObjectModel, language: str) -> dict[str, Any]:
    related = [
        {"name": n, "object": ref.source, "field": ref.field} for n, ref in relationships(model, root.name).items()
    ]
    return {
        "version": model.version,
        "fields": [_field(f, language) for f in root.all_fields if f.is_shown],
        "related": related,
        "unique": [list(k.fields) for k in root.unique_keys],
        "create_schema": create_schema(root),
        "change_schema": change_schema(root),
    }


def _field(field: FieldModel, language: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": field.name,
        "type": field.doc["type"],
        "label": field.label(language),
        "category": field.category,
        "required": field.required,
        "read_only": not field.writable,
        "unique": bool(field.doc.get("unique")),
        "system": field.system,
        "help": text_of(field.doc.get("help"), language, "") or None,
        "operators": list(OPERATORS.get(field.category, ())),
        "parts": list(field.codec.parts),
        "schema": dict(field.codec.json_schema),
    }
    if field.codec.targets:
        body["targets"] = list(field.codec.targets)
    if isinstance(field.doc.get("options"), list):
        body["options"] = [
            {"name": o["name"], "label": text_of(o.get("label"), language, o["name"]), "active": o.get("active", True)}
            for o in field.doc["options"]
            if isinstance(o, dict)
        ]
    return body

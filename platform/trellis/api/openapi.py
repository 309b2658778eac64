"""The OpenAPI 3.1 document of the tenant's own model: ``GET /openapi.json``.

Endpoints written by hand stand in ``spec/*.json``; the marshmallow schemas of their bodies are the ``SCHEMAS`` of the modules
that read them (rendered by apispec). The records of each object that the caller may know are added from the compiled fields.
Built once per model version and set of rights.
"""

from __future__ import annotations

import copy
import importlib
import json
import pkgutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Blueprint, Response
from marshmallow import Schema

from trellis.access import ObjectRights, rights
from trellis.api import reading
from trellis.api.answers import encode
from trellis.api.context import Api, Reading
from trellis.api.describe import visible
from trellis.api.record_schemas import change_schema, create_schema, example, narrowed, record_schema
from trellis.api.related import visible_relationships
from trellis.model import ObjectModel

FOR_ADMINISTRATORS = "x-administrators"
"""The mark in a description of an address that nobody but administrators is told of."""
ADMINISTRATORS = ("/metadata", "/access/memberships", "/access/rules", "/packs")
_SPEC = Path(__file__).parent / "spec"
"""One file per group of endpoints; their sections are put together."""


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the route of the document."""

    @blueprint.get("/openapi.json")
    def openapi() -> Response:
        reading.allow_parameters(())
        return Response(api.read(_document), 200, mimetype="application/json")


def _document(r: Reading) -> bytes:
    allowed = [(n, rights(r.principal, r.model.object(n).doc)) for n in visible(r)]
    sets = r.principal.grants.key
    key = ("openapi", tuple((n, a.create, a.edit != "none") for n, a in allowed), r.principal.admin, sets)
    found: bytes | None = r.model.cache.get(key)
    if found is None:
        found = r.model.cache[key] = encode(build(r))
    return found


@cache
def _hand_written() -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for file in sorted(_SPEC.glob("*.json")):
        for section, entries in json.loads(file.read_text(encoding="utf-8")).items():
            if isinstance(entries, str):
                found[section] = entries
                continue
            known = found.setdefault(section, {})
            if clash := known.keys() & entries.keys():
                raise RuntimeError(f"{file.name} describes {sorted(clash)} of '{section}' a second time.")
            known.update(entries)
    return found


@cache
def _body_schemas() -> Mapping[str, type[Schema]]:
    """Return the schemas of request bodies by name, found by discovery."""
    package = importlib.import_module("trellis.api")
    found: dict[str, type[Schema]] = {}
    for info in pkgutil.iter_modules(package.__path__):
        for name, schema in getattr(importlib.import_module(f"trellis.api.{info.name}"), "SCHEMAS", {}).items():
            if name in found:
                raise RuntimeError(f"Two modules of the API define the schema '{name}'; {info.name} is the second.")
            found[name] = schema
    return found


def build(r: Reading) -> dict[str, Any]:
    """Return the document for what the caller may know."""
    shared = copy.deepcopy(_hand_written())
    spec = APISpec(
        title=f"Trellis: {r.tenant.settings.get('organisation') or r.tenant.name}",
        version=str(r.model.version),
        openapi_version="3.1.0",
        plugins=[MarshmallowPlugin()],
        info={"description": shared["description"]},
        servers=[{"url": "/api/v1"}],
        security=[{"token": []}],
    )
    spec.components.security_scheme(
        "token", {"type": "http", "scheme": "bearer", "description": "Authorization: Bearer trl_…"}
    )
    for name, schema in shared["schemas"].items():
        spec.components.schema(name, schema)
    for name, parameter in shared["parameters"].items():
        spec.components.parameter(name, parameter["in"], parameter)
    for name, response in shared["responses"].items():
        spec.components.response(name, response)
    for name, body in _body_schemas().items():
        spec.components.schema(name, schema=body)
    for path, item in shared["paths"].items():
        for_administrators = item.pop(FOR_ADMINISTRATORS, False) or path.startswith(ADMINISTRATORS)
        if r.principal.admin or not for_administrators:
            spec.path(path, operations=item)
    for name in visible(r):
        _add_object(spec, r, r.model.object(name), shared["record_paths"])
    return spec.to_dict()


def _seen(values: dict[str, Any], allowed: ObjectRights) -> dict[str, Any]:
    return {n: v for n, v in values.items() if allowed.may_edit_field(n)}


def _add_object(spec: APISpec, r: Reading, model: ObjectModel, templates: Mapping[str, Any]) -> None:
    """Add the schemas and paths of one object."""
    name, label = model.name, model.label("en")
    allowed = rights(r.principal, model.doc)
    spec.components.schema(
        f"{name}_new",
        {**narrowed(create_schema(model), allowed, write=True), "examples": [_seen(example(model), allowed)]},
    )
    spec.components.schema(f"{name}_change", narrowed(change_schema(model), allowed, write=True))
    spec.components.schema(f"{name}_record", narrowed(record_schema(model), allowed))
    spec.components.schema(
        f"{name}_page",
        {
            "type": "object",
            "required": ["records", "cursor"],
            "additionalProperties": False,
            "properties": {
                "records": {"type": "array", "items": {"type": "object"}},
                "cursor": {"type": ["string", "null"]},
                "total": {"type": "integer"},
                "total_exact": {"type": "boolean", "description": "False when `total` is an estimate."},
            },
        },
    )
    text = json.dumps(templates).replace("{{object}}", name).replace("{{label}}", json.dumps(label)[1:-1])
    children = list(visible_relationships(r, name))
    for path, item in json.loads(text).items():
        if path.endswith("{relationship}"):
            if not children:
                continue
            item["parameters"][-1]["schema"]["enum"] = children
        parameters = item.pop("parameters", [])
        _add_examples(item, model)
        spec.path(path, operations=item, parameters=parameters)


def _add_examples(item: Mapping[str, Any], model: ObjectModel) -> None:
    """Give the bodies that hold a record an example: of a new one, or of a change by its first field."""
    new = example(model)
    line = json.dumps(new, ensure_ascii=False)
    for method, shown in (("post", new), ("put", new), ("patch", dict(list(new.items())[:1]))):
        for media_type, body in item.get(method, {}).get("requestBody", {}).get("content", {}).items():
            if media_type == "application/x-ndjson":
                body["example"] = f"{line}\n"
            elif media_type == "text/csv":
                body["example"] = _csv_example(new)
            elif body["schema"].get("$ref", "").endswith((f"{model.name}_new", f"{model.name}_change")):
                body["example"] = shown


def _csv_example(new: Mapping[str, Any]) -> str:
    plain = {k: v for k, v in new.items() if isinstance(v, str | int | bool) and "," not in str(v)}
    cells = (str(v).lower() if isinstance(v, bool) else str(v) for v in plain.values())
    return f"{','.join(plain)}\n{','.join(cells)}\n"

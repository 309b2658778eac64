"""The JSON Schemas of the kinds, and how field types complete them.

``schemas/<kind>.json`` holds one kind, ``schemas/shared/defs.json`` what several use. :func:`complete` joins both
with the options of the field types into one self-contained schema per kind; :func:`inlined` is the same without
references, which validates several times faster.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from trellis_metadata.field_types import FieldTypeSpec

Schema = dict[str, Any]
FOLDER = Path(__file__).parent / "schemas"
_PREFIX = "#/$defs/"
_NAME_PATTERNS = ("^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$", "^[a-z][a-z0-9]*(_[a-z0-9]+)*$")
OPTION_DEFAULTS: Mapping[str, Schema] = {
    "target": {"x-reference": "object"},
    "picklist": {"x-reference": "picklist"},
    "depends_on": {"x-reference": "own_field"},
    "rate_date": {"x-reference": "own_field"},
    "filter": {"x-is": "filter", "x-merge": "atomic"},
}
"""What an option of this name means when its field type does not say: types share these words."""


@cache
def _read(name: str) -> str:
    return (FOLDER / f"{name}.json").read_text(encoding="utf-8")


def kind_schema(kind: str) -> Schema:
    """Return the schema file of a kind as it stands. Raises ``FileNotFoundError`` if there is none."""
    schema: Schema = json.loads(_read(kind))
    return schema


def shared_defs() -> Schema:
    """Return the definitions that schemas share: those of all files in ``schemas/shared``."""
    defs: Schema = {}
    for path in sorted((FOLDER / "shared").glob("*.json")):
        found = json.loads(_read(f"shared/{path.stem}"))
        if again := defs.keys() & found.keys():
            raise ValueError(f"{path} defines {', '.join(sorted(again))}, which another file defines already.")
        defs |= found
    return defs


def complete(kind: str, field_types: Mapping[str, FieldTypeSpec]) -> Schema:
    """Return the self-contained schema of ``kind``; a field accepts the common keys and the options of its type
    only."""
    schema = kind_schema(kind)
    own = schema.pop("$defs", {})
    if "field" in own:
        own = {**own, **_field_defs(own["field"], field_types)}
    schema["$defs"] = _used({**shared_defs(), **own}, schema)
    return schema


def field_schema(common: Schema, spec: FieldTypeSpec) -> Schema:
    """Return the schema of a field of one type: the common keys and the type's options."""
    options = {name: option_schema(name, option) for name, option in spec.options.items()}
    type_key = {**common["properties"]["type"], "const": spec.name, "examples": [spec.name]}
    return {
        "description": f"A field of type {spec.name}.",
        "type": "object",
        "additionalProperties": False,
        "required": [*common["required"], *spec.required_options],
        "properties": {**common["properties"], "type": type_key, **options},
    }


def option_schema(name: str, option: Mapping[str, Any]) -> Schema:
    """Return the schema of a field option with what its name and shape imply filled in."""
    schema: Schema = {**OPTION_DEFAULTS.get(name, {}), **copy.deepcopy(dict(option))}
    if schema.get("x-is") == "filter":
        return {"$ref": f"{_PREFIX}filter", **{k: v for k, v in schema.items() if k == "description"}}
    _fill_merge(schema)
    return schema


def _fill_merge(schema: Schema) -> None:
    kind, properties = schema.get("type"), schema.get("properties", {})
    if kind == ["string", "object"] and "en" in properties:
        schema.setdefault("x-is", "label")
    if schema.get("pattern") in _NAME_PATTERNS:
        schema.setdefault("x-is", "name")
    if "name" in properties and "label" in properties:
        properties["label"] = {"$ref": f"{_PREFIX}label"}
    if kind == "array" or (isinstance(kind, list) and "array" in kind):
        names = "name" in schema.get("items", {}).get("properties", {})
        schema.setdefault("x-merge", "named" if names else "ordered")
    branches = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    for part in [schema.get("items"), schema.get("additionalProperties"), *properties.values(), *branches]:
        if isinstance(part, dict):
            _fill_merge(part)


def _field_defs(common: Schema, field_types: Mapping[str, FieldTypeSpec]) -> Schema:
    names = sorted(field_types)
    union = {
        "description": common["description"],
        "type": "object",
        "required": common["required"],
        "properties": {**common["properties"], "type": {**common["properties"]["type"], "enum": names}},
        "allOf": [
            {
                "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                "then": {"$ref": f"{_PREFIX}field_{name}"},
            }
            for name in names
        ],
        "examples": common["examples"],
    }
    return {"field": union, **{f"field_{name}": field_schema(common, field_types[name]) for name in names}}


def _used(defs: Schema, schema: Schema) -> Schema:
    wanted: list[str] = []
    stack: list[object] = [schema]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(node)
        elif isinstance(node, dict):
            stack.extend(node.values())
            name = _ref_name(node)
            if name is not None and name not in wanted:
                wanted.append(name)
                stack.append(defs[name])
    return {name: defs[name] for name in defs if name in wanted}


def _ref_name(node: Mapping[str, Any]) -> str | None:
    ref = node.get("$ref")
    return ref.removeprefix(_PREFIX) if isinstance(ref, str) else None


def inlined(schema: Schema, defs: Schema) -> Schema:
    """Return ``schema`` with references replaced by what they refer to.

    Filter trees and fields become plain objects: filters are checked by ``filters``, fields by the schema of their
    type.
    """
    result: Schema = _inline(schema, defs)
    return result


def _inline(node: Any, defs: Schema) -> Any:
    if isinstance(node, list):
        return [_inline(item, defs) for item in node]
    if not isinstance(node, dict):
        return node
    name = _ref_name(node)
    if name is not None:
        node = {**defs[name], **{k: v for k, v in node.items() if k != "$ref"}}
    if node.get("x-is") == "filter" or "x-variants" in node:
        return {k: v for k, v in node.items() if k in ("type", "x-is", "x-merge", "x-variants", "description")}
    return {k: _inline(v, defs) for k, v in node.items() if k not in ("examples", "$defs")}

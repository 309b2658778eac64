"""Records as JSON, from the values that the write path and single reads hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trellis.model import ObjectModel

Writer = Callable[[Mapping[str, Any]], dict[str, Any]]


def record_writer(model: ObjectModel) -> Writer:
    """Return the closure that writes a record of an object; built once per model."""
    found = model.__dict__.get("_record_writer")
    if found is None:
        found = model.__dict__["_record_writer"] = _build(model)
    return found


def _build(model: ObjectModel) -> Writer:
    format_id, name = model.env.format_id, model.name
    slots = [
        (f.name, f.codec.to_json) for f in model.all_fields if f.columns and f.name not in ("deleted_at", "version")
    ]

    def write(values: Mapping[str, Any]) -> dict[str, Any]:
        out: dict[str, Any] = {"id": format_id(name, values["id"]), "version": values["version"]}
        for field, to_json in slots:
            value = values.get(field)
            out[field] = value if value is None or to_json is None else to_json(value)
        return out

    return write

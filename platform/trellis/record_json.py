"""Records as JSON, from the values that the write path and single reads hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trellis.access.masking import Masked
from trellis.model import ObjectModel

Writer = Callable[[Mapping[str, Any]], dict[str, Any]]


def record_writer(model: ObjectModel, hidden: frozenset[str] = frozenset()) -> Writer:
    """Return the closure that writes a record of an object without ``hidden`` fields; built once per model."""
    known: dict[frozenset[str], Writer] = model.__dict__.setdefault("_record_writers", {})
    if hidden not in known:
        known[hidden] = _build(model, hidden)
    return known[hidden]


def _build(model: ObjectModel, hidden: frozenset[str]) -> Writer:
    format_id, name = model.env.format_id, model.name
    left_out = {"deleted_at", "version", *hidden}
    slots = [(f.name, f.codec.to_json) for f in model.all_fields if f.is_shown and f.name not in left_out]

    def write(values: Mapping[str, Any]) -> dict[str, Any]:
        out: dict[str, Any] = {"id": format_id(name, values["id"]), "version": values["version"]}
        for field, to_json in slots:
            value = values.get(field)
            as_it_is = value is None or to_json is None or type(value) is Masked
            out[field] = value if as_it_is or to_json is None else to_json(value)
        return out

    return write

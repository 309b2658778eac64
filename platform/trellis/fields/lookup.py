"""References to records."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trellis.fields.base import Codec, Environment, FieldDoc, FieldType
from trellis.fields.common.columns import RecordRef
from trellis.fields.common.references import (
    ON_DELETE,
    RELATION_OPTIONS,
    check_relation,
    on_delete_of,
    reference_codec,
    targets_of,
)
from trellis_metadata.diagnostics import Diagnostic

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot

__all__ = ["LookupField", "RecordRef", "on_delete_of", "targets_of"]

_OBJECT = {"type": "string", "pattern": "^[a-z][a-z0-9]*(_[a-z0-9]+)*$", "maxLength": 40}


class LookupField(FieldType):
    """A reference to a record of one object, or of one out of several."""

    name = "lookup"
    label = {"en": "Lookup", "zh": "关联"}
    icon = "link"
    category = "reference"
    widget = "lookup"
    required_options = ("target",)
    options = {
        "target": {
            "description": "Object that is referred to, or a list of objects.",
            "examples": ["account", ["account", "contact"]],
            "anyOf": [_OBJECT, {"type": "array", "items": _OBJECT, "minItems": 1, "maxItems": 20, "uniqueItems": True}],
        },
        "on_delete": ON_DELETE,
        **RELATION_OPTIONS,
    }

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        yield from check_relation(field, pointer)

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        return reference_codec(targets_of(field), env)

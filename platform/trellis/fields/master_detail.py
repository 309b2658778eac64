"""Belonging to another record."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trellis.fields.base import Codec, Environment, FieldDoc, FieldType
from trellis.fields.common.choices import NAME_PATTERN
from trellis.fields.common.references import RELATION_OPTIONS, check_relation, reference_codec
from trellis_metadata.diagnostics import Diagnostic

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot


class MasterDetailField(FieldType):
    """A lookup to the record that this one is a part of: always required, and deleted with it."""

    name = "master_detail"
    label = {"en": "Master-detail", "zh": "主从关系"}
    icon = "hierarchy"
    category = "reference"
    widget = "lookup"
    always_required = True
    required_options = ("target",)
    options = {
        "target": {
            "type": "string",
            "pattern": NAME_PATTERN,
            "maxLength": 40,
            "description": "Object that the record is a part of.",
            "examples": ["order"],
        },
        **RELATION_OPTIONS,
    }

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        if field.get("required") is False:
            yield Diagnostic(
                "always_required",
                f"{pointer}/required",
                "A master-detail field is always required.",
                "Remove 'required', or use a lookup.",
            )
        yield from check_relation(field, pointer)

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        return reference_codec((field["target"],), env)

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        return frozenset({"lookup", "text", "long_text"})

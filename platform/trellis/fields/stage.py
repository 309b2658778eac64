"""Stages of a process."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trellis.fields.base import Codec, Environment, FieldDoc, FieldType
from trellis.fields.common.choices import OPTIONS_SCHEMA, Choices, check_names
from trellis.fields.picklist import single_choice
from trellis_metadata.diagnostics import Diagnostic

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot


class StageField(FieldType):
    """Where a record stands on its way, one of the named stages in their order. Unknown stages are always refused."""

    name = "stage"
    label = {"en": "Stage", "zh": "阶段"}
    icon = "progress"
    category = "choice"
    widget = "stage"
    unique_allowed = False
    required_options = ("options",)
    options = {
        "options": {
            **OPTIONS_SCHEMA,
            "description": "The stages in their order.",
            "examples": [
                [
                    {"name": "new", "label": {"en": "New", "zh": "新建"}},
                    {"name": "won", "label": {"en": "Won", "zh": "赢单"}},
                ]
            ],
        }
    }

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        yield from check_names(field["options"], f"{pointer}/options")

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        return single_choice(Choices.of(field, env))

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        return frozenset({"text", "long_text", "picklist"})

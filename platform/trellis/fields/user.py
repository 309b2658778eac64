"""References to users."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trellis.fields.base import Codec, Environment, FieldDoc, FieldType
from trellis.fields.common.references import ON_DELETE, RELATION_OPTIONS, check_relation, reference_codec
from trellis_metadata.diagnostics import Diagnostic

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot


class UserField(FieldType):
    """A person who works with the system: a reference to object ``user``."""

    name = "user"
    label = {"en": "User", "zh": "人员"}
    icon = "user"
    category = "reference"
    widget = "user"
    options = {"on_delete": ON_DELETE, **RELATION_OPTIONS}

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        yield from check_relation(field, pointer)

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        return reference_codec(("user",), env)

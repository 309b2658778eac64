"""References to records: how they are read and stored, and what their options mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from trellis.fields.base import Codec, Column, Environment, FieldDoc, Part
from trellis.fields.common.characters import clean_line
from trellis.fields.common.choices import NAME_PATTERN
from trellis.fields.common.columns import RecordRef
from trellis.fields.common.problems import invalid
from trellis.storage.types import text_column
from trellis_metadata.diagnostics import Diagnostic

_NAME: dict[str, Any] = {"type": "string", "pattern": NAME_PATTERN, "maxLength": 40}
RELATION_OPTIONS: dict[str, Any] = {
    "relationship": {
        **_NAME,
        "description": "Name of the list of these records on the target, for paths and related lists.",
        "examples": ["deals"],
    },
    "relationship_label": {
        "type": ["string", "object"],
        "description": "Heading of the related list.",
        "examples": [{"en": "Deals", "zh": "商机"}],
    },
    "filter": {
        "type": "object",
        "x-merge": "atomic",
        "description": "Filter tree over the target: which records may be chosen, in forms, imports and the API. The value "
        "'$source.field' stands for a field of the record that holds the lookup; where it is blank, nothing fits.",
        "examples": [
            {"field": "active", "op": "=", "value": True},
            {"field": "account", "op": "=", "value": "$source.account"},
            {"formula": "amount > 100"},
        ],
    },
}
ON_DELETE: dict[str, Any] = {
    "enum": ["restrict", "set_null", "cascade"],
    "examples": ["restrict"],
    "description": "When the target is deleted: refuse (restrict), blank the field (set_null), or delete this "
    "record too (cascade). "
    "Default: restrict when the field is required, else set_null.",
}


def targets_of(field: FieldDoc) -> tuple[str, ...]:
    """Return the names of the objects that a lookup may point to."""
    target = field["target"]
    return (target,) if isinstance(target, str) else tuple(target)


def on_delete_of(field: FieldDoc) -> str:
    """Return what happens to the record when the target is deleted: ``restrict``, ``set_null`` or ``cascade``."""
    if field["type"] == "master_detail":
        return "cascade"
    return str(field.get("on_delete") or ("restrict" if field.get("required") else "set_null"))


def reference_codec(targets: tuple[str, ...], env: Environment) -> Codec:
    """Return the codec of a reference to a record of ``targets``.

    One target: one column. Several: the number, and the object's name in the column ``object``.
    """
    expected = f"the id of a record of {' or '.join(targets)}, such as {targets[0]}_…"

    def parse(value: Any) -> RecordRef | None:
        if isinstance(value, RecordRef):
            if value.object not in targets:
                raise invalid("bad_reference", f"{value.object} {value.id}", expected)
            return value
        text = clean_line(value, expected)
        return None if text is None else RecordRef(*env.parse_id(text, targets))

    def to_json(ref: RecordRef) -> str:
        return env.format_id(ref.object, ref.id)

    schema = {"type": "string", "maxLength": 100, "description": f"Id of a record of {' or '.join(targets)}."}
    common: dict[str, Any] = {
        "to_json": to_json,
        "to_text": to_json,
        "from_text": parse,
        "compare": _number,
        "json_schema": schema,
        "targets": targets,
    }
    if len(targets) == 1:
        target = targets[0]
        return Codec(
            (Column(sa.BigInteger()),),
            parse,
            "reference",
            to_columns=lambda ref: (ref.id,),
            from_columns=lambda row: None if row[0] is None else RecordRef(target, row[0]),
            **common,
        )
    return Codec(
        (Column(sa.BigInteger()), Column(text_column(), "object")),
        parse,
        "reference",
        to_columns=lambda ref: (ref.id, ref.object),
        from_columns=_from_columns,
        parts={"object": Part("object", "text")},
        **common,
    )


def _number(ref: RecordRef) -> int:
    return ref.id


def _from_columns(row: tuple[Any, ...]) -> RecordRef | None:
    return None if row[0] is None else RecordRef(row[1], row[0])


def check_relation(field: FieldDoc, pointer: str) -> Iterable[Diagnostic]:
    """Yield what is wrong with the deletion rule and the related list; targets and names are the language's."""
    if field.get("on_delete") == "set_null" and field.get("required"):
        yield Diagnostic(
            "bad_on_delete",
            f"{pointer}/on_delete",
            "A required reference cannot become null when its target is deleted.",
            "Use 'restrict' or 'cascade', or make the field optional.",
        )
    if field.get("relationship_label") is not None and "relationship" not in field:
        yield Diagnostic(
            "unused_option",
            f"{pointer}/relationship_label",
            "'relationship_label' stands without 'relationship'.",
            "Add 'relationship' or remove 'relationship_label'.",
        )

"""Shape: whether a document has the keys and values that the schema of its kind asks for.

jsonschema judges; this module asks it for everything at once and says it in words: what was found, what was expected,
where.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators

from trellis_metadata import pointers
from trellis_metadata.diagnostics import Diagnostic, did_you_mean
from trellis_metadata.field_types import FieldTypeSpec
from trellis_metadata.schema_files import Schema, field_schema, inlined, kind_schema, shared_defs
from trellis_metadata.values import brief, json_type, same

MAX_FINDINGS = 500
"""Findings per document after which the rest is left out."""
_CODES = {
    "type": "wrong_type",
    "required": "missing_key",
    "additionalProperties": "unknown_key",
    "enum": "unknown_value",
    "const": "unknown_value",
    "pattern": "wrong_format",
    "minLength": "too_short",
    "maxLength": "too_long",
    "minItems": "too_few",
    "maxItems": "too_many",
    "minProperties": "too_few",
    "maxProperties": "too_many",
    "minimum": "out_of_range",
    "maximum": "out_of_range",
    "exclusiveMinimum": "out_of_range",
    "exclusiveMaximum": "out_of_range",
    "uniqueItems": "duplicate_item",
    "oneOf": "exactly_one",
    "anyOf": "wrong_shape",
}


class Shapes:
    """The compiled schemas of all kinds and field types."""

    def __init__(self, kinds: Iterable[str], field_types: Mapping[str, FieldTypeSpec]) -> None:
        defs = shared_defs()
        self.schemas: dict[str, Schema] = {kind: inlined(kind_schema(kind), {**defs, **_own(kind)}) for kind in kinds}
        common = _own("object")["field"]
        self.field_schemas: dict[str, Schema] = {
            name: inlined(field_schema(common, spec), defs) for name, spec in field_types.items()
        }
        self._kinds = {kind: _Validator(schema) for kind, schema in self.schemas.items()}
        self._fields = {name: _Validator(schema) for name, schema in self.field_schemas.items()}
        known = {**inlined({k: v for k, v in common.items() if k != "x-variants"}, defs), "additionalProperties": True}
        self._any_field = _Validator(known)

    def problems(self, kind: str, document: Mapping[str, Any]) -> list[Diagnostic]:
        """Return what is wrong with the shape of ``document``, which passed :func:`values.problems`."""
        found = list(islice(self._problems(kind, document), MAX_FINDINGS + 1))
        if len(found) > MAX_FINDINGS:
            found[MAX_FINDINGS:] = [
                Diagnostic("too_many_findings", "", f"More than {MAX_FINDINGS} findings; the rest is left out.")
            ]
        return found

    def _problems(self, kind: str, document: Mapping[str, Any]) -> Iterator[Diagnostic]:
        yield from _translated(self._kinds[kind], document, "")
        fields = document.get("fields")
        if kind == "object" and isinstance(fields, list):
            for index, field in enumerate(fields):
                if isinstance(field, dict):
                    yield from self.field_problems(field, pointers.join("fields", index))

    def field_problems(self, field: Mapping[str, Any], pointer: str) -> Iterator[Diagnostic]:
        """Yield what is wrong with the shape of one field at ``pointer``."""
        name = field.get("type")
        if isinstance(name, str) and name not in self._fields:
            yield Diagnostic(
                "unknown_type",
                f"{pointer}/type",
                f"Unknown field type {brief(name)}.{did_you_mean(name[:100], self._fields)}",
                f"Known types: {', '.join(sorted(self._fields))}.",
            )
        validator = self._fields.get(name, self._any_field) if isinstance(name, str) else self._any_field
        yield from _translated(validator, field, pointer)


def _own(kind: str) -> Schema:
    own: Schema = kind_schema(kind).get("$defs", {})
    return own


def _translated(validator: Any, instance: object, at: str) -> Iterator[Diagnostic]:
    for error in validator.iter_errors(instance):
        yield from diagnostics_of(error, at)


def diagnostics_of(error: Any, at: str = "") -> Iterator[Diagnostic]:
    """Yield the diagnostics that one error of jsonschema stands for; ``at`` is the pointer of the validated value."""
    pointer = pointers.join(*error.absolute_path, at=at)
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, dict) else {}
    key = str(error.validator)
    if key == "additionalProperties":
        yield from _unknown_keys(error, schema, pointer)
    elif "propertyNames" in error.absolute_schema_path:
        yield Diagnostic(
            "wrong_format",
            pointers.join(error.instance, at=pointer),
            f"{brief(error.instance)} is no valid key here.",
            _example(schema),
        )
    elif key == "uniqueItems":
        index = _first_duplicate(error.instance)
        yield Diagnostic(
            "duplicate_item",
            pointers.join(index, at=pointer),
            f"{brief(error.instance[index])} stands in the list twice.",
            "Remove one of them.",
        )
    elif key == "required":
        yield Diagnostic(
            "missing_key", pointer, f"{error.message.split(' is a ')[0]} is missing.", _describe(schema, error)
        )
    elif key == "oneOf" and all(set(branch) == {"required"} for branch in error.validator_value):
        names = ", ".join(f"'{branch['required'][0]}'" for branch in error.validator_value)
        yield Diagnostic("exactly_one", pointer, f"Exactly one of {names} is needed.")
    else:
        yield _simple(error, schema, key, pointer)


def _simple(error: Any, schema: Mapping[str, Any], key: str, pointer: str) -> Diagnostic:
    value, expected = error.instance, error.validator_value
    code, found = _CODES.get(key, "wrong_shape"), brief(value)
    if key == "pattern" and schema.get("x-is") == "name":
        return Diagnostic(
            "bad_name",
            pointer,
            f"{found} is no API name.",
            "Use lower-case letters, digits and single underscores, starting with a letter: close_date.",
        )
    if key == "type":
        types = expected if isinstance(expected, list) else [expected]
        return Diagnostic(
            code, pointer, f"Found {found} ({json_type(value)}), expected {' or '.join(types)}.", _example(schema)
        )
    if key == "enum":
        guess = did_you_mean(value[:100], [e for e in expected if isinstance(e, str)]) if isinstance(value, str) else ""
        return Diagnostic(code, pointer, f"Found {found}, expected one of: {', '.join(map(str, expected))}.{guess}")
    return Diagnostic(
        code,
        pointer,
        _MESSAGES.get(key, "Found {found}, which does not fit {key}.").format(
            found=found, expected=expected, key=key, size=_size(value)
        ),
        _example(schema),
    )


_MESSAGES = {
    "const": "Found {found}, expected '{expected}'.",
    "pattern": "{found} has the wrong form.",
    "minLength": "The text has {size} characters, expected at least {expected}.",
    "maxLength": "The text has {size} characters, expected at most {expected}.",
    "minItems": "The list has {size} entries, expected at least {expected}.",
    "maxItems": "The list has {size} entries, expected at most {expected}.",
    "minProperties": "The object has {size} keys, expected at least {expected}.",
    "maxProperties": "The object has {size} keys, expected at most {expected}.",
    "minimum": "Found {found}, expected at least {expected}.",
    "maximum": "Found {found}, expected at most {expected}.",
    "exclusiveMinimum": "Found {found}, expected more than {expected}.",
    "exclusiveMaximum": "Found {found}, expected less than {expected}.",
}


def _size(value: object) -> int:
    return len(value) if isinstance(value, str | list | dict) else 0


def _unknown_keys(error: Any, schema: Mapping[str, Any], pointer: str) -> Iterator[Diagnostic]:
    known = schema.get("properties", {})
    is_label = schema.get("x-is") == "label"
    for key in error.instance:
        if key not in known:
            code, what = ("unknown_language", "language") if is_label else ("unknown_key", "key")
            yield Diagnostic(
                code,
                pointers.join(key, at=pointer),
                f"Unknown {what} {brief(key)}.{did_you_mean(key[:100], known)}",
                f"Known: {', '.join(known)}.",
            )


def _describe(schema: Mapping[str, Any], error: Any) -> str:
    name = error.message.split("'")[1] if "'" in error.message else ""
    text = schema.get("properties", {}).get(name, {}).get("description", "")
    return f"Add '{name}': {text}" if text else f"Add '{name}'."


def _example(schema: Mapping[str, Any]) -> str:
    text = schema.get("description", "")
    return f"Expected: {text}" if text else ""


def _first_duplicate(items: list[object]) -> int:
    seen: set[str] = set()
    for index, item in enumerate(items):
        text = json.dumps(item, sort_keys=True)
        if text in seen:
            return index
        seen.add(text)
    return len(items)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # A final "$" of Python also matches before a line break; that of ECMA-262, which JSON Schema means, does not.
    return re.compile(pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern)


def _pattern(validator: Any, pattern: str, instance: object, schema: Schema) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _compiled(pattern).search(instance):
        yield ValidationError("pattern")


def _unique_items(validator: Any, wanted: bool, instance: object, schema: Schema) -> Iterator[ValidationError]:
    # jsonschema compares mixed lists pair by pair, which an unfriendly document of some MB would turn into hours.
    if wanted and isinstance(instance, list) and _first_duplicate(instance) < len(instance):
        yield ValidationError("uniqueItems")


def _integer(checker: Any, instance: object) -> bool:
    return isinstance(instance, int) and not isinstance(instance, bool)


def _enum(validator: Any, values: list[object], instance: object, schema: Schema) -> Iterator[ValidationError]:
    if not any(same(value, instance) for value in values):
        yield ValidationError("enum")


_extend: Any = validators.extend
_Validator: Any = _extend(
    Draft202012Validator,
    {"pattern": _pattern, "uniqueItems": _unique_items, "enum": _enum},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _integer),
)

"""Free JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType
from trellis.fields.common.characters import is_blank, require_text
from trellis.fields.common.numbers import INT64_MAX, INT64_MIN
from trellis.fields.common.options import integer_option
from trellis.fields.common.problems import invalid
from trellis.storage.types import json_column

MAX_BYTES, MAX_DEPTH = 65_536, 32
_EXPECTED = "a JSON object or list"


class JsonField(FieldType):
    """A JSON object or list of at most 64 KB, for programs. Whole numbers have 64 bits; whole floats become such.

    The latter keeps both databases equal, which write numbers differently; JSON itself knows no difference.
    """

    name = "json"
    label = {"en": "JSON", "zh": "JSON"}
    icon = "braces"
    category = "opaque"
    widget = "json"
    unique_allowed = False
    options = {
        "max_bytes": integer_option("Largest size in bytes (UTF-8, no spaces).", 2, MAX_BYTES, MAX_BYTES),
        "max_depth": integer_option("Deepest nesting of objects and lists.", 1, MAX_DEPTH, MAX_DEPTH),
    }

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        size, depth = field.get("max_bytes", MAX_BYTES), field.get("max_depth", MAX_DEPTH)

        def parse(value: Any) -> Any:
            if is_blank(value):
                return None
            if not isinstance(value, Mapping | list | tuple):
                raise invalid("wrong_type", value, _EXPECTED)
            clean = _clean(value, depth, [size])
            found = len(dump(clean).encode())
            if found > size:
                raise invalid("too_large", f"{found} bytes", f"at most {size} bytes")
            return clean

        def from_text(text: str) -> Any:
            return None if is_blank(text) else parse(_load(text, size))

        return Codec(
            (Column(json_column()),),
            parse,
            "opaque",
            from_text=from_text,
            to_text=dump,
            compare=canonical,
            json_schema={"type": ["object", "array", "string"], "pattern": r"^\s*$"},
        )

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        return frozenset({"long_text"})


def dump(value: Any) -> str:
    """Return the text form, keys in their order."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def canonical(value: Any) -> str:
    """Return the text form with sorted keys: equal for equal values."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, sort_keys=True)


def _load(text: str, size: int) -> Any:
    if len(text) > 4 * size:
        raise invalid("too_large", f"{len(text)} characters", f"at most {size} bytes")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise invalid("bad_format", text, _EXPECTED) from None


def _clean(value: Any, depth: int, budget: list[int]) -> Any:
    """Return ``value`` in the form that both databases give back; ``budget`` ends the walk of values far too large."""
    budget[0] -= 1 + (len(value) if isinstance(value, str) else 0)
    if budget[0] < 0:
        raise invalid("too_large", value, "a smaller value")
    if isinstance(value, str):
        return require_text(value, "texts")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, Mapping | list | tuple):
        if depth == 0:
            raise invalid("too_large", value, "less nesting")
        if isinstance(value, Mapping):
            return {_key(key, budget): _clean(item, depth - 1, budget) for key, item in value.items()}
        return [_clean(item, depth - 1, budget) for item in value]
    raise invalid("wrong_type", value, "texts, numbers, true, false, null, objects and lists")


def _key(key: Any, budget: list[int]) -> str:
    text = require_text(key, "keys that are texts")
    budget[0] -= len(text)
    return text


def _number(value: int | float) -> int | float:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise invalid("bad_format", value, "a finite number")
        if not value.is_integer():
            return value
        value = int(value)
    if not INT64_MIN <= value <= INT64_MAX:
        raise invalid("out_of_range", value, "whole numbers of 64 bits; write larger ones as texts")
    return value

"""Smallest and largest values of types whose limits are written like their values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trellis.fields.base import FieldDoc
from trellis.fields.common.problems import invalid


def within(
    field: FieldDoc,
    parse: Callable[[Any], Any],
    show: Callable[[Any], str],
    *,
    limits: Callable[[Any], Any] | None = None,
) -> Callable[[Any], Any]:
    """Return ``parse`` with the field's ``min`` and ``max`` (read by ``limits``, else by ``parse``), both inclusive."""
    read = limits or parse
    low = read(field["min"]) if field.get("min") is not None else None
    high = read(field["max"]) if field.get("max") is not None else None
    if low is None and high is None:
        return parse

    def check(value: Any) -> Any:
        found = parse(value)
        if found is None:
            return None
        if low is not None and found < low:
            raise invalid(
                "out_of_range",
                value,
                f"{show(low)} or later" if field["type"] != "duration" else f"at least {show(low)}",
            )
        if high is not None and found > high:
            raise invalid(
                "out_of_range",
                value,
                f"{show(high)} or earlier" if field["type"] != "duration" else f"at most {show(high)}",
            )
        return found

    return check

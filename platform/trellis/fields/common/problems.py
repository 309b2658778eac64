"""Refusals in one form: what was found (at most 80 characters of it) and what was expected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from trellis.fields.base import InvalidValue
from trellis_metadata.diagnostics import did_you_mean

SHOWN = 80
_HUGE_BITS = 512


def show(value: object) -> str:
    """Return ``value`` for a message, never longer than 80 characters and never costly, however large it is."""
    if isinstance(value, str):
        text = repr(value[:SHOWN])
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif value is None:
        text = "null"
    elif isinstance(value, int):
        text = str(value) if value.bit_length() <= _HUGE_BITS else f"a number of {value.bit_length()} bits"
    elif isinstance(value, Mapping):
        text = f"an object of {len(value)} keys"
    elif isinstance(value, list | tuple | set | frozenset):
        text = f"a list of {len(value)} items"
    elif isinstance(value, bytes):
        text = f"{len(value)} bytes"
    else:
        text = str(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def invalid(code: str, found: object, expected: str, **details: object) -> InvalidValue:
    """Return the refusal "Found …, expected …." (to be raised by the caller)."""
    shown = show(found)
    return InvalidValue(code, f"Found {shown}, expected {expected}.", found=shown, expected=expected, **details)


def unknown(found: object, known: Iterable[str], expected: str, **details: object) -> InvalidValue:
    """Return the refusal of a name that is not among ``known``, with the closest one as a proposal."""
    names = list(known)
    problem = invalid("unknown_option", found, expected, **details)
    hint = did_you_mean(found[:SHOWN], names) if isinstance(found, str) else ""
    return InvalidValue("unknown_option", problem.message + hint, **problem.details)


def require_object(value: Any, keys: Iterable[str], expected: str) -> Mapping[str, Any]:
    """Return ``value`` if it is an object that has no other keys than ``keys``."""
    if not isinstance(value, Mapping):
        raise invalid("wrong_type", value, expected)
    known = list(keys)
    for key in value:
        if key not in known:
            hint = did_you_mean(str(key)[:SHOWN], known)
            raise InvalidValue(
                "not_allowed",
                f"Found key {show(key)}, expected only {', '.join(known)}.{hint}",
                found=show(key),
                expected=", ".join(known),
            )
    return value

"""The types of the expression language. A blank (null) fits any of them."""

from __future__ import annotations

from enum import StrEnum


class Type(StrEnum):
    """What kind of value an expression has, known before it is evaluated."""

    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    PICKLIST = "picklist"
    MULTIPICKLIST = "multipicklist"
    LOCATION = "location"
    REFERENCE = "reference"
    BLANK = "blank"
    UNKNOWN = "unknown"
    """The type of an expression that already has a problem.

    It fits everything, so that one mistake gives one message.
    """


WORDS = {
    Type.NUMBER: "a number",
    Type.TEXT: "a text",
    Type.BOOLEAN: "a truth value",
    Type.DATE: "a date",
    Type.DATETIME: "a date and time",
    Type.TIME: "a time",
    Type.PICKLIST: "a picklist",
    Type.MULTIPICKLIST: "a multi-select picklist",
    Type.LOCATION: "a location",
    Type.REFERENCE: "a reference",
    Type.BLANK: "a blank",
    Type.UNKNOWN: "anything",
}

FREE = frozenset({Type.BLANK, Type.UNKNOWN})
"""Types that fit every parameter."""
TEXTUAL = frozenset({Type.TEXT, Type.REFERENCE})
"""Types whose values are texts: references are read as their identifiers."""


def fits(given: Type, wanted: Type) -> bool:
    """Say whether a value of type ``given`` may stand where ``wanted`` is asked for. There are no conversions."""
    return (
        given in FREE or wanted is Type.UNKNOWN or given is wanted or (given is Type.REFERENCE and wanted is Type.TEXT)
    )


def common(first: Type, second: Type) -> Type | None:
    """Return the one type that both branches of a choice have, or None when they have none."""
    if Type.UNKNOWN in (first, second):
        return Type.UNKNOWN
    if first is Type.BLANK:
        return second
    if second is Type.BLANK or first is second:
        return first
    if first in TEXTUAL and second in TEXTUAL:
        return Type.TEXT
    return None

"""SQL in the making: texts and column expressions in a flat row, with the condition under which the row is an error.

A formula becomes two expressions: ``value``, which never raises in the database, and ``error``, which says whether the
Python evaluator would give an error. Rows stay flat while they are put together, so that a deeply nested formula does
not make SQLAlchemy recurse.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement

from trellis_metadata.errors import TrellisError

MAX_PIECES = 20_000
MARK = "\0"
"""Begins a piece that stands for a setting of the evaluation."""

Piece = str | ColumnElement[Any]
Row = tuple[Piece, ...]
_HOLE = re.compile(r"\{(\d+|\*|zone|now|today)\}|(\{\{)|(\}\})")


class Refused(TrellisError):
    """A formula that this database cannot compute exactly. The message names what stands in the way."""

    code = "refused"


@dataclass(frozen=True, slots=True)
class Sql:
    """A value and its error condition (None: it cannot fail)."""

    value: Row
    error: Row | None = None
    constant: bool = False

    def wrap(self, template: str, args: Sequence[Sql]) -> Sql:
        """Fill ``args`` into a template; an error of any of them is an error of the whole."""
        return Sql(fill(template, args), any_error(args))


@cache
def _split(template: str) -> tuple[str | tuple[str], ...]:
    parts: list[str | tuple[str]] = []
    at = 0
    for found in _HOLE.finditer(template):
        parts.append(template[at : found.start()])
        parts.append((found[1],) if found[1] else (found[2] or found[3])[0])
        at = found.end()
    parts.append(template[at:])
    return tuple(p for p in parts if p)


def fill(template: str, args: Sequence[Sql]) -> Row:
    """Return the template with the values of ``args`` in the holes ``{0}``, ``{1}`` …; ``{*}`` is all with commas.

    ``{zone}``, ``{now}`` and ``{today}`` become markers that the compiler replaces.
    """
    out: list[Piece] = []
    for part in _split(template):
        if isinstance(part, str):
            out.append(part)
        elif part[0].isdigit():
            out.extend(args[int(part[0])].value)
        elif part[0] == "*":
            out.extend(commas([a.value for a in args]))
        else:
            out.append(MARK + part[0])
    return checked(out)


def checked(pieces: Sequence[Piece]) -> Row:
    """Return the row, or refuse one that has grown too long for a database to plan quickly."""
    if len(pieces) > MAX_PIECES:
        raise Refused("The formula becomes too large for SQL")
    return tuple(pieces)


def commas(rows: Sequence[Row], separator: str = ", ") -> Row:
    """Join rows."""
    out: list[Piece] = []
    for index, row in enumerate(rows):
        if index:
            out.append(separator)
        out.extend(row)
    return checked(out)


def any_error(args: Sequence[Sql]) -> Row | None:
    """Return the condition that at least one of ``args`` is an error."""
    return either([a.error for a in args])


def either(errors: Sequence[Row | None]) -> Row | None:
    """Join error conditions."""
    present = [e for e in errors if e is not None]
    if not present:
        return None
    return present[0] if len(present) == 1 else ("(", *commas(present, " OR "), ")")


def choose(pairs: Sequence[tuple[Sql, Sql]], default: Sql) -> Sql:
    """Return the value after the first true condition; only what is evaluated can be an error."""
    value: list[Piece] = ["(CASE"]
    error: list[Piece] = ["(CASE"]
    for condition, then in pairs:
        value += [" WHEN ", *condition.value, " THEN ", *then.value]
        if condition.error is not None:
            error += [" WHEN ", *condition.error, " THEN true"]
        error += [" WHEN ", *condition.value, " THEN ", *(then.error or ("false",))]
    value += [" ELSE ", *default.value, " END)"]
    error += [" ELSE ", *(default.error or ("false",)), " END)"]
    fails = any(s.error is not None for s in (*(x for pair in pairs for x in pair), default))
    return Sql(checked(value), checked(error) if fails else None)


def case_of(args: Sequence[Sql], *, text: bool) -> Sql:
    """Return ``CASE subject WHEN v THEN r … ELSE d END``; a blank matches nothing but a blank text."""
    opening, closing = ("coalesce(", ", '')") if text else ("", "")
    out: list[Piece] = ["(CASE ", opening, *args[0].value, closing]
    for at in range(1, len(args) - 1, 2):
        out += [" WHEN ", opening, *args[at].value, closing, " THEN ", *args[at + 1].value]
    out += [" ELSE ", *args[-1].value, " END)"]
    return Sql(checked([p for p in out if p != ""]), any_error(args))


def membership(args: Sequence[Sql]) -> Sql:
    """Return whether the first value is one of the others; never blank."""
    return Sql(
        checked(["coalesce(", *args[0].value, " IN (", *commas([a.value for a in args[1:]]), "), false)"]),
        any_error(args),
    )


def all_or_null(function: str, args: Sequence[Sql]) -> Sql:
    """Return a function of all values, or NULL when one is NULL."""
    if len(args) == 1:
        return args[0]
    rows = [a.value for a in args]
    value = [
        "(CASE WHEN ",
        *commas([("(", *r, ") IS NULL") for r in rows], " OR "),
        f" THEN NULL ELSE {function}(",
        *commas(rows),
        ") END)",
    ]
    return Sql(checked(value), any_error(args))


def recover(first: Sql, second: Sql) -> Sql:
    """Return ``second`` where ``first`` is an error."""
    if first.error is None:
        return first
    value = ("(CASE WHEN ", *first.error, " THEN ", *second.value, " ELSE ", *first.value, " END)")
    return Sql(checked(value), None if second.error is None else ("(", *first.error, " AND ", *second.error, ")"))

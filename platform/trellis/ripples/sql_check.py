"""Whether both databases can compute a formula exactly, known before anything is published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from trellis.fields import field_types
from trellis.fields.base import snapshot_environment
from trellis.fields.formula import DEFAULT_SCALE, NUMBERS
from trellis.formula.sql import Refused
from trellis.formula.sql import compile as compile_sql
from trellis.ripples.inputs import field_of, target_of
from trellis.rules.formula_checks import typed_field
from trellis.rules.scope import ObjectScope
from trellis_metadata.formula.checker import check
from trellis_metadata.formula.errors import FormulaError
from trellis_metadata.formula.parser import parse
from trellis_metadata.formula.scope import Symbol
from trellis_metadata.formula.typed import Typed
from trellis_metadata.snapshot import Snapshot

DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def refusal(snapshot: Snapshot, object_name: str, text: str, field: Mapping[str, Any] | None = None) -> str | None:
    """Return why a database cannot compute a formula, or the formula field ``field``; None when both can.

    What is wrong in itself is told where it stands, and is no refusal.
    """
    try:
        if field is not None:
            typed = typed_field(field, object_name, snapshot)
        else:
            typed = check(parse(text), ObjectScope(snapshot, object_name), text=text)
    except FormulaError:
        return None
    scale = field.get("scale", DEFAULT_SCALE) if field and field["returns"] in NUMBERS else None
    return refusal_of(typed, object_name, snapshot, scale=scale)


def refusal_of(typed: Typed, object_name: str, snapshot: Snapshot, *, scale: int | None = None) -> str | None:
    """Return why a database cannot compute a checked formula over records of an object; None when both can."""

    def resolve(symbol: Symbol) -> sa.ColumnElement[Any]:
        return sa.column("c", _stored_as(snapshot, object_name, symbol.path))

    for dialect, name in DATABASES.items():
        try:
            compile_sql(typed, dialect, resolve, scale=scale)
        except Refused as problem:
            return f"{name} cannot compute it exactly: {problem}."
    return None


def _stored_as(snapshot: Snapshot, object_name: str, path: str) -> sa.types.TypeEngine[Any]:
    owner: str | None = object_name
    *relations, last = path.split(".")
    for step in relations:
        owner = target_of(field_of(snapshot, owner or "", step))
    field = field_of(snapshot, owner or "", last)
    if field is None:
        return sa.Text()
    return field_types()[field["type"]].compile(field, snapshot_environment(snapshot)).columns[0].type

"""Counts and sums of lists and of their groups, under the rights of the person: one statement for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import g
from flask_babel import gettext as _
from markupsafe import Markup

from trellis.access import rights
from trellis.model import ObjectModel
from trellis.query import Aggregate, Query
from trellis_admin.reading import FieldRef, run
from trellis_admin.renderers import render_value
from trellis_admin.rendering import context

MAX_GROUPS = 1000
ADDED = frozenset({"currency", "number", "integer"})
"""Types of values whose sum says something; shares and ratings do not add up."""


@dataclass(frozen=True)
class Sums:
    """Number of records, and the sum of each added column as text, by its path."""

    count: int
    texts: Mapping[str, Markup]


def summed(root: ObjectModel, refs: Iterable[FieldRef]) -> list[FieldRef]:
    """Return the columns that can be added up: own numbers that the person sees unmasked and the database can add."""
    from trellis_admin.shown import can_query

    allowed = rights(g.person, root.doc)
    return [
        ref
        for ref in refs
        if ref.path == ref.model.name
        and kind_of(ref) in ADDED
        and not allowed.masks(ref.path)
        and can_query(root, ref.model)
    ]


def kind_of(ref: FieldRef) -> str:
    """Return the type of a column's values: of a computed field that of its result."""
    return str(ref.doc.get("result") or ref.doc["type"])


def sums_by(
    root: ObjectModel, query: Query, refs: Sequence[FieldRef], by: Sequence[str]
) -> dict[tuple[Any, ...], Sums]:
    """Return the sums of the columns ``refs`` for each group of the fields ``by`` (none: under the empty tuple)."""
    wanted = [Aggregate("count")]
    for ref in refs:
        wanted.append(Aggregate("sum", ref.path))
        if kind_of(ref) == "currency" and ref.doc["type"] == "currency":
            wanted += [Aggregate("min", f"{ref.path}.currency"), Aggregate("max", f"{ref.path}.currency")]
    rows = run(
        Query(
            root.name,
            filter=query.filter,
            search=query.search,
            group_by=tuple(by),
            aggregates=tuple(wanted),
            limit=MAX_GROUPS,
        )
    ).rows
    made = context()
    return {
        tuple(row[b] for b in by): Sums(
            row["count"], {ref.path: text for ref in refs if (text := _text(ref, row, made)) is not None}
        )
        for row in rows
    }


def _text(ref: FieldRef, row: Mapping[str, Any], made: Any) -> Markup | None:
    value = row.get(f"sum({ref.path})")
    if value is None:
        return None
    if kind_of(ref) != "currency":
        return Markup(render_value(ref.doc, value, made))  # renderers escape
    default = g.model.env.default_currency
    amount = value["amount"] if isinstance(value, Mapping) else value
    text = Markup(render_value(ref.doc, {"amount": amount, "currency": default}, made))
    codes = {row.get(f"min({ref.path}.currency)", default), row.get(f"max({ref.path}.currency)", default)}
    return Markup(_("≈ %(amount)s (converted)")) % {"amount": text} if codes != {default} else text

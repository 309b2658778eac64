"""Cards that several displays show: a record's name and the other columns of the list, rendered once per column."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from trellis.model import ObjectModel
from trellis.query import Query
from trellis_admin.reading import FieldRef, label_of, names_for, run
from trellis_admin.renderers import render_value
from trellis_admin.rendering import context
from trellis_admin.shown import Shown

FACTS = 5


@dataclass(frozen=True)
class Fact:
    """One value on a card; ``kind`` is the type of its field."""

    label: str
    kind: str
    html: Markup


@dataclass(frozen=True)
class Card:
    """A record as a card. ``row`` holds what was read of it."""

    id: str
    url: str
    title: str
    facts: Sequence[Fact]
    row: Mapping[str, Any]


def facts_of(shown: Shown, without: Collection[str]) -> list[FieldRef]:
    """Return the columns of the list that its cards show."""
    hidden = {*without, shown.root.name_field}
    return [r for r in shown.refs if r.path not in hidden][:FACTS]


def card_query(shown: Shown, extra: Collection[str], condition: Mapping[str, Any], limit: int) -> Query:
    """Return the query for the cards of a part of the list; ``extra`` are fields beyond the columns."""
    name = shown.root.name_field
    fields = dict.fromkeys([*([name] if name else []), *(r.path for r in shown.refs), *extra, "version"])
    return replace(shown.query, fields=tuple(fields), filter=condition, limit=limit, total=False)


def cards(root: ObjectModel, rows: Sequence[Mapping[str, Any]], facts: Sequence[FieldRef]) -> list[Card]:
    """Return rows as cards: one query per object that they point at."""
    made = context(names_for(rows, facts))
    return [
        Card(
            row["id"],
            f"/o/{root.name}/{row['id']}",
            label_of(row, root),
            [
                Fact(ref.label, ref.doc.get("result") or ref.doc["type"], Markup(render_value(ref.doc, value, made)))
                for ref in facts
                if (value := row.get(ref.path)) is not None and value != []
            ],
            row,
        )
        for row in rows
    ]


def read_cards(shown: Shown, query: Query, facts: Sequence[FieldRef]) -> tuple[list[Card], str | None]:
    """Return a page of cards and the cursor of the next."""
    page = run(query)
    return cards(shown.root, page.rows, facts), page.cursor

"""The tree: records below the record that a lookup to their own object names. A level is read when it is opened.

The first page holds the tops that fit the list's filters (those without a record above); what is below is asked for by its
record, whatever the filters say, as people open it. One statement counts the children of a level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from flask import g
from flask_babel import gettext as _

from trellis.access import rights
from trellis.model import FieldModel, ObjectModel
from trellis.query import Aggregate, Query
from trellis_admin.displays.cells import Card, card_query, cards, facts_of
from trellis_admin.reading import run
from trellis_admin.shown import Shown, is_value, narrowed

NAME, ORDER, ICON = "tree", 40, "sitemap"
ROWS = 50


@dataclass(frozen=True)
class Node:
    """A record of the tree, with how many are below it and where they are read."""

    card: Card
    children: int
    url: str


def label() -> str:
    return _("Tree")


def suits(root: ObjectModel) -> bool:
    return bool(parent_fields(root))


def parent_fields(root: ObjectModel) -> list[FieldModel]:
    """Return the lookups to the object itself that the person may see."""
    allowed = rights(g.person, root.doc)
    return [
        f
        for f in root.fields.values()
        if f.doc["type"] == "lookup"
        and f.codec.targets == (root.name,)
        and allowed.may_read_field(f.name)
        and not allowed.masks(f.name)
    ]


def fill(shown: Shown) -> dict[str, Any]:
    """Return the tops."""
    nodes, cursor = level(shown, None, shown.state.after)
    return {"nodes": nodes, "record_count": len(nodes), "cursor": cursor, "tree_root": True}


def level(shown: Shown, above: str | None, after: str = "") -> tuple[list[Node], str | None]:
    """Return the records below one (None: the tops) and the cursor of the next."""
    field, query = _field(shown), shown.query
    condition: Mapping[str, Any] = is_value(field.name, above) if above else narrowed(query, is_value(field.name, None))
    wanted = card_query(shown, [field.name], condition, ROWS)
    if above:
        wanted = replace(wanted, search=None)
    page = run(replace(wanted, cursor=after or None))
    found = cards(shown.root, page.rows, facts_of(shown, {field.name}))
    counts = _children(shown.root, field, [c.id for c in found])
    base = [p for p in shown.state.pairs() if p[0] not in ("after", "as")]
    return [
        Node(c, counts.get(c.id, 0), f"/o/{shown.root.name}/below?{urlencode([*base, ('above', c.id)])}") for c in found
    ], page.cursor


def _field(shown: Shown) -> FieldModel:
    fields = parent_fields(shown.root)
    asked = shown.field("parent", shown.state.by)
    return next((f for f in fields if asked is not None and f.name == asked.name), fields[0])


def _children(root: ObjectModel, field: FieldModel, ids: Sequence[str]) -> dict[str, int]:
    if not ids:
        return {}
    below = {"field": field.name, "op": "in", "value": list(ids)}
    rows = run(
        Query(root.name, filter=below, group_by=(field.name,), aggregates=(Aggregate("count"),), limit=len(ids))
    ).rows
    return {row[field.name]: row["count"] for row in rows}

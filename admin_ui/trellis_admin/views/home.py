"""The start page: one's own day, the app's objects with their counts, and the records that changed last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, g

from trellis.access import rights
from trellis.bookmarks import FAVOURITE
from trellis.bookmarks import RECENT as VISITED
from trellis.model import ObjectModel
from trellis.query import Query, Sort
from trellis_admin.bookmarking import bookmarks
from trellis_admin.day import day
from trellis_admin.i18n import language
from trellis_admin.page import render
from trellis_admin.reading import label_of, run
from trellis_admin.renderers.dates import moment, relative
from trellis_admin.rendering import context
from trellis_admin.session import needs_person
from trellis_admin.shell import Item, object_item

RECENT = 8


@dataclass(frozen=True)
class Tile:
    """An object with the number of its records."""

    item: Item
    count: int
    new_url: str


@dataclass(frozen=True)
class Recent:
    """A record that changed lately."""

    title: str
    url: str
    item: Item
    kind: str
    changed: str
    when: str


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/", "home", show)


@needs_person
def show() -> Response:
    """The page."""
    tiles: list[Tile] = []
    recent: list[Recent] = []
    for item in g.shell.app.items:
        root = g.model.object(item.url.rpartition("/")[2])
        fields = ("modified_at", *([root.name_field] if root.name_field else []))
        page = run(Query(root.name, fields, sort=(Sort("modified_at", True),), limit=RECENT, total=True))
        new = f"{item.url}/new" if rights(g.person, root.doc).create else ""
        tiles.append(Tile(item, page.total or 0, new))
        recent += [_recent(root, row) for row in page.rows]
    recent.sort(key=lambda r: r.changed, reverse=True)
    return render(
        "pages/home.html",
        tiles=tiles,
        recent=recent[:RECENT],
        day=day(),
        favourites=bookmarks(FAVOURITE),
        visited=bookmarks(VISITED),
    )


def _recent(root: ObjectModel, row: Mapping[str, Any]) -> Recent:
    code = language().code
    when = relative(moment(row["modified_at"]), context())
    url = f"/o/{root.name}/{row['id']}"
    return Recent(label_of(row, root), url, object_item(root.doc, code), root.label(code), row["modified_at"], when)

"""The board: a column per option of a stage or picklist field, with count and sum, and lanes by another field.

One statement counts and adds up all columns. Cards are read column by column, each from the index and with a cursor of its
own: a window over all columns would sort the whole table. The first columns that hold something are read with the page, the
others when they come into view, so that sixty stages cost no more statements than twelve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from flask import g
from flask_babel import gettext as _
from markupsafe import Markup

from trellis.access import rights
from trellis.model import FieldModel, ObjectModel
from trellis_admin.displays.cells import Card, card_query, cards, facts_of, read_cards
from trellis_admin.forms import may_enter
from trellis_admin.i18n import language
from trellis_admin.reading import FieldRef, names_of_ids, run
from trellis_admin.renderers import render_value
from trellis_admin.renderers.choices import options_of
from trellis_admin.rendering import context
from trellis_admin.shown import Shown, can_sort, is_value, narrowed
from trellis_admin.sums import Sums, summed, sums_by
from trellis_metadata.labels import text_of

NAME, ORDER, ICON = "board", 10, "layout-kanban"
TYPES = ("stage", "picklist")
CARDS, EAGER, MAX_LANES = 20, 12, 50
BLANK = "-"
"""The column, in addresses, of records without a value; no option is called so."""


@dataclass(frozen=True)
class Column:
    """A column of the board. ``value`` None is that of the records without one."""

    value: str | None
    label: str
    color: str
    count: int
    total: Markup | None
    closed: bool

    @property
    def key(self) -> str:
        return BLANK if self.value is None else self.value


@dataclass(frozen=True)
class Cell:
    """What stands in one column of one lane. ``next_url`` reads on; ``cards`` is empty while nothing was read."""

    column: Column
    lane: str
    count: int
    cards: Sequence[Card]
    next_url: str
    all_url: str
    is_read: bool = True


@dataclass(frozen=True)
class Lane:
    """A swim lane; without lanes there is one, without a label."""

    key: str
    label: Markup | None
    count: int
    total: Markup | None
    cells: Sequence[Cell]


def label() -> str:
    return _("Board")


def suits(root: ObjectModel) -> bool:
    return bool(column_fields(root))


def column_fields(root: ObjectModel) -> list[FieldModel]:
    """Return the fields that can make columns, stages first."""
    allowed = rights(g.person, root.doc)
    found = [
        f
        for f in root.fields.values()
        if f.doc["type"] in TYPES and allowed.may_read_field(f.name) and not allowed.masks(f.name)
    ]
    return sorted(found, key=lambda f: f.doc["type"] != "stage")


def lane_fields(root: ObjectModel) -> list[FieldModel]:
    """Return the fields that can make lanes: people and picklists."""
    allowed = rights(g.person, root.doc)
    return [
        f
        for f in root.all_fields
        if (f.doc["type"] in TYPES or (f.doc["type"] == "user" and f.name not in ("created_by", "modified_by")))
        and allowed.may_read_field(f.name)
        and not allowed.masks(f.name)
        and can_sort(root, f.name)
    ]


def by_of(shown: Shown) -> FieldModel:
    """Return the field that makes the columns: the one asked for, else the first."""
    fields = column_fields(shown.root)
    asked = shown.field("group_by", shown.state.by)
    return next((f for f in fields if asked is not None and f.name == asked.name), fields[0])


def lane_of(shown: Shown) -> FieldModel | None:
    """Return the field that makes the lanes, if any was asked for."""
    asked, by = shown.field("lanes", shown.state.lanes), by_of(shown)
    return asked if asked is not None and asked.name != by.name and asked in lane_fields(shown.root) else None


def fill(shown: Shown) -> dict[str, Any]:
    """Return the board."""
    by, lane, code = by_of(shown), lane_of(shown), language().code
    added = summed(shown.root, shown.refs)[:1]
    groups = sums_by(shown.root, shown.query, added, [by.name, *([lane.name] if lane else [])])
    heads = columns_of(shown, by, added, groups)
    allowed = rights(g.person, shown.root.doc)
    movable = allowed.edit != "none" and may_enter(shown.root, by)
    return {
        "by": by,
        "lane_field": lane,
        "by_choices": [(f.name, f.label(code)) for f in column_fields(shown.root)],
        "lane_choices": [(f.name, f.label(code)) for f in lane_fields(shown.root) if f.name != by.name],
        "heads": heads,
        "lanes": _lanes(shown, by, lane, heads, groups),
        "movable": movable,
        "lanes_movable": lane is not None and may_enter(shown.root, lane),
        "record_count": sum(s.count for s in groups.values()),
    }


def columns_of(
    shown: Shown, by: FieldModel, added: Sequence[FieldRef], groups: Mapping[tuple[Any, ...], Sums]
) -> list[Column]:
    """Return the columns: every option that is in use, and every one that can be chosen."""
    counted: dict[Any, int] = {}
    for key, sums in groups.items():
        counted[key[0]] = counted.get(key[0], 0) + sums.count
    totals = _column_totals(shown, by, added, groups)
    code, ends = language().code, _closed(by)
    made = [
        Column(
            o["name"],
            text_of(o.get("label"), code, o["name"]),
            o.get("color", "gray"),
            n,
            totals.get(o["name"]),
            o["name"] in ends,
        )
        for o in options_of(by.doc, context())
        if (n := counted.pop(o["name"], 0)) or o.get("active", True)
    ]
    blank = counted.pop(None, 0)
    made += [Column(v, str(v), "gray", n, totals.get(v), False) for v, n in counted.items()]
    if blank or not by.required:
        made.insert(0, Column(None, _("No value"), "gray", blank, totals.get(None), False))
    return made if blank else [c for c in made if c.value is not None]


def _column_totals(
    shown: Shown, by: FieldModel, added: Sequence[FieldRef], groups: Mapping[tuple[Any, ...], Sums]
) -> dict[Any, Markup]:
    """Return the sum of each column; with lanes they are asked for by themselves, because texts cannot be added."""
    if not added:
        return {}
    if any(len(key) > 1 for key in groups):
        groups = sums_by(shown.root, shown.query, added, [by.name])
    return {key[0]: s.texts[added[0].path] for key, s in groups.items() if added[0].path in s.texts}


def _closed(by: FieldModel) -> set[str]:
    return {o["name"] for o in by.doc.get("options", ()) if o.get("color") in ("red",) and by.doc["type"] == "stage"}


def _lanes(
    shown: Shown,
    by: FieldModel,
    lane: FieldModel | None,
    heads: Sequence[Column],
    groups: Mapping[tuple[Any, ...], Sums],
) -> list[Lane]:
    facts, eager, made = _facts(shown, by, lane), EAGER, []
    for value, text, total in _lane_values(shown, lane, groups):
        cells = []
        for head in heads:
            key = (head.value, value) if lane else (head.value,)
            count = groups[key].count if key in groups else 0
            read = count > 0 and eager > 0
            eager -= read
            cells.append(_cell(shown, by, lane, head, value, count, facts, read=read))
        made.append(Lane(_key(value) if lane else "", text, sum(c.count for c in cells), total, cells))
    return made


def _facts(shown: Shown, by: FieldModel, lane: FieldModel | None) -> list[FieldRef]:
    return facts_of(shown, {by.name, *([lane.name] if lane else [])})


def _key(value: Any) -> str:
    return BLANK if value is None else str(value)


def _lane_values(
    shown: Shown, lane: FieldModel | None, groups: Mapping[tuple[Any, ...], Sums]
) -> list[tuple[Any, Markup | None, Markup | None]]:
    """Return value, label and sum of each lane, by label; records without a value come last."""
    if lane is None:
        return [(None, None, None)]
    values = {key[1] for key in groups}
    people = {v for v in values if isinstance(v, str)} if lane.category == "reference" else set()
    made = context(names_of_ids({"user": people}) if people else {})
    blank = Markup('<span class="t-muted">{}</span>').format(_("No value"))
    added = summed(shown.root, shown.refs)[:1]
    sums = sums_by(shown.root, shown.query, added, [lane.name]) if added else {}
    order = {o["name"]: i for i, o in enumerate(options_of(lane.doc, made))}
    found = [
        (
            v,
            blank if v is None else Markup(render_value(lane.doc, v, made)),
            sums[(v,)].texts.get(added[0].path) if added and (v,) in sums else None,
        )
        for v in values
    ]
    found.sort(key=lambda lane: (lane[0] is None, order.get(lane[0], 0), made.name_of(str(lane[0]))))
    return found[:MAX_LANES]


def _cell(
    shown: Shown,
    by: FieldModel,
    lane: FieldModel | None,
    head: Column,
    value: Any,
    count: int,
    facts: Sequence[FieldRef],
    *,
    read: bool,
    after: str = "",
) -> Cell:
    found, cursor = [], None
    if read:
        conditions = [is_value(by.name, head.value), *([is_value(lane.name, value)] if lane else [])]
        extra = [by.name, *([lane.name] if lane else [])]
        query = card_query(shown, extra, narrowed(shown.query, *conditions), CARDS)
        found, cursor = read_cards(shown, replace(query, cursor=after or None), facts)
    place = [("cell", head.key), *([("lane", _key(value))] if lane else [])]
    pairs = [p for p in shown.state.pairs() if p[0] not in ("after", "as")]
    on = [*pairs, *place, *([("after", cursor)] if cursor else [])]
    base = f"/o/{shown.root.name}"
    text = f"{by.name}:{'is_blank' if head.value is None else '='}:{head.value or ''}"
    return Cell(
        head,
        _key(value) if lane else "",
        count,
        found,
        f"{base}/cards?{urlencode(on)}" if cursor or (count and not read) else "",
        f"{base}?{urlencode([*pairs, ('as', 'list'), ('f', text)])}",
        read or not count,
    )


def more_of(shown: Shown, column: str, lane_key: str, after: str) -> Cell:
    """Return the next cards of a column (and lane)."""
    by, lane = by_of(shown), lane_of(shown)
    head = Column(None if column == BLANK else column, "", "gray", 0, None, False)
    value = None if lane_key == BLANK else lane_key
    return _cell(shown, by, lane, head, value, 1, _facts(shown, by, lane), read=True, after=after)


def heads_and_card(shown: Shown, record: str) -> tuple[list[Column], Card | None]:
    """Return the columns as they are now, and one record if it still is on the board."""
    by, lane = by_of(shown), lane_of(shown)
    added = summed(shown.root, shown.refs)[:1]
    groups = sums_by(shown.root, shown.query, added, [by.name])
    query = card_query(shown, [by.name], narrowed(shown.query, {"field": "id", "op": "=", "value": record}), 1)
    found = cards(shown.root, run(query).rows, _facts(shown, by, lane))
    return columns_of(shown, by, added, groups), found[0] if found else None

"""Bringing together what two people did to one record: the form of one, and what the other saved meanwhile.

The history says what a field held before the other's changes. A field that only one of them changed is no conflict; where
both did, the person chooses field by field. A field without history counts as changed by both when the two differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import g
from markupsafe import Markup

from trellis.fields.base import InvalidValue
from trellis.history import history_of
from trellis.model import FieldModel, ObjectModel
from trellis_admin.i18n import language
from trellis_admin.reading import FieldRef, names_for, number_of
from trellis_admin.renderers import render_value
from trellis_admin.rendering import context

CHANGES = 200
TAKE = "keep:"
"""Begins the names of the choices in the form: ``keep:amount`` is ``theirs`` or ``mine``."""


@dataclass(frozen=True)
class Conflict:
    """A field that both changed."""

    name: str
    label: str
    theirs: Markup
    mine: Markup


@dataclass(frozen=True)
class Merge:
    """``mine`` are the values that the person changed, those in conflict included."""

    mine: Mapping[str, Any]
    conflicts: list[Conflict]


def merge(root: ObjectModel, record: str, version: int, theirs: Mapping[str, Any], sent: Mapping[str, Any]) -> Merge:
    """Compare what a form sent, which showed the record at ``version``, with the record as it is now."""
    before = _before(root, record, version)
    mine: dict[str, Any] = {}
    both: list[FieldModel] = []
    for name, value in sent.items():
        field = root.field(name)
        if field is None:
            continue
        own, other = _normal(field, value), theirs.get(name)
        if own == other or (name in before and own == before[name]):
            continue
        mine[name] = value
        if name in before or field.doc.get("history") is False:
            both.append(field)
    return Merge(mine, _shown(both, theirs, sent))


def chosen(sent: Mapping[str, Any], form: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of a form without those where the person chose the other's."""
    return {name: value for name, value in sent.items() if form.get(f"{TAKE}{name}") != "theirs"}


def _before(root: ObjectModel, record: str, version: int) -> dict[str, Any]:
    """Return what the fields that changed after ``version`` held at that version."""
    number = number_of(record, root.name)
    with g.tenant.database.reading() as connection:
        page = history_of(g.tenant, connection, g.model, g.person, root.name, number, limit=CHANGES)
    found: dict[str, Any] = {}
    for change in page.changes:  # the newest first: the oldest after the version has the last word
        if change.version > version:
            found.update({name: old for name, (old, _new) in change.values.items()})
    return found


def _normal(field: FieldModel, value: Any) -> Any:
    """Return a value as the record would show it, so that ``5`` and ``5.00`` are no difference."""
    if value is None:
        return None
    try:
        parsed = field.codec.parse(value)
    except InvalidValue:
        return value
    write = field.json_writer()
    return parsed if parsed is None or write is None else write(parsed)


def _shown(fields: list[FieldModel], theirs: Mapping[str, Any], mine: Mapping[str, Any]) -> list[Conflict]:
    made = context(names_for([theirs, mine], [FieldRef(f.name, f, "") for f in fields]))
    return [
        Conflict(
            f.name,
            f.label(language().code),
            Markup(render_value(f.doc, theirs.get(f.name), made)),
            Markup(render_value(f.doc, mine.get(f.name), made)),
        )
        for f in fields
    ]

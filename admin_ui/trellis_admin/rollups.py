"""Why a roll-up has its value: in words, with a link to the records that count."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g

from trellis.access import rights
from trellis.model import FieldModel, ObjectModel
from trellis.query.filter_text import NoTextForm, text_of
from trellis.ripples.definition import Rollup
from trellis.ripples.words import describe
from trellis_admin.i18n import language
from trellis_admin.list_state import Filter, ListState
from trellis_metadata.errors import TrellisError


@dataclass(frozen=True)
class About:
    """What a value is made of. ``url`` shows the records that count and that the person may see; empty where there is none."""

    text: str
    url: str = ""


def about(root: ObjectModel, field: FieldModel, record: str) -> About | None:
    """Return the explanation of a roll-up of a record (external id), None for other fields."""
    if not field.type.derived or "of" not in field.doc:
        return None
    rollup = Rollup.read(root.name, field.doc)
    text = describe(rollup, g.model.snapshot, language().code)
    if rights(g.person, g.model.object(rollup.child).doc).read == "none":
        return About(text)
    conditions: tuple[Filter, ...] = (Filter(rollup.link, "=", record),)
    where = ""
    if isinstance(rollup.filter, str):
        where = rollup.filter
    elif rollup.filter is not None:
        chip = Filter.of(rollup.filter)
        if chip is not None:
            conditions = (*conditions, chip)
        else:
            try:
                where = text_of(rollup.filter, rollup.child, g.model)
            except (NoTextForm, TrellisError):
                return About(text)
    return About(text, ListState(f"/o/{rollup.child}", filters=conditions, where=where).url())

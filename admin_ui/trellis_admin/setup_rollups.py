"""A new roll-up in the setup: which child records there are, what can be computed of them, and the field's document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import g
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from trellis.fields.rollup import DEFAULT_SEPARATOR
from trellis_admin.i18n import language

KEYS = ("of", "operation", "over", "filter", "order_by", "separator", "distinct")
ORDERED = ("first", "last", "join")


@dataclass(frozen=True)
class ChildList:
    """Child records by one of their lookups, with the fields that can be computed over, as value and label."""

    value: str
    label: str
    fields: list[tuple[str, str]]


def child_lists(name: str) -> list[ChildList]:
    """Return the lists of records that point at the records of an object."""
    code, found = language().code, []
    for reference in g.model.referrers.get(name, ()):
        child = g.model.object(reference.source)
        fields = [(f"{child.name}.{f.name}", f.label(code)) for f in child.fields.values()]
        link = child.fields[reference.field].label(code)
        found.append(ChildList(f"{child.name}.{reference.field}", f"{child.plural(code)} ({link})", fields))
    return sorted(found, key=lambda c: c.label)


def operations() -> list[tuple[str, str]]:
    """Return name and words of what a roll-up computes."""
    return [
        ("count", _("Number of records")),
        ("sum", _("Sum")),
        ("min", _("Smallest value")),
        ("max", _("Largest value")),
        ("avg", _("Average")),
        ("first", _("First value")),
        ("last", _("Last value")),
        ("join", _("All values, joined")),
    ]


def read(form: MultiDict[str, str]) -> dict[str, str]:
    """Return what the form says about a roll-up."""
    return {k: form[k].strip() for k in KEYS if form.get(k, "").strip()}


def options_of(given: Mapping[str, str]) -> dict[str, Any]:
    """Return the options of the roll-up's document. What does not go with the operation is left out."""
    operation = given.get("operation", "count")
    made: dict[str, Any] = {"of": given.get("of", ""), "operation": operation}
    over = given.get("over", "").partition(".")[2]
    if over and (operation != "count" or given.get("distinct")):
        made["field"] = over
    if given.get("filter"):
        made["filter"] = given["filter"]
    if operation in ORDERED and given.get("order_by"):
        made["order_by"] = given["order_by"]
    if operation == "join" and given.get("separator", DEFAULT_SEPARATOR) != DEFAULT_SEPARATOR:
        made["separator"] = given["separator"]
    if operation in ("join", "count") and given.get("distinct"):
        made["distinct"] = True
    return made

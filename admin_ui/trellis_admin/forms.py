"""Forms of records: from the model to controls, and from what was sent to the values that changed."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import g, request
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from trellis import files
from trellis.access import rights
from trellis.fields import field_types
from trellis.model import FieldModel, ObjectModel
from trellis.query.lookup_filters import source_fields
from trellis.rules.conditions import State
from trellis_admin.i18n import language
from trellis_admin.renderers import render_value
from trellis_admin.renderers.choices import options_of
from trellis_admin.renderers.dates import moment
from trellis_admin.renderers.structured import clean_html
from trellis_admin.rendering import context
from trellis_admin.session import time_zone
from trellis_admin.widgets import Choice, Input, is_present, read
from trellis_metadata.field_checks import is_formula
from trellis_metadata.labels import text_of

UPLOADS = frozenset({"file", "image"})
"""Widgets whose values are uploaded, not typed."""
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?\Z")


@dataclass(frozen=True)
class Section:
    """A group of controls under a heading."""

    label: str
    inputs: Sequence[Input]
    columns: int = 2


def may_enter(root: ObjectModel, field: FieldModel) -> bool:
    """Whether the person may enter the field."""
    return on_form(field) and rights(g.person, root.doc).may_edit_field(field.name)


def on_form(field: FieldModel) -> bool:
    """Whether people may enter the field."""
    return field.writable and field.name != "record_type"


def input_for(
    root: ObjectModel,
    field: FieldModel,
    value: Any,
    *,
    name: str | None = None,
    prefix: str = "f",
    error: str = "",
    names: Mapping[str, str] | None = None,
    autofocus: bool = False,
    record: str = "",
) -> Input:
    """Return the control of a field with its value in JSON form."""
    widget = field.type.widget
    return Input(
        id=f"{prefix}-{field.name}",
        name=name or field.name,
        label=field.label(language().code),
        widget=widget,
        value=_shown(widget, value),
        raw=value,
        required=field.required,
        error=error,
        help=text_of(field.doc.get("help"), language().code),
        choices=_choices(field, value, names or {}),
        search_url=f"/lookup/{root.name}/{field.name}.json" + (f"?record={record}" if record else ""),
        options={
            **field.doc,
            "sources": " ".join(sorted(source_fields(field.doc.get("filter")))),
            "default_currency": g.model.env.default_currency,
            "file_name": (names or {}).get(value, "") if isinstance(value, str) else "",
        },
        autofocus=autofocus,
    )


def _shown(widget: str, value: Any) -> Any:
    if widget == "richtext" and isinstance(value, str):
        return clean_html(value)  # it may come from a link, and the editor shows it as HTML
    if widget == "datetime" and isinstance(value, str) and value:
        try:
            return moment(value).astimezone(time_zone()).strftime("%Y-%m-%dT%H:%M")
        except ValueError:
            return value
    if widget == "duration" and isinstance(value, str):
        found = _DURATION.match(value)
        return " ".join(f"{n}{unit}" for n, unit in zip(found.groups(), "dhms", strict=True) if n) if found else value
    return value


def _choices(field: FieldModel, value: Any, names: Mapping[str, str]) -> list[Choice]:
    kind, code = field.doc["type"], language().code
    if kind == "currency":
        allowed = field.doc.get("currencies") or _currencies()
        return [Choice(c, c) for c in allowed]
    if field.category == "reference":
        return [Choice(value, names.get(value, value))] if isinstance(value, str) and value else []
    return [
        Choice(o["name"], text_of(o.get("label"), code, o["name"]), o.get("color", "gray"))
        for o in options_of(field.doc, context())
        if o.get("active", True)
    ]


def _currencies() -> list[str]:
    default = g.model.env.default_currency
    usual = [default, *(c for c in ("CNY", "USD", "EUR", "GBP", "JPY", "HKD") if c != default)]
    return usual + sorted(c for c in g.model.env.currencies if c not in usual)


def read_form(root: ObjectModel, form: MultiDict[str, str], only: Iterable[str] | None = None) -> dict[str, Any]:
    """Return the JSON values that a form gives, for the fields that are on it. A blank secret keeps what is stored."""
    values: dict[str, Any] = {}
    for field in root.all_fields:
        widget = field.type.widget
        if not may_enter(root, field) or (only is not None and field.name not in only):
            continue
        if widget in UPLOADS:
            values.update(_uploaded(field.name, form))
        elif is_present(form, field.name):
            value = _value(widget, read(form, field.name, widget))
            if not (widget == "secret" and value is None):
                values[field.name] = value
    return values


def _uploaded(name: str, form: MultiDict[str, str]) -> dict[str, Any]:
    """Store a file that was sent and return its id as the value; nothing when none was sent, null when it was taken off."""
    sent = request.files.get(name)
    if sent is not None and sent.filename:
        stored = files.store(g.tenant, g.person, sent.stream, name=sent.filename, media_type=sent.mimetype)
        return {name: stored.id}
    return {name: None} if form.get(f"{name}.remove") == "true" else {}


def _value(widget: str, value: Any) -> Any:
    if value is None or not isinstance(value, str):
        return value
    if widget == "datetime":
        return _utc(value)
    if widget == "duration":
        return _iso_duration(value)
    if widget == "json":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return int(value) if widget == "rating" and value.isdigit() else value


def _utc(local: str) -> str:
    """A moment without a zone was typed in the person's zone."""
    try:
        at = dt.datetime.fromisoformat(local)
    except ValueError:
        return local
    return at.replace(tzinfo=at.tzinfo or time_zone()).astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _iso_duration(text: str) -> str:
    """Read ``1d 2h 30m`` and ``2:30`` besides ISO 8601; anything else goes to the runtime, which explains."""
    clock = text.split(":")
    if len(clock) == 2 and all(part.isdigit() for part in clock):
        return f"PT{int(clock[0])}H{int(clock[1])}M"
    parts = {part[-1].lower(): part[:-1] for part in text.lower().split() if part[:-1].isdigit()}
    if parts and set(parts) <= set("dhms") and len(parts) == len(text.split()):
        day = f"{parts.pop('d')}D" if "d" in parts else ""
        rest = "".join(f"{parts[unit]}{unit.upper()}" for unit in "hms" if unit in parts)
        return f"P{day}" + (f"T{rest}" if rest else "")
    return text.upper()


def sections(
    root: ObjectModel,
    values: Mapping[str, Any],
    errors: Mapping[str, str],
    names: Mapping[str, str],
    *,
    prefix: str,
    record: str = "",
    states: Mapping[str, State] | None = None,
) -> list[Section]:
    """Return the form by the object's layout; required fields that the layout forgot come first."""
    made, placed = [], set()

    def control(field: FieldModel) -> Input:
        made_input = input_for(
            root,
            field,
            values.get(field.name),
            prefix=prefix,
            error=errors.get(field.name, ""),
            names=names,
            record=record,
        )
        return in_state(made_input, field, (states or {}).get(field.name), names)

    for section in layout_of(root)["sections"]:
        fields = [root.field(c) for row in section["cells"] for c in row if isinstance(c, str)]
        inputs = [control(f) for f in fields if f is not None and may_enter(root, f)]
        placed |= {i.name for i in inputs}
        if inputs:
            made.append(Section(text_of(section.get("label"), language().code), inputs, section.get("columns", 2)))
    missing = [f for f in root.fields.values() if _may_be_required(f) and may_enter(root, f) and f.name not in placed]
    if missing:
        made.insert(0, Section("", [control(f) for f in missing]))
    if made and not errors:
        made[0] = replace(made[0], inputs=[replace(made[0].inputs[0], autofocus=True), *made[0].inputs[1:]])
    return made


def _may_be_required(field: FieldModel) -> bool:
    return field.required or "required_when" in field.doc


def in_state(control: Input, field: FieldModel, state: State | None, names: Mapping[str, str]) -> Input:
    """Return a control as the conditions of its field make it: left out, required, or a value that is only shown."""
    if state is None:
        return control
    value = control.value if not state.read_only else None
    shown = Markup(render_value(field.doc, control.raw, context(names))) if state.read_only else None  # escaped
    return replace(control, visible=state.visible, required=state.required, fixed=shown, value=value)


def layout_of(root: ObjectModel) -> Mapping[str, Any]:
    """Return the object's page layout, or one that shows every field in two columns."""
    found = next((d for d in g.model.display.of_kind("layout").values() if d["object"] == root.name), None)
    if found is not None:
        return found
    names = list(root.fields)
    rows = [names[i : i + 2] for i in range(0, len(names), 2)]
    return {"sections": [{"name": "main", "label": {"en": "Details", "zh": "详情"}, "columns": 2, "cells": rows}]}


def defaults(root: ObjectModel) -> dict[str, Any]:
    """Return the constant values with which a new record's form begins."""
    values = {
        f.name: f.doc["default"]
        for f in root.fields.values()
        if f.doc.get("default") is not None and may_enter(root, f) and not is_formula(f.doc["default"])
    }
    values.update(
        {
            f.name: f.doc["options"][0]["name"]
            for f in root.fields.values()
            if f.doc["type"] == "stage" and f.doc.get("options") and f.name not in values
        }
    )
    return values


def widget_names() -> dict[str, str]:
    """Return the widget of every field type."""
    return {name: kind.widget for name, kind in field_types().items()}

"""Form controls: which widget a field gets, what its template shows, and how its parts come back from a form.

Each widget is one template in ``templates/widgets`` with a macro ``widget(input)``. Names in a form follow one rule: ``name``
is a single value, ``name.part`` a part of an object, ``name[]`` one of several values. A blank is null.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flask import current_app
from jinja2 import TemplateNotFound
from markupsafe import Markup, escape
from werkzeug.datastructures import MultiDict

WIDE = frozenset({"textarea", "richtext", "json", "address", "file", "image"})
_GROUPS = frozenset({"address", "person_name", "geolocation", "rating"})
"""Widgets of several controls: their label names the group, not one control."""


@dataclass(frozen=True)
class Choice:
    """One thing to choose: its value, its text, a colour if it is a tag."""

    value: str
    text: str
    color: str = "gray"
    hint: str = ""


@dataclass(frozen=True)
class Input:
    """One control of a form, ready to be shown."""

    id: str
    name: str
    label: str
    widget: str
    value: Any = None
    raw: Any = None
    """The value in JSON form, before it was made ready for the control."""
    required: bool = False
    help: str = ""
    error: str = ""
    choices: Sequence[Choice] = ()
    search_url: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    disabled: bool = False
    autofocus: bool = False
    visible: bool = True
    fixed: Markup | None = None
    """The value as it is shown where the field is read-only; None where it can be entered."""
    part_errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def wide(self) -> bool:
        return self.widget in WIDE or bool(self.options.get("wide"))

    @property
    def grouped(self) -> bool:
        return self.widget in _GROUPS

    @property
    def attributes(self) -> Markup:
        """The attributes that every control has."""
        return self.attributes_of("")

    @property
    def list_attributes(self) -> Markup:
        """The attributes of a control that holds several values."""
        return replace(self, name=f"{self.name}[]").attributes

    def attributes_of(self, part: str, label: str = "") -> Markup:
        """The attributes of the control of one part; ``label`` names it for assistive technology."""
        name, ident = (f"{self.name}.{part}", f"{self.id}-{part}") if part else (self.name, self.id)
        described = " ".join(
            x for x in (f"{self.id}-error" if self.error else "", f"{self.id}-help" if self.help else "") if x
        )
        flags = [f'id="{escape(ident)}" name="{escape(name)}"']
        flags += [f'aria-label="{escape(label)}"'] if label else []
        flags += ['aria-invalid="true"'] if self.error else []
        flags += [f'aria-describedby="{escape(described)}"'] if described else []
        flags += ["required"] if self.required and not part else []
        flags += ["disabled"] if self.disabled else []
        flags += ["autofocus"] if self.autofocus and part in ("", "first", "amount") else []
        return Markup(" ".join(flags))

    @property
    def text(self) -> str:
        """The value as the text of a single control."""
        if isinstance(self.value, Mapping | list | tuple):
            return json.dumps(self.value, ensure_ascii=False, indent=2)
        return "" if self.value is None else str(self.value)

    def part(self, name: str) -> str:
        """The text of one part of the value."""
        found = self.value.get(name) if isinstance(self.value, Mapping) else None
        return "" if found is None else str(found)

    @property
    def chosen(self) -> frozenset[str]:
        """The values chosen among several."""
        if self.value is None or self.value == "":
            return frozenset()
        return (
            frozenset(str(v) for v in self.value)
            if isinstance(self.value, list | tuple | set)
            else frozenset({str(self.value)})
        )

    def html(self) -> Markup:
        """Render the control, or the value where it cannot be entered."""
        if self.fixed is not None:
            return Markup('<output class="t-input t-muted" id="{}">{}</output>').format(self.id, self.fixed)
        environment = current_app.jinja_env
        try:
            template = environment.get_template(f"widgets/{self.widget}.html")
        except TemplateNotFound:
            template = environment.get_template("widgets/text.html")
        return Markup(template.module.widget(self))  # macro output, escaped by the template


def read(form: MultiDict[str, str], name: str, widget: str) -> Any:
    """Return the JSON value that a form gives for a field; null when it is blank."""
    if f"{name}[]" in form:
        return [v for v in form.getlist(f"{name}[]") if v] or None
    if widget == "checkbox":
        return form.getlist(name)[-1:] == ["true"] if name in form else None
    if name in form:
        value = (
            form.getlist(name)[-1].strip("\r\n")
            if widget in ("textarea", "richtext", "json")
            else form.getlist(name)[-1].strip()
        )
        return value or None
    prefix = f"{name}."
    parts = {
        key[len(prefix) :]: value.strip() for key, value in form.items() if key.startswith(prefix) and value.strip()
    }
    if widget == "currency" and "amount" not in parts:
        return None
    return parts or None


def is_present(form: MultiDict[str, str], name: str) -> bool:
    """Whether the form carries the field at all (a field that is not on the form must not be changed)."""
    return name in form or f"{name}[]" in form or any(key.startswith(f"{name}.") for key in form)

"""Metadata documents from the forms of the setup."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pypinyin import lazy_pinyin
from werkzeug.datastructures import MultiDict

from trellis.fields.base import FieldType
from trellis_admin import setup_rollups
from trellis_admin.colors import color

MAX_NAME = 40
SETTINGS = ("max_length", "scale", "min", "max", "format")


def api_name(text: str) -> str:
    """Return an API name for a label; Chinese is written in pinyin."""
    latin = "_".join(lazy_pinyin(text)) if not text.isascii() else text
    name = re.sub(r"_+", "_", re.sub(r"[^a-z0-9]+", "_", latin.lower())).strip("_")
    return (f"f_{name}" if name[:1].isdigit() else name)[:MAX_NAME].strip("_") or "unnamed"


def label(english: str, chinese: str) -> Any:
    """Return a label in the languages that were given."""
    both = {"en": english, "zh": chinese}
    return {k: v for k, v in both.items() if v}


@dataclass(frozen=True)
class ObjectForm:
    """What the form of a new object holds."""

    label: str = ""
    label_zh: str = ""
    plural: str = ""
    plural_zh: str = ""
    name: str = ""
    icon: str = "box"
    description: str = ""

    @classmethod
    def read(cls, form: MultiDict[str, str]) -> ObjectForm:
        return cls(**{k: form.get(k, "").strip() for k in cls.__dataclass_fields__})


def new_object(form: ObjectForm) -> dict[str, Any]:
    """Return the document of a new object. It begins with one field, its name."""
    return {
        "kind": "object",
        "name": form.name or api_name(form.label),
        "label": label(form.label, form.label_zh),
        "plural": label(form.plural or form.label, form.plural_zh or form.label_zh),
        "icon": form.icon or "box",
        **({"description": form.description} if form.description else {}),
        "name_field": "name",
        "fields": [{"name": "name", "type": "text", "label": {"en": "Name", "zh": "名称"}, "required": True}],
        "sharing": {"default": "edit"},
        "features": {"search": ["name"]},
    }


@dataclass(frozen=True)
class OptionForm:
    """One option of a picklist."""

    label: str = ""
    label_zh: str = ""
    color: str = "gray"


@dataclass(frozen=True)
class FieldForm:
    """What the form of a new field holds."""

    label: str = ""
    label_zh: str = ""
    name: str = ""
    help: str = ""
    help_zh: str = ""
    required: bool = False
    unique: bool = False
    target: str = ""
    formula: str = ""
    returns: str = "number"
    blanks: str = "zero"
    rollup: Mapping[str, str] = field(default_factory=dict)
    options: Sequence[OptionForm] = (OptionForm(), OptionForm(), OptionForm())
    settings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, form: MultiDict[str, str]) -> FieldForm:
        rows = zip(
            form.getlist("option_label"), form.getlist("option_label_zh"), form.getlist("option_color"), strict=False
        )
        texts = {
            k: form.get(k, "").strip() for k in ("label", "label_zh", "name", "help", "help_zh", "target", "formula")
        }
        texts.update({k: form[k] for k in ("returns", "blanks") if k in form})
        return cls(
            **texts,
            rollup=setup_rollups.read(form),
            required=form.get("required") == "true",
            unique=form.get("unique") == "true",
            options=[OptionForm(a.strip(), b.strip(), color(c)) for a, b, c in rows],
            settings={k: form[f"setting_{k}"].strip() for k in SETTINGS if form.get(f"setting_{k}", "").strip()},
        )


def new_field(form: FieldForm, kind: str, spec: FieldType) -> dict[str, Any]:
    """Return the document of a new field."""
    made: dict[str, Any] = {
        "name": form.name or api_name(form.label),
        "type": kind,
        "label": label(form.label, form.label_zh),
    }
    if form.help or form.help_zh:
        made["help"] = label(form.help, form.help_zh)
    if form.required and not spec.computed:
        made["required"] = True
    if form.unique and spec.unique_allowed:
        made["unique"] = True
    if "options" in spec.options:
        made["options"] = [_option(o) for o in form.options if o.label or o.label_zh]
    if "target" in spec.options:
        made["target"] = form.target
    if "of" in spec.options:
        made.update(setup_rollups.options_of(form.rollup))
    if "formula" in spec.options:
        made.update(formula=form.formula, returns=form.returns)
        if form.blanks != "zero":
            made["blanks"] = form.blanks
    made.update({k: _number(v) if k != "format" else v for k, v in form.settings.items() if k in spec.options})
    return made


def _option(form: OptionForm) -> dict[str, Any]:
    return {
        "name": api_name(form.label or form.label_zh),
        "label": label(form.label, form.label_zh),
        "color": form.color,
    }


def _number(text: str) -> Any:
    return int(text) if re.fullmatch(r"-?\d{1,18}", text) else text

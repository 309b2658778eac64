"""The builder's form: an automation as inputs, and inputs as an automation. The server keeps nothing between two requests.

Every input is named by its place: ``s.0.with.values`` is the key ``values`` of the first step. The form is made from the
schemas of the actions, so that an action of a plug-in has one without further work.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import g
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from trellis.automation.action import Action, actions
from trellis.automation.checking import place_of
from trellis.automation.place import Place
from trellis.automation.related import relation_of, relations_of
from trellis.automation.step import formula_of
from trellis.automation.values import WRITABLE
from trellis_admin.automation_words import action_label, field_label, object_label
from trellis_admin.i18n import language
from trellis_metadata.kinds.automation import KEYS_OF
from trellis_metadata.labels import text_of

TEXTS = ("label_en", "label_zh", "object", "when", "fires", "run", "on_error", "as", "order")
LISTS = ("then", "else", "steps")
BLANK_ROWS = 2


class BadInput(Exception):
    """An input cannot be read. The message is for people."""


@dataclass
class Control:
    """One input. ``kind`` chooses the widget: text, formula, number, yesno, choice, values, label, list, json, steps."""

    name: str
    kind: str
    label: str
    help: str
    value: Any
    required: bool = False
    choices: Sequence[tuple[str, str]] = ()
    object: str = ""
    rows: Sequence[Mapping[str, str]] = ()
    steps: Sequence[Card] = ()


@dataclass
class Card:
    """One step with its inputs. ``at`` is its place: ``0``, ``0.then.1`` …"""

    at: str
    name: str
    label: str
    icon: str
    action: str
    controls: list[Control] = field(default_factory=list)
    first: bool = False
    last: bool = False


WORDS = {
    "values": lambda: _("Values"),
    "object": lambda: _("Object"),
    "match": lambda: _("Found by"),
    "related": lambda: _("Related records"),
    "when": lambda: _("Condition"),
    "limit": lambda: _("At most"),
    "then": lambda: _("Then"),
    "else": lambda: _("Else"),
    "steps": lambda: _("Steps for each"),
    "field": lambda: _("Field"),
    "to": lambda: _("To"),
    "text": lambda: _("Text"),
    "subject": lambda: _("Subject"),
    "due": lambda: _("Due"),
    "for": lambda: _("For how long"),
    "until": lambda: _("Until"),
    "until_when": lambda: _("Until this holds"),
    "timeout": lambda: _("At the longest"),
    "working_time": lambda: _("Count working time only"),
    "calendar": lambda: _("Calendar"),
    "add": lambda: _("Add"),
    "remove": lambda: _("Remove"),
    "missing": lambda: _("If none fits"),
    "lock": lambda: _("Name of the lock"),
    "reason": lambda: _("Reason"),
    "open_fields": lambda: _("Fields left open"),
    "writers": lambda: _("Who may write all the same"),
    "automation": lambda: _("Automation"),
    "from": lambda: _("From"),
    "stages": lambda: _("Stages"),
    "offset": lambda: _("Before (with −) or after"),
    "at": lambda: _("Time of day"),
    "cron": lambda: _("Schedule (cron)"),
    "zone": lambda: _("Time zone"),
    "key": lambda: _("Key of the message"),
    "label": lambda: _("Label"),
}


def word(key: str) -> str:
    """Return what a key is called in the form."""
    return WORDS[key]() if key in WORDS else key.replace("_", " ").capitalize()


def cards(document: Mapping[str, Any]) -> list[Card]:
    """Return the steps of an automation as cards."""
    return _cards(document.get("steps", ()), "", _place(document))


def _place(document: Mapping[str, Any]) -> Place:
    return place_of({**document, "triggers": document.get("triggers") or [{"on": "called"}]}, g.model.snapshot)


def _cards(steps: Sequence[Mapping[str, Any]], at: str, place: Place) -> list[Card]:
    found = []
    for number, step in enumerate(steps):
        here, action, told = f"{at}{number}", actions().get(step["action"]), step.get("with", {})
        card = Card(
            here, step["name"], step["action"], "bolt", step["action"], first=not number, last=number == len(steps) - 1
        )
        if action is not None:
            card.label, card.icon = action_label(action), action.icon
            card.controls = [_control(action, key, told, here, place) for key in action.properties]
            shape = action.shape(told, place)
            if shape is not None:
                place = place.with_result(step["name"], shape)
        found.append(card)
    return found


def _control(action: Action, key: str, told: Mapping[str, Any], at: str, place: Place) -> Control:
    schema, name, value = action.properties[key], f"s.{at}.with.{key}", told.get(key)
    inner = action.place_of(key, told, place)
    made = Control(name, "json", word(key), "", value, key in action.required, object=inner.object or "")
    role = schema.get("x-is")
    if role == "formula":
        made.kind, made.value = "formula", value or ""
    elif role in ("values", "link_match"):
        made.kind = "values"
        target = told.get(schema["x-object"]) if "x-object" in schema else inner.object
        if role == "link_match":
            relation = relation_of(place, str(told.get("related")))
            target = relation.object if relation is not None else None
        made.rows, made.choices = list(_rows(value or {})), _fields(target)
    elif role in ("text", "label"):
        made.kind, made.rows = "label", [_texts(value)]
    elif role == "steps":
        made.kind, made.steps = "steps", _cards(value or (), f"{at}.{key}.", inner)
    elif role == "stage":
        made.kind, made.value = "text", value or ""
    elif (choices := _choices(role, schema, place)) is not None:
        made.kind, made.choices, made.value = "choice", choices, value or ""
    elif schema.get("type") == "boolean":
        made.kind, made.value = "yesno", bool(value)
    elif schema.get("type") == "integer":
        made.kind, made.value = "number", "" if value is None else value
    elif schema.get("type") == "array" and schema.get("items", {}).get("type") == "string":
        made.kind, made.value = "list", ", ".join(value or ())
    elif schema.get("type") == "string":
        made.kind, made.value = "text", value or ""
    else:
        made.value = "" if value is None else json.dumps(value, ensure_ascii=False)
        made.help = _("As JSON, for example %(example)s", example=json.dumps(schema["examples"][0], ensure_ascii=False))
    return made


def _choices(role: str | None, schema: Mapping[str, Any], place: Place) -> list[tuple[str, str]] | None:
    snapshot = g.model.snapshot
    if "enum" in schema:
        return [(v, v) for v in schema["enum"]]
    if role == "object":
        return [(n, object_label(n)) for n in snapshot.of_kind("object")]
    if role == "relation":
        many = schema.get("x-many")
        return [(n, n) for n, r in sorted(relations_of(place).items()) if many is None or r.many == many]
    if role == "field":
        wanted = schema.get("x-types")
        return [(n, text) for n, text, kind in _typed_fields(place.object) if wanted is None or kind in wanted]
    if role in ("automation", "calendar"):
        return [(n, text_of(d.get("label"), language().code, n)) for n, d in snapshot.of_kind(role).items()]
    return None


def _typed_fields(owner: str | None) -> list[tuple[str, str, str]]:
    document = g.model.snapshot.get("object", owner or "") or {"fields": ()}
    return [(f["name"], field_label(owner, f["name"]), f["type"]) for f in document["fields"]]


def _fields(owner: str | None) -> list[tuple[str, str]]:
    if owner is None:
        return []
    return [(n, text) for n, text, _kind in _typed_fields(owner)] + [(n, field_label(owner, n)) for n in WRITABLE]


def _rows(values: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for name, value in values.items():
        text = formula_of(value)
        yield {"field": name, "kind": "formula" if text is not None else "value",
               "text": text if text is not None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}  # fmt: skip
    for _unused in range(BLANK_ROWS):
        yield {"field": "", "kind": "value", "text": ""}


def _texts(value: Any) -> dict[str, str]:
    return {"en": value, "zh": ""} if isinstance(value, str) else {"en": "", "zh": "", **(value or {})}


def trigger_controls(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the inputs of each trigger: those of its sort."""
    found = []
    owner = document.get("object")
    for number, trigger in enumerate(document.get("triggers", ())):
        controls = []
        for key in sorted(KEYS_OF[trigger["on"]]):
            name, value = f"t.{number}.{key}", trigger.get(key)
            made = Control(name, "text", word(key), "", "" if value is None else value, object=owner or "")
            if key == "field":
                made.kind, made.choices = "choice", _fields(owner)
            elif key in ("from", "to", "stages"):
                made.kind, made.value = "list", ", ".join("" if v is None else str(v) for v in value or ())
            elif key == "working_time":
                made.kind, made.value = "yesno", bool(value)
            elif key == "calendar":
                made.kind, made.choices = "choice", _choices("calendar", {}, _place(document)) or []
            elif key == "key":
                made.kind = "formula"
            elif key == "match":
                made.kind, made.rows, made.choices = "values", list(_rows(value or {})), _fields(owner)
            elif key == "label":
                made.kind, made.rows = "label", [_texts(value)]
            controls.append(made)
        found.append({"on": trigger["on"], "controls": controls})
    return found


# -- reading ------------------------------------------------------------------------------------------------------------


def read(form: MultiDict[str, str], base: Mapping[str, Any]) -> dict[str, Any]:
    """Return the automation that the form holds; keys that the form does not show stay as in ``base``.

    Raises :class:`BadInput`.
    """
    kept = {k: v for k, v in base.items() if k in ("kind", "name", "description", "was")}
    document: dict[str, Any] = {"kind": "automation", **kept}
    label = {k: v for k, v in (("en", form.get("label_en", "").strip()), ("zh", form.get("label_zh", "").strip())) if v}
    if label:
        document["label"] = label
    if form.get("object"):
        document["object"] = form["object"]
    document["triggers"] = _read_triggers(form, document.get("object"))
    if form.get("when", "").strip():
        document["when"] = form["when"].strip()
    for key, default in (("fires", "each_time"), ("run", "after"), ("on_error", "stop"), ("as", "")):
        if form.get(key, default) not in ("", default):
            document[key] = form[key]
    if form.get("order", "").strip() not in ("", "100"):
        document["order"] = _number(form["order"])
    if form.get("active") != "true":
        document["active"] = False
    document["steps"] = _read_steps(form, "s", Place(g.model.snapshot, document.get("object"), body=True))
    return document


def _read_triggers(form: MultiDict[str, str], owner: str | None) -> list[dict[str, Any]]:
    found = []
    number = 0
    while (on := form.get(f"t.{number}.on")) is not None:
        trigger: dict[str, Any] = {"on": on if on in KEYS_OF else "created"}
        for key in sorted(KEYS_OF[trigger["on"]]):
            value = _read_trigger_key(form, f"t.{number}.{key}", key)
            if value not in (None, "", [], {}, False):
                trigger[key] = value
        found.append(trigger)
        number += 1
    return found


def _read_trigger_key(form: MultiDict[str, str], name: str, key: str) -> Any:
    if key in ("from", "to"):
        return [_constant(v) for v in _listed(form.get(name, ""))]
    if key == "stages":
        return _listed(form.get(name, ""))
    if key == "working_time":
        return form.get(name) == "true"
    if key == "match":
        return _read_values(form, name)
    if key == "label":
        return _read_label(form, name)
    return form.get(name, "").strip()


def _read_steps(form: MultiDict[str, str], prefix: str, place: Place) -> list[dict[str, Any]]:
    found = []
    number = 0
    while (action_name := form.get(f"{prefix}.{number}.action")) is not None:
        at, action = f"{prefix}.{number}", actions().get(action_name)
        step: dict[str, Any] = {"name": form.get(f"{at}.name", "").strip(), "action": action_name}
        told: dict[str, Any] = {}
        for key in action.properties if action is not None else ():
            value = _read_key(form, action, key, f"{at}.with.{key}", place)
            if value not in (None, "", [], {}, False):
                told[key] = value
            elif key in action.required and action.properties[key].get("x-is") == "values":
                told[key] = {}
        if told:
            step["with"] = told
        found.append(step)
        number += 1
    return found


def _read_key(form: MultiDict[str, str], action: Action, key: str, name: str, place: Place) -> Any:
    schema = action.properties[key]
    role = schema.get("x-is")
    if role == "steps":
        return _read_steps(form, name.replace(".with.", "."), place)
    if role in ("values", "link_match"):
        return _read_values(form, name)
    if role in ("text", "label"):
        return _read_label(form, name)
    text = form.get(name, "").strip()
    if schema.get("type") == "boolean":
        return text == "true"
    if schema.get("type") == "integer":
        return _number(text) if text else None
    if schema.get("type") == "array" and schema.get("items", {}).get("type") == "string":
        return _listed(text)
    if schema.get("type") == "string" or "enum" in schema or not text:
        return text
    try:
        return json.loads(text)
    except ValueError:
        raise BadInput(_("“%(label)s” is not JSON.", label=word(key))) from None


def _read_values(form: MultiDict[str, str], name: str) -> dict[str, Any]:
    rows = zip(form.getlist(f"{name}.field"), form.getlist(f"{name}.kind"), form.getlist(f"{name}.text"), strict=False)
    return {
        f: {"formula": text.strip()} if kind == "formula" else _constant(text.strip()) for f, kind, text in rows if f
    }


def _read_label(form: MultiDict[str, str], name: str) -> Any:
    texts = {k: form.get(f"{name}.{k}", "").strip() for k in ("en", "zh")}
    found = {k: v for k, v in texts.items() if v}
    return found


def _constant(text: str) -> Any:
    """Return what a person means by a value: true, false, a list; everything else is a text that the field reads."""
    if text == "":
        return None
    if text in ("true", "false") or text[:1] in "[{":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise BadInput(_("“%(text)s” is no whole number.", text=text[:40])) from None


# -- changing -----------------------------------------------------------------------------------------------------------


def change(document: dict[str, Any], what: str, add: Mapping[str, str]) -> dict[str, Any]:
    """Return the document after a button of the form: ``add:<place>``, ``up:<step>``, ``down:<step>``, ``remove:<step>``,
    ``add_trigger``, ``remove_trigger:<n>``, ``show``. ``add`` holds the action chosen for each place."""
    verb, _colon, at = what.partition(":")
    document = json.loads(json.dumps(document))
    if verb == "add_trigger":
        document["triggers"].append({"on": "created"})
    elif verb == "remove_trigger" and at.isdigit() and int(at) < len(document["triggers"]):
        del document["triggers"][int(at)]
    elif verb == "add":
        action = actions().get(add.get(f"add.{at}", ""))
        if action is not None:
            _list_at(document, at).append({"name": _free_name(document, action.name), "action": action.name})
    elif verb in ("up", "down", "remove"):
        parent, _dot, last = at.rpartition(".")
        listed, index = _list_at(document, parent), int(last) if last.isdigit() else -1
        if 0 <= index < len(listed):
            step = listed.pop(index)
            if verb != "remove":
                listed.insert(max(0, index - 1) if verb == "up" else index + 1, step)
    return document


def _list_at(document: dict[str, Any], at: str) -> list[Any]:
    """Return the list of steps at a place: the document's (empty), or ``0.then`` of a step."""
    listed: list[Any] = document["steps"]
    parts = at.split(".") if at else []
    for index, key in zip(parts[::2], parts[1::2], strict=False):
        if not index.isdigit() or int(index) >= len(listed) or key not in LISTS:
            return []
        listed = listed[int(index)].setdefault("with", {}).setdefault(key, [])
    return listed


def _free_name(document: Mapping[str, Any], wanted: str) -> str:
    used = {step["name"] for step in _all(document["steps"])}
    numbers = (wanted if n == 1 else f"{wanted}_{n}" for n in range(1, 1000))
    return next(name for name in numbers if name not in used)


def _all(steps: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for step in steps:
        yield step
        for key in LISTS:
            yield from _all(step.get("with", {}).get(key, ()))


def offered(place: str, before: bool) -> list[tuple[str, str]]:
    """Return the actions that may be added at a place."""
    return [(n, action_label(a)) for n, a in actions().items() if not before or a.before]

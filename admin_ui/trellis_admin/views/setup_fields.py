"""Setup: changing a field of an object: labels, help, required, conditions, default, formula."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, request
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from trellis.fields import field_types
from trellis_admin.i18n import language
from trellis_admin.reading import object_model
from trellis_admin.session import needs_admin
from trellis_admin.setup_documents import label
from trellis_admin.views.drafts import review, step
from trellis_admin.views.setup_rules import document_of
from trellis_metadata.field_checks import CONDITIONS, is_formula
from trellis_metadata.labels import text_of

TEXTS = ("label", "label_zh", "help", "help_zh", "default", "default_formula", "formula", *CONDITIONS)
ORDER = ("name", "type", "label", "help", "description", "required", *CONDITIONS, "unique", "default")


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/setup/objects/<name>/fields/<field>", "edit_field", edit)
    blueprint.add_url_rule("/setup/objects/<name>/fields/<field>", "change_field", change, methods=["POST"])


def _field(name: str, field: str) -> Mapping[str, Any]:
    found = next((f for f in document_of(name)["fields"] if f["name"] == field), None)
    if found is None:
        raise NotFound
    return found


@needs_admin
def edit(name: str, field: str) -> Response:
    """The form of a field with what its document says."""
    doc = _field(name, field)
    default = doc.get("default")
    constant = "" if default is None or is_formula(default) else default
    values = {
        **_pair("label", doc.get("label", "")),
        **_pair("help", doc.get("help", "")),
        "required": "true" if doc.get("required") else "",
        "default": constant if isinstance(constant, str) else json.dumps(constant, ensure_ascii=False),
        "default_formula": default["formula"] if is_formula(default) else "",
        **{key: doc.get(key, "") for key in (*CONDITIONS, "formula")},
    }
    return _form(name, doc, values)


def _pair(key: str, text: Any) -> dict[str, str]:
    both = text if isinstance(text, Mapping) else {"en": text}
    return {key: both.get("en", ""), f"{key}_zh": both.get("zh", "")}


def _form(
    name: str, doc: Mapping[str, Any], values: Mapping[str, str], errors: Sequence[str] = (), status: int = 200
) -> Response:
    spec = field_types()[doc["type"]]
    return step(
        "parts/setup_field_edit.html",
        text_of(doc.get("label"), language().code, doc["name"]),
        status,
        object_name=name,
        field=doc,
        form=values,
        errors=errors,
        spec=spec,
        kind_label=text_of(spec.label, language().code, doc["type"]),
        url=f"/setup/objects/{name}/fields/{doc['name']}",
    )


@needs_admin
def change(name: str, field: str) -> Response:
    """Make the object's document with the changed field and show what publishing it would do."""
    doc, document = _field(name, field), document_of(name)
    form = {k: request.form.get(k, "").strip() for k in TEXTS}
    form["required"] = "true" if request.form.get("required") == "true" else ""
    if not (form["label"] or form["label_zh"]):
        return _form(name, doc, form, [_("Give the field a label.")], 422)
    made = changed_field(doc, form, object_model(name).fields[field].type.computed)
    fields = [made if f["name"] == field else f for f in document["fields"]]
    return review(
        [{**document, "fields": fields}],
        f"/setup/objects/{name}",
        lambda problems: _form(name, doc, form, problems, 422),
    )


def changed_field(doc: Mapping[str, Any], form: Mapping[str, str], computed: bool) -> dict[str, Any]:
    """Return the field's document as the form says; keys that the form does not have stay."""
    keys = ("visible_when",) if computed else ("required", "default", *CONDITIONS)
    made = {k: v for k, v in doc.items() if k not in ("label", "help", *keys)}
    made["label"] = label(form["label"], form["label_zh"])
    if form["help"] or form["help_zh"]:
        made["help"] = label(form["help"], form["help_zh"])
    made.update({k: form[k] for k in CONDITIONS if form[k] and k in keys})
    if "formula" in doc and form["formula"]:
        made["formula"] = form["formula"]
    if not computed:
        made.update({"required": True} if form["required"] else {})
        default = _default(doc, form)
        made.update({} if default is None else {"default": default})
    return {k: made[k] for k in (*ORDER, *made) if k in made}


def _default(doc: Mapping[str, Any], form: Mapping[str, str]) -> Any:
    if form["default_formula"]:
        return {"formula": form["default_formula"]}
    text = form["default"]
    if not text:
        return None
    category = field_types()[doc["type"]].category
    if category in ("boolean", "choices", "opaque") or doc["type"] in ("integer", "rating") or text[0] in "{[":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text

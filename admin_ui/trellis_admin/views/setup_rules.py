"""Setup: the validation rules of an object. Adding, changing and removing one is reviewed and published like any change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from trellis_admin.i18n import language
from trellis_admin.reading import object_model
from trellis_admin.session import needs_admin
from trellis_admin.setup_documents import api_name, label
from trellis_admin.views.drafts import review, step

KEYS = ("name", "when", "at", "message", "message_zh")


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/setup/objects/<name>/rules/new", "rule_form", new_rule)
    blueprint.add_url_rule("/setup/objects/<name>/rules/new", "draft_rule", draft, methods=["POST"])
    blueprint.add_url_rule("/setup/objects/<name>/rules/<rule>", "edit_rule", edit_rule)
    blueprint.add_url_rule("/setup/objects/<name>/rules/<rule>", "change_rule", draft, methods=["POST"])


def document_of(name: str) -> Mapping[str, Any]:
    """Return an object's document as it is written, without the texts of translations, or answer 404."""
    object_model(name)
    found = g.model.snapshot.get("object", name)
    if found is None:
        raise NotFound
    return found


@needs_admin
def new_rule(name: str) -> Response:
    """The form of a new rule."""
    document_of(name)
    return _form(name, "", dict.fromkeys(KEYS, ""))


@needs_admin
def edit_rule(name: str, rule: str) -> Response:
    """The form of an existing rule."""
    found = next((r for r in document_of(name).get("validation", ()) if r["name"] == rule), None)
    if found is None:
        raise NotFound
    message = found["message"]
    texts = message if isinstance(message, Mapping) else {"en": message}
    values = {**found, "message": texts.get("en", ""), "message_zh": texts.get("zh", "")}
    return _form(name, rule, {k: values.get(k, "") for k in KEYS})


def _form(name: str, rule: str, values: Mapping[str, str], errors: Sequence[str] = (), status: int = 200) -> Response:
    root = object_model(name)
    places = [(f.name, f.label(language().code)) for f in root.fields.values()]
    title = _("Validation rule") if rule else _("New validation rule")
    url = f"/setup/objects/{name}/rules/{rule or 'new'}"
    return step(
        "parts/setup_rule_form.html",
        title,
        status,
        object_name=name,
        rule=rule,
        form=values,
        errors=errors,
        places=places,
        url=url,
    )


@needs_admin
def draft(name: str, rule: str = "") -> Response:
    """Make the object's document with the rule, or without it, and show what publishing it would do."""
    document = document_of(name)
    form = {k: request.form.get(k, "").strip() for k in KEYS}
    rules = [dict(r) for r in document.get("validation", ())]
    if "remove" in request.form:
        return _review(name, document, [r for r in rules if r["name"] != rule], rule, form)
    if not form["when"] or not (form["message"] or form["message_zh"]):
        return _form(name, rule, form, [_("Give the rule a formula and a message.")], 422)
    made_name = rule or form["name"] or api_name(form["message"] or form["message_zh"])
    if not rule and any(r["name"] == made_name for r in rules):
        return _form(name, rule, form, [_("A rule called “%(name)s” exists already.", name=made_name)], 422)
    made = {"name": made_name, "when": form["when"], "message": label(form["message"], form["message_zh"])}
    if form["at"]:
        made["at"] = form["at"]
    changed = [made if r["name"] == rule else r for r in rules] if rule else [*rules, made]
    return _review(name, document, changed, rule, form)


def _review(
    name: str, document: Mapping[str, Any], rules: list[dict[str, Any]], rule: str, form: Mapping[str, str]
) -> Response:
    changed = {k: v for k, v in document.items() if k != "validation"} | ({"validation": rules} if rules else {})
    ordered = {k: changed[k] for k in (*document, "validation") if k in changed}
    return review([ordered], f"/setup/objects/{name}", lambda problems: _form(name, rule, form, problems, 422))

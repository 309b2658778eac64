"""Setup: settings of plug-ins. Each group is a form made of its declaration; a secret is replaced and never shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from trellis import plugin_settings
from trellis.plugin_settings import BadSettings, SettingField, SettingsGroup
from trellis_admin.i18n import language
from trellis_admin.page import go, render
from trellis_admin.session import needs_admin
from trellis_admin.setup_pages import SetupPage
from trellis_metadata.errors import TrellisError
from trellis_metadata.labels import text_of

HOME = "/setup/settings"


def setup_pages() -> Iterator[SetupPage]:
    """What the setup shows of this module."""
    yield SetupPage(
        "connections",
        10,
        _("Mail and connections"),
        "/setup/settings",
        "plug-connected",
        _("Mail, chat, file stores and other systems."),
    )


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule(HOME, "settings_groups", groups)
    blueprint.add_url_rule(f"{HOME}/<name>", "settings_group", show)
    blueprint.add_url_rule(f"{HOME}/<name>", "save_settings", save, methods=["POST"])
    blueprint.add_url_rule(f"{HOME}/<name>/test", "test_settings", test, methods=["POST"])


@needs_admin
def groups() -> Response:
    """All groups."""
    code = language().code
    found = [
        {
            "url": f"{HOME}/{n}",
            "icon": x.icon,
            "label": text_of(x.label, code),
            "description": text_of(x.description, code),
        }
        for n, x in sorted(plugin_settings.settings_groups().items())
    ]
    return render("pages/setup_settings.html", groups=found)


@needs_admin
def show(name: str) -> Response:
    """The form of one group."""
    return _page(_group(name), plugin_settings.values_of(g.tenant, name))


@needs_admin
def save(name: str) -> Response:
    """Store what was sent. An empty secret keeps the one that is there."""
    group = _group(name)
    sent = {f.name: _read(f) for f in group.fields if f.type != "secret"}
    secrets: dict[str, str | None] = {}
    for f in group.fields:
        if f.type == "secret" and request.form.get(f"forget_{f.name}"):
            secrets[f.name] = None
        elif f.type == "secret" and request.form.get(f.name):
            secrets[f.name] = request.form[f.name]
    try:
        plugin_settings.change_settings(g.tenant, name, {**sent, **secrets})
    except BadSettings as problem:
        told = {n: text_of(t, language().code) for n, t in problem.details["problems"]}
        return _page(group, sent, errors=told, status=422)
    return go(f"{HOME}/{name}", _("Saved."))


@needs_admin
def test(name: str) -> Response:
    """Try the stored settings out and tell what came of it."""
    group = _group(name)
    if group.test is None:
        raise NotFound
    try:
        outcome, good = group.test(g.tenant, _own_address()), True
    except TrellisError as problem:
        outcome, good = problem.message, False
    return _page(group, plugin_settings.values_of(g.tenant, name), outcome=(good, outcome))


def _group(name: str) -> SettingsGroup:
    if name not in plugin_settings.settings_groups():
        raise NotFound
    return plugin_settings.group_of(name)


def _own_address() -> str | None:
    owner = g.model.object("user")
    query = sa.select(owner.fields["email"].column).where(owner.table.c.id == g.person.user)
    with g.tenant.database.reading() as connection:
        found: str | None = connection.execute(query).scalar()
    return found


def _read(field: SettingField) -> Any:
    text = request.form.get(field.name, "").strip()
    if field.type == "boolean":
        return text == "true"
    if field.type == "number":
        return int(text) if text.lstrip("-").isdigit() and len(text) < 12 else text or field.default
    if field.type == "lines":
        return [line.strip() for line in text.splitlines() if line.strip()]
    return text


def _page(
    group: SettingsGroup,
    values: Mapping[str, Any],
    *,
    errors: Mapping[str, str] | None = None,
    outcome: tuple[bool, str] | None = None,
    status: int = 200,
) -> Response:
    code, errors = language().code, errors or {}
    with g.tenant.database.reading() as connection:
        given = plugin_settings.secrets_given(connection, group.name)
    fields = [
        {
            "name": f.name,
            "type": f.type,
            "label": text_of(f.label, code),
            "help": text_of(f.help, code) if f.help else "",
            "choices": [(n, text_of(label, code)) for n, label in f.choices],
            "value": "\n".join(values[f.name] or ()) if f.type == "lines" else values.get(f.name),
            "given": f.name in given,
            "error": errors.get(f.name, ""),
        }
        for f in group.fields
    ]
    return render(
        "pages/setup_settings_group.html",
        status,
        name=group.name,
        label=text_of(group.label, code),
        description=text_of(group.description, code),
        glyph=group.icon,
        fields=fields,
        errors=errors,
        general=errors.get(""),
        test_label=text_of(group.test_label, code) if group.test is not None else "",
        outcome=outcome,
    )

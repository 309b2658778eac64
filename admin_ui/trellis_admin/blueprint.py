"""Puts the UI into a Flask application: one blueprint whose views are found in the folder ``views``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Flask

from trellis.runtime import Runtime, UnknownTenant
from trellis.tenant import Tenant
from trellis_admin import assets, environment, errors, i18n, security, session


@dataclass(frozen=True)
class Ui:
    """What the views may ask of the application."""

    assets: assets.Assets
    tenant: Callable[[], Tenant]


def create_blueprint(runtime: Runtime, *, tenant: str | None = None) -> Blueprint:
    """Return the UI of one tenant of ``runtime``.

    ``tenant`` names it; without it the runtime's only (or first) tenant is served. The application needs a ``secret_key``,
    which signs the token of forms.
    """
    blueprint = Blueprint("trellis_admin", __name__, template_folder="templates")
    ui = Ui(assets.Assets(), lambda: _tenant(runtime, tenant))
    blueprint.record_once(lambda state: _install(state.app, ui))
    blueprint.before_request(ui.assets.refresh)
    blueprint.before_request(session.load_person)
    blueprint.before_request(security.check_csrf)
    blueprint.after_request(session.note_views)
    errors.install(blueprint)
    blueprint.add_url_rule(f"{assets.URL}/<path:name>", "asset", assets.serve)
    for module in _views():
        module.install(blueprint)
    return blueprint


def _install(app: Flask, ui: Ui) -> None:
    app.extensions["trellis_admin"] = ui
    app.config.setdefault("WTF_CSRF_TIME_LIMIT", None)
    environment.install(app, ui.assets)
    i18n.install(app)


def _views():
    package = importlib.import_module("trellis_admin.views")
    return [
        importlib.import_module(f"{package.__name__}.{info.name}")
        for info in pkgutil.iter_modules(package.__path__)
        if not info.name.startswith("_")
    ]


def _tenant(runtime: Runtime, name: str | None) -> Tenant:
    names = [name] if name else runtime.names()
    if not names:
        raise UnknownTenant("There is no tenant yet. Make one with `trellis tenant create`.")
    return runtime.tenant(names[0])

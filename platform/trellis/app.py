"""The WSGI application: the REST API, and the web UI when its package is installed."""

from __future__ import annotations

import importlib
import importlib.util
import os
import secrets

from flask import Flask

from trellis.api import create_api
from trellis.api.late_rules import LateRule
from trellis.api.limits import RateLimits, limit_requests
from trellis.api.page_sessions import PageSessions
from trellis.key_files import key_of
from trellis.runtime import Runtime

MAX_BODY = 64 * 1024 * 1024
HOSTS = "TRELLIS_HOSTS"
"""The setting with the names under which the server may be called, with commas; a leading dot stands for all below. Not set: any."""


def create_app(runtime: Runtime, *, default_tenant: str | None = None, rate_limits: RateLimits | None = None) -> Flask:
    """Return the application over ``runtime``. ``default_tenant`` answers requests that name none.

    Without ``rate_limits`` nothing is limited.
    """
    app = Flask("trellis", static_folder=None)
    app.url_rule_class = LateRule
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    hosts = [h.strip() for h in os.environ.get(HOSTS, "").split(",") if h.strip()]
    if hosts:
        app.config["TRUSTED_HOSTS"] = hosts
    app.secret_key = _secret(runtime)
    app.session_interface = PageSessions()
    app.extensions["trellis"] = runtime
    app.config["TRELLIS_TENANT"] = default_tenant
    api = create_api(runtime, default_tenant)
    app.register_blueprint(api)
    # The UI stands above the runtime and is found by name, so that imports go one way.
    if importlib.util.find_spec("trellis_admin.blueprint"):
        app.register_blueprint(
            importlib.import_module("trellis_admin.blueprint").create_blueprint(runtime, tenant=default_tenant)
        )
    if rate_limits is not None:
        limit_requests(app, api, runtime, rate_limits)
    return app


def _secret(runtime: Runtime) -> str:
    """Return the key that signs form tokens; it lives beside the data, made at the first start."""
    return key_of(runtime.home / "keys" / "app.key", lambda: secrets.token_urlsafe(48).encode()).decode()

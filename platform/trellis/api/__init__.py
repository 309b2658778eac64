"""The REST API, ``/api/v1``."""

from __future__ import annotations

import importlib
import pkgutil

from flask import Blueprint

from trellis import plugins
from trellis.api import errors
from trellis.api.context import Api
from trellis.runtime import Runtime


def create_api(runtime: Runtime, default_tenant: str | None = None) -> Blueprint:
    """Return the API's blueprint. Each module of this package with ``install(blueprint, api)`` adds its routes."""
    blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
    api = Api(runtime, default_tenant)
    errors.install(blueprint)
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        if module is not errors and hasattr(module, "install"):
            module.install(blueprint, api)
    for _ in plugins.call("trellis_install_api", blueprint=blueprint, api=api):
        pass
    return blueprint

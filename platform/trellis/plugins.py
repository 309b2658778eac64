"""Finds plug-ins: those that are shipped, by name, and those of the entry-point group ``trellis.plugins``."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from functools import cache
from importlib.metadata import entry_points

import pluggy

from trellis.hookspecs import Specifications

GROUP = "trellis.plugins"
SHIPPED = "trellis_plugins"


@cache
def manager() -> pluggy.PluginManager:
    """Return the plug-ins of this installation, loaded once. A name that stands twice is an error of pluggy's."""
    found = pluggy.PluginManager("trellis")
    found.add_hookspecs(Specifications)
    for name in _shipped():
        # The shipped plug-ins stand above the platform and are found by name, so that imports go one way.
        found.register(importlib.import_module(name), name=name)
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        if point.value not in _shipped():
            found.register(point.load(), name=point.name)
    return found


def _shipped() -> list[str]:
    spec = importlib.util.find_spec(SHIPPED)
    if spec is None or spec.submodule_search_locations is None:
        return []
    folders = [i.name for i in pkgutil.iter_modules(spec.submodule_search_locations) if i.ispkg]
    return [f"{SHIPPED}.{n}.plugin" for n in folders if importlib.util.find_spec(f"{SHIPPED}.{n}.plugin")]

"""Finds the renderer of a field type."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from trellis_admin.renderers.base import NIL, RenderContext, Renderer

Compile = Callable[[Mapping[str, Any], RenderContext], Renderer]
_SHARED = ("base", "registry", "cells")
_FALLBACK = "text"


@cache
def renderers() -> Mapping[str, Compile]:
    """Return the compile function of each field type. Two files for one type are an error that names both."""
    found: dict[str, Compile] = {}
    place: dict[str, str] = {}
    package = importlib.import_module("trellis_admin.renderers")
    for info in pkgutil.iter_modules(package.__path__):
        if info.name in _SHARED:
            continue
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        for name in module.TYPES:
            if name in found:
                raise RuntimeError(f"Field type '{name}' is rendered by both {place[name]} and {module.__file__}")
            found[name], place[name] = module.compile, module.__file__ or info.name
    return found


def renderer_for(field: Mapping[str, Any], context: RenderContext) -> Renderer:
    """Return the renderer of one field; a type that the UI does not know is shown as text."""
    known = renderers()
    kind = field.get("result") or field["type"]
    # A renderer of several types asks which one it has: for a computed field that is the type of its values.
    return known.get(kind, known[_FALLBACK])(field if kind == field["type"] else {**field, "type": kind}, context)


def render_value(field: Mapping[str, Any], value: Any, context: RenderContext) -> str:
    """Render one value, null included."""
    return NIL if value is None or value == [] else renderer_for(field, context)(value)

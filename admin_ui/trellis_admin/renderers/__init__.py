"""How values look in lists and on record pages: one file per category of values, found by discovery.

A module names the field types it renders in ``TYPES`` and has ``compile(field, context)``, which returns a function from a
JSON value (never null) to escaped HTML. It is called once per column and request; the function runs once per cell. Whatever
comes from data is escaped here, and only http, https, mailto and tel addresses become links.
"""

from trellis_admin.renderers.base import RenderContext, Renderer
from trellis_admin.renderers.cells import Column, columns
from trellis_admin.renderers.registry import render_value, renderer_for

__all__ = ["Column", "RenderContext", "Renderer", "columns", "render_value", "renderer_for"]

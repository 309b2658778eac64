"""The platform's own tables, one module per group. :func:`load` imports them all: a new group is a new file here."""

from __future__ import annotations

import importlib
import pkgutil


def load() -> None:
    """Import every module of this package, so that :data:`trellis.storage.tables.base.metadata` knows all tables."""
    package = importlib.import_module(__name__)
    for info in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{__name__}.{info.name}")

"""Which documents have schedules: one module per kind here with a ``SOURCE``; plug-ins give theirs by the hook
``trellis_schedules``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from trellis import plugins
from trellis.jobs.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Source:
    """``schedules`` returns those of one document of the kind."""

    kind: str
    schedules: Callable[[Mapping[str, Any]], Iterable[Schedule]]


@cache
def sources() -> Mapping[str, Source]:
    """Return the sources by kind. Two for one kind are an error that names both places."""
    found: dict[str, Source] = {}
    places: dict[str, str] = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        found[module.SOURCE.kind], places[module.SOURCE.kind] = module.SOURCE, str(module.__file__)
    plugins.add_given(
        "trellis_schedules", found, places, lambda s: s.kind, lambda told: RuntimeError(f"The schedules of {told}")
    )
    return found

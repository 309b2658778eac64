"""What is done about each topic of the outbox: one module per topic, with ``TOPIC``, ``KEEP`` and ``handle(job)``.

``KEEP`` says whether finished rows stay, to be shown as finished jobs; the others vanish.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from trellis import plugins
from trellis.jobs.job import Job


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic's handler. ``handle`` may run again after a failure or a crash."""

    name: str
    keep: bool
    handle: Callable[[Job], None]


@cache
def topics() -> Mapping[str, Topic]:
    """Return the handlers by topic, found in this folder. Two for one topic are an error that names both."""
    found: dict[str, Topic] = {}
    places: dict[str, str] = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        name = module.TOPIC
        if name in found:
            raise RuntimeError(f"Topic '{name}' is handled by both {places[name]} and {module.__file__}.")
        found[name], places[name] = Topic(name, module.KEEP, module.handle), str(module.__file__)
    plugins.add_given("trellis_topics", found, places, lambda t: t.name, lambda told: RuntimeError(f"The topic {told}"))
    return found

"""The pages of the setup: each view module tells of its own by ``setup_pages()``; here they are found and put in groups."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from flask_babel import gettext as _

GROUPS = ("data", "process", "people", "connections", "system")
"""The groups, in their order."""


@dataclass(frozen=True)
class SetupPage:
    """A page of the setup: the group it stands in, its place there, what it is called, and what it is for."""

    group: str
    place: int
    label: str
    url: str
    icon: str
    about: str


@dataclass(frozen=True)
class SetupGroup:
    """Pages that belong together."""

    name: str
    label: str
    pages: Sequence[SetupPage]


def setup_groups() -> list[SetupGroup]:
    """Return the groups with their pages, in the language of the request."""
    found = sorted((page for tell in _tellers() for page in tell()), key=lambda p: (p.place, p.url))
    labels = {
        "data": _("Data"),
        "process": _("Process"),
        "people": _("People"),
        "connections": _("Connections"),
        "system": _("Operations"),
    }
    groups = [SetupGroup(name, labels[name], [p for p in found if p.group == name]) for name in GROUPS]
    return [group for group in groups if group.pages]


@cache
def _tellers() -> tuple[Callable[[], Iterable[SetupPage]], ...]:
    return tuple(_found())


def _found() -> Iterator[Callable[[], Iterable[SetupPage]]]:
    package = importlib.import_module("trellis_admin.views")
    for info in pkgutil.iter_modules(package.__path__):
        tell = getattr(importlib.import_module(f"{package.__name__}.{info.name}"), "setup_pages", None)
        if tell is not None:
            yield tell

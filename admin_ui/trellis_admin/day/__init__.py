"""What a person's day holds: sections from sources found in this folder, shown on the start page.

A source is a module with ``ORDER`` and ``sections()``, which returns what there is for the person at the other end; a section
without items is not shown. Whatever asks for people's attention adds a module.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol


@dataclass(frozen=True)
class Item:
    """One thing to do or to look at. ``hint`` is when or why; ``late`` marks what should be done already; ``tick_url`` makes it done."""

    title: str
    url: str
    icon: str
    color: str
    kind: str
    hint: str
    late: bool = False
    tick_url: str = ""


@dataclass(frozen=True)
class Section:
    """Items under a heading. ``more``: there are others that are not shown."""

    label: str
    items: Sequence[Item]
    more: bool = False


class Source(Protocol):
    """What a module of this folder offers."""

    ORDER: int

    def sections(self) -> Sequence[Section]: ...


@cache
def sources() -> Sequence[Source]:
    """Return the sources in their order."""
    modules = [importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__)]
    return sorted((m for m in modules if hasattr(m, "sections")), key=lambda m: m.ORDER)


def day() -> list[Section]:
    """Return everything that is there for the person."""
    return [section for source in sources() for section in source.sections() if section.items]

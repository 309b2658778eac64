"""What an examination finds."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection

if TYPE_CHECKING:
    from trellis.tenant import Tenant


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something that is not as it should be. ``count`` says how many of it; ``remedy`` what to do."""

    subject: str
    message: str
    remedy: str
    count: int = 1

    def to_json(self) -> dict[str, object]:
        return asdict(self)


Examination = Callable[["Tenant", Connection], Iterable[Complaint]]
Repair = Callable[["Tenant"], int]


@cache
def examinations() -> Mapping[str, Examination]:
    """Return all examinations by name, found by discovery."""
    return _named("check")


@cache
def repairs() -> Mapping[str, Repair]:
    """Return what the examinations can mend by themselves, by their names. A repair says how many records it mended."""
    return _named("repair")


def _named(function: str) -> dict[str, Any]:
    package = importlib.import_module("trellis.cli.checks")
    found: dict[str, Any] = {}
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda i: i.name):
        made = getattr(importlib.import_module(f"{package.__name__}.{info.name}"), function, None)
        if made is not None:
            found[info.name] = made
    return found

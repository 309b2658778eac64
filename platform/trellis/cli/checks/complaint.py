"""What an examination finds."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING

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


@cache
def examinations() -> Mapping[str, Examination]:
    """Return all examinations by name, found by discovery."""
    package = importlib.import_module("trellis.cli.checks")
    found: dict[str, Examination] = {}
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda i: i.name):
        examine = getattr(importlib.import_module(f"{package.__name__}.{info.name}"), "check", None)
        if examine is not None:
            found[info.name] = examine
    return found

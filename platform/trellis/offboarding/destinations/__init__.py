"""Where records can go: one module per destination, found by itself, with a ``DESTINATION``.

A destination names the users who receive; several of them take turns. Pools and the like are added as further modules.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.engine import Connection

from trellis.model import Model

if TYPE_CHECKING:
    from trellis.tenant import Tenant


@dataclass(frozen=True, slots=True)
class Leaver:
    """Who leaves, and where that is looked up."""

    tenant: Tenant
    connection: Connection
    model: Model
    user: int


class Destination(Protocol):
    """``argument`` says what stands beside the name: ``user``, ``group``, or None for nothing."""

    name: str
    label: Mapping[str, str]
    argument: str | None

    def receivers(self, leaver: Leaver, value: str | None) -> Sequence[int]:
        """Return who receives, in the order of turns; nobody where the rule names nobody."""
        ...


@cache
def destinations() -> Mapping[str, Destination]:
    """Return the destinations by name. Two of one name are an error that names both modules."""
    found: dict[str, Destination] = {}
    places: dict[str, str] = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        one = module.DESTINATION
        if one.name in found:
            raise RuntimeError(f"Destination '{one.name}' is defined by both {places[one.name]} and {module.__file__}.")
        found[one.name], places[one.name] = one, str(module.__file__)
    return found

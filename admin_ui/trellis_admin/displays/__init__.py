"""The ways in which the records of a list are shown: one module each, found in this folder.

A module has ``NAME`` (as in list views and addresses), ``ORDER``, ``ICON``, ``label()``, ``suits(root)`` (whether the object
has the fields for it) and ``fill(shown)``, which returns what its template ``displays/<NAME>.html`` needs. The list itself is
the page's own and always there.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

from trellis.model import ObjectModel
from trellis_admin.shown import LIST, Shown


class Display(Protocol):
    """What a module of this folder offers."""

    NAME: str
    ORDER: int
    ICON: str

    def label(self) -> str: ...

    def suits(self, root: ObjectModel) -> bool: ...

    def fill(self, shown: Shown) -> dict[str, Any]: ...


@cache
def displays() -> Mapping[str, Display]:
    """Return the displays by name, in the order in which they are offered. Two of one name are an error that names both."""
    found: dict[str, Any] = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        if not hasattr(module, "NAME"):
            continue
        if module.NAME in found:
            raise RuntimeError(
                f"Display '{module.NAME}' is in both {found[module.NAME].__file__} and {module.__file__}."
            )
        found[module.NAME] = module
    return dict(sorted(found.items(), key=lambda entry: entry[1].ORDER))


def display_for(shown: Shown) -> Display | None:
    """Return the display that the list asks for; None for the list itself, also where the object has not the fields."""
    found = displays().get(shown.shape) if shown.shape != LIST else None
    return found if found is not None and found.suits(shown.root) else None


def offered(shown: Shown) -> list[tuple[str, str, str, bool]]:
    """Return name, label, icon of every way to show the object's records, and whether it is the one on screen."""
    from flask_babel import gettext as _

    chosen = display_for(shown)
    here = chosen.NAME if chosen else LIST
    made = [(LIST, _("List"), "list", here == LIST)]
    return made + [(d.NAME, d.label(), d.ICON, here == d.NAME) for d in displays().values() if d.suits(shown.root)]

"""What an action is, and how actions are found: one module in ``actions/`` is one action; plug-ins add theirs.

The keys that an action is told are a JSON Schema ``properties`` mapping. A key whose schema says ``x-is`` is checked,
compiled and shown in the builder by itself:

===========  ==========================================================================================================
``formula``  an expression; ``x-returns`` names the type it must have (``boolean``, ``text``, ``number`` … or nothing)
``values``   field → constant or ``{"formula": …}``; the fields are those of the object that the key ``x-object`` names,
             of the related object (``x-scope: related``), or of the record
``text``     a text for people, per language, with ``{!formula}`` inside
``steps``    steps; with ``x-scope: related`` they are done for related records
``relation`` a lookup or list of the record (``x-many``: only a list)
``field``    a field of the record; ``x-types`` names the field types that will do
``people``   people named by rule
===========  ==========================================================================================================

``x-scope: related`` lets formulas see the related record that the key ``related`` leads to.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from trellis import plugins
from trellis.automation.related import relation_of
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.automation.flow import Case, Flow
    from trellis.automation.place import Place, Shape
    from trellis.automation.step import Step
    from trellis_metadata.diagnostics import Diagnostic

Told = Mapping[str, Any]
"""What a step tells its action: the value of its key ``with``."""


class DuplicateAction(TrellisError):
    """Two modules or plug-ins define an action of the same name."""

    code = "duplicate_action"


class Action:
    """One thing that a step can do. Subclasses set the class attributes and implement :meth:`run`."""

    name: ClassVar[str]
    label: ClassVar[Mapping[str, str]]
    description: ClassVar[Mapping[str, str]] = {}
    icon: ClassVar[str] = "bolt"
    properties: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    required: ClassVar[tuple[str, ...]] = ()
    before: ClassVar[bool] = False
    """Whether it may stand in an automation that runs before the record is stored."""
    needs_record: ClassVar[bool] = True

    def check(self, told: Told, at: str, place: Place) -> Iterable[Diagnostic]:
        """Yield what is wrong with ``told`` (at the pointer ``at``) beyond what its schema says."""
        return ()

    def shape(self, told: Told, place: Place) -> Shape | None:
        """Return what the step leaves for later ones; None: nothing."""
        return None

    def run(self, flow: Flow, step: Step, cases: Sequence[Case]) -> None:
        """Do it for all ``cases`` together. What cannot be done fails its case (``case.fail(message)``).

        The statements that it sends do not grow with the number of cases.
        """
        raise NotImplementedError

    def place_of(self, key: str, told: Told, place: Place) -> Place:
        """Return the place from which formulas under ``key`` look."""
        if self.properties[key].get("x-scope") != "related" or "related" not in told:
            return place
        found = relation_of(place, told["related"])
        return place if found is None else place.inside(found.object)


@cache
def actions() -> Mapping[str, Action]:
    """Return every action by name. Two of one name are a start-up error that names both."""
    from trellis.automation import actions as folder

    found: dict[str, Action] = {}
    places: dict[str, str] = {}
    for info in pkgutil.iter_modules(folder.__path__):
        module = importlib.import_module(f"{folder.__name__}.{info.name}")
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, Action) and kind.__module__ == module.__name__ and "name" in vars(kind):
                if kind.name in found:
                    raise DuplicateAction(
                        f"Action '{kind.name}' is defined in {places[kind.name]} and {module.__file__}."
                    )
                found[kind.name], places[kind.name] = kind(), str(module.__file__)
    plugins.add_given(
        "trellis_actions", found, places, lambda a: a.name, lambda told: DuplicateAction(f"Action {told}")
    )
    return dict(sorted(found.items()))

"""What ``import`` gives: read-only facades of five modules, never the modules. One file per module, found by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trellis_plugins.scripts.jail.attributes import Attributes

if TYPE_CHECKING:
    from trellis_plugins.scripts.jail.guards import Guards


class ModuleFacade(Attributes):
    """A module as scripts see it."""

    __slots__ = ("_names", "name")
    SCRIPT_NAME = "module"

    def __init__(self, name: str, names: dict[str, Any]) -> None:
        self.name, self._names = name, names

    def attribute(self, name: str) -> Any:
        if name in self._names:
            return self._names[name]
        raise AttributeError(
            f"module '{self.name}' has no '{name}' in scripts. There are: {', '.join(sorted(self._names))}"
        )


def module(name: str, guards: Guards) -> ModuleFacade:
    """Return the facade of the module called ``name`` for one run."""
    from trellis_plugins.scripts.jail.facades import dates, decimals, json_text, maths, patterns

    makers = {
        "json": json_text.names,
        "re": patterns.names,
        "math": maths.names,
        "datetime": dates.names,
        "decimal": decimals.names,
    }
    if name not in makers:
        raise NameError(f"module '{name}' is not available in scripts")
    return ModuleFacade(name, makers[name](guards))

"""Finds plug-ins: those that are shipped, by name, and those of the entry-point group ``trellis.plugins``.

A plug-in that cannot be loaded stops every use of the product with its name and reason, for records may depend on it: who
runs Trellis mends it, removes it, or names it in ``TRELLIS_WITHOUT_PLUGINS`` (names with commas) and goes on without. The
command line works all the same, so that ``trellis plugin list`` can tell.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

import pluggy

from trellis.hookspecs import Specifications
from trellis_metadata.errors import TrellisError

GROUP = "trellis.plugins"
SHIPPED = "trellis_plugins"
WITHOUT = "TRELLIS_WITHOUT_PLUGINS"

T = TypeVar("T")


class PluginFailed(TrellisError):
    """A plug-in cannot be loaded, or raised where it was asked for something. The message names it."""

    code = "plugin_failed"


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plug-in as installed. ``hooks`` are those that it implements; ``failure`` tells why it could not be loaded."""

    name: str
    package: str
    version: str
    module: str
    shipped: bool
    hooks: tuple[str, ...] = ()
    failure: str = ""
    left_out: bool = False


@dataclass(frozen=True)
class _Loaded:
    manager: pluggy.PluginManager
    plugins: tuple[Plugin, ...]


def manager() -> pluggy.PluginManager:
    """Return the plug-ins of this installation, loaded once. Raises :class:`PluginFailed` if one cannot be loaded."""
    broken = [p for p in _loaded().plugins if p.failure]
    if broken:
        told = " ".join(f"The plug-in '{p.name}' ({p.package}) cannot be loaded: {p.failure}" for p in broken)
        names = ",".join(p.name for p in broken)
        raise PluginFailed(f"{told} Mend or uninstall it, or set {WITHOUT}={names} to go on without it.")
    return _loaded().manager


def installed() -> tuple[Plugin, ...]:
    """Return every plug-in that was found, also those that cannot be loaded, the shipped ones first."""
    return _loaded().plugins


def hook_names() -> list[str]:
    """Return the names of all hooks."""
    return sorted(n for n in vars(Specifications) if n.startswith("trellis_"))


def call(hook: str, **arguments: Any) -> Iterator[tuple[str, Any]]:
    """Yield the name of each plug-in that implements ``hook`` with its answer, in the order of loading.

    Raises :class:`PluginFailed` when one raises anything but an error of the product.
    """
    caller = getattr(manager().hook, hook)
    for found in caller.get_hookimpls():
        try:
            answer = found.function(*(arguments[name] for name in found.argnames))
        except TrellisError:
            raise
        except Exception as problem:
            raise _raised(found.plugin_name, hook, problem) from problem
        yield found.plugin_name, answer


def given(hook: str, **arguments: Any) -> Iterator[tuple[str, Any]]:
    """Yield everything that plug-ins give through ``hook``, each with the plug-in's name."""
    for name, answer in call(hook, **arguments):
        try:
            things = list(answer or ())
        except TrellisError:
            raise
        except Exception as problem:
            raise _raised(name, hook, problem) from problem
        for thing in things:
            yield name, thing


def add_given(
    hook: str,
    found: dict[str, T],
    places: dict[str, str],
    name_of: Callable[[T], str],
    refuse: Callable[[str], Exception],
) -> None:
    """Add what plug-ins give through ``hook`` to ``found``; ``refuse`` makes the error of a name that stands twice."""
    for plugin, thing in given(hook):
        name = name_of(thing)
        if name in found:
            raise refuse(f"'{name}' is defined by {places.get(name, 'Trellis')} and by the plug-in '{plugin}'.")
        found[name], places[name] = thing, f"the plug-in '{plugin}'"


def _raised(plugin: str, hook: str, problem: Exception) -> PluginFailed:
    told = " ".join(f"{type(problem).__name__}: {problem}".split())[:500]
    return PluginFailed(f"The plug-in '{plugin}' failed in '{hook}': {told}")


@cache
def _loaded() -> _Loaded:
    made = pluggy.PluginManager("trellis")
    made.add_hookspecs(Specifications)
    plugins = [_load_shipped(made, name) for name in _shipped()]
    left_out = {n.strip() for n in os.environ.get(WITHOUT, "").split(",") if n.strip()}
    known = {p.name for p in plugins}
    for point in sorted(entry_points(group=GROUP), key=lambda p: (p.name, p.value)):
        if point.value in _shipped():
            continue
        plugin = _load(made, point, known, left_out)
        known.add(plugin.name)
        plugins.append(plugin)
    return _Loaded(made, tuple(plugins))


def _load_shipped(made: pluggy.PluginManager, module: str) -> Plugin:
    # The shipped plug-ins stand above the platform and are found by name, so that imports go one way.
    name = module.split(".")[1]
    loaded = importlib.import_module(module)
    made.register(loaded, name=name)
    made.check_pending()
    return Plugin(name, SHIPPED, "", module, True, _hooks(made, loaded))


def _load(made: pluggy.PluginManager, point: EntryPoint, known: set[str], left_out: set[str]) -> Plugin:
    package, version = (point.dist.name, point.dist.version) if point.dist is not None else ("?", "")
    found = Plugin(point.name, package, version, point.value, False)
    if point.name in left_out:
        return Plugin(point.name, package, version, point.value, False, left_out=True)
    if point.name in known:
        return _failed(found, "another plug-in has the same name.")
    try:
        loaded = point.load()
        made.register(loaded, name=point.name)
        made.check_pending()
    except Exception as problem:
        if made.has_plugin(point.name):
            made.unregister(name=point.name)
        return _failed(found, " ".join(f"{type(problem).__name__}: {problem}".split())[:500])
    return Plugin(point.name, package, version, point.value, False, _hooks(made, loaded))


def _failed(plugin: Plugin, reason: str) -> Plugin:
    return Plugin(plugin.name, plugin.package, plugin.version, plugin.module, False, failure=reason)


def _hooks(made: pluggy.PluginManager, loaded: Any) -> tuple[str, ...]:
    return tuple(sorted(c.name for c in made.get_hookcallers(loaded) or ()))


def _shipped() -> list[str]:
    spec = importlib.util.find_spec(SHIPPED)
    if spec is None or spec.submodule_search_locations is None:
        return []
    folders = [i.name for i in pkgutil.iter_modules(spec.submodule_search_locations) if i.ispkg]
    return [f"{SHIPPED}.{n}.plugin" for n in folders if importlib.util.find_spec(f"{SHIPPED}.{n}.plugin")]

"""Finds the commands: every module of this package that has a ``command``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any

import click

from trellis import plugins


@cache
def commands() -> Mapping[str, click.Command]:
    """Return the commands by name, sorted. A name that stands twice is an error that names both files."""
    package = importlib.import_module("trellis.cli")
    found: dict[str, tuple[str, click.Command]] = {}
    for info in pkgutil.iter_modules(package.__path__):
        command = getattr(importlib.import_module(f"{package.__name__}.{info.name}"), "command", None)
        if not isinstance(command, click.Command):
            continue
        name = str(command.name)
        if name in found:
            raise RuntimeError(f"Two modules of the command line define '{name}': {found[name][0]} and {info.name}.")
        found[name] = (info.name, command)
        _take_json(command)
    if not any(p.failure for p in plugins.installed()):  # else every command but 'plugin list' tells of the failure
        _add_given(found)
    return {name: found[name][1] for name in sorted(found)}


def _add_given(found: dict[str, tuple[str, click.Command]]) -> None:
    for plugin, command in plugins.given("trellis_commands"):
        if command.name in found:
            raise RuntimeError(
                f"The plug-in '{plugin}' defines the command '{command.name}', which {found[command.name][0]} has."
            )
        found[str(command.name)] = (f"the plug-in '{plugin}'", command)
        _take_json(command)


def _take_json(command: click.Command) -> None:
    """Let ``--json`` stand after the command too."""
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _take_json(inner)
    elif not any("--json" in p.opts for p in command.params):
        command.params.append(
            click.Option(
                ["--json"], is_flag=True, expose_value=False, callback=_set_json, help="Answer with one JSON document."
            )
        )


def _set_json(context: click.Context, _option: click.Parameter, value: Any) -> None:
    if value:
        context.obj.json = True

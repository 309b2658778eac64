"""``trellis plugin``: which plug-ins are installed, and a template for a new one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from trellis import plugins
from trellis.cli.state import State, pass_state
from trellis.plugin_template import write_template


@click.group("plugin")
def command() -> None:
    """Plug-ins: Python packages that add to Trellis. Trusted code, installed with pip by who runs it."""


@command.command("list")
@pass_state
def list_plugins(state: State) -> None:
    """Show the installed plug-ins with the hooks that they implement.

    Exit code 1 says that one cannot be loaded.
    """
    found = plugins.installed()

    def show(console: Console) -> None:
        for plugin in found:
            version = f" {plugin.version}" if plugin.version else ""
            console.print(f"[bold]{escape(plugin.name)}[/] {escape(plugin.package)}{escape(version)}")
            if plugin.failure:
                console.print(f"  [red]cannot be loaded:[/] {escape(plugin.failure)}")
            elif plugin.left_out:
                console.print(f"  left out by {plugins.WITHOUT}")
            for hook in plugin.hooks:
                console.print(f"  {hook}")

    state.answer([asdict(p) for p in found], show)
    if any(p.failure for p in found):
        raise click.exceptions.Exit(1)


@command.command("new")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--name", help="The name of the package; default: the name of the folder.")
@pass_state
def new(state: State, folder: Path, name: str | None) -> None:
    """Write a plug-in project into FOLDER: a field type, a function, a command and a test."""
    made = write_template(folder, name or folder.resolve().name.replace("-", "_"))
    state.answer(
        {"folder": str(folder), "files": made},
        f"{len(made)} files in {folder}. Install it with 'pip install {folder}', then look at 'trellis plugin list'.",
    )

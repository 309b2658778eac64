"""``trellis pack``: make, check, build and sign packs; install, upgrade and remove them."""

from __future__ import annotations

import click

from trellis.cli.pack import installing, making
from trellis.cli.pack.showing import show_checks


@click.group("pack")
def command() -> None:
    """Make, check, install, upgrade and remove industry packs."""


for _part in (*making.COMMANDS, *installing.COMMANDS):
    command.add_command(_part)

__all__ = ["command", "show_checks"]

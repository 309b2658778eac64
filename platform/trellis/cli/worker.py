"""``trellis worker``: delivers the outbox and runs what is due."""
from __future__ import annotations

import importlib
import importlib.util

import click

from trellis.cli.state import State, pass_state
from trellis_metadata.errors import TrellisError


class NoWorker(TrellisError):
    """This installation has nothing that runs in the background."""

    code = "not_available"


@click.command("worker")
@click.option("--once", is_flag=True, help="Do what is due now, then stop.")
@pass_state
def command(state: State, once: bool) -> None:
    """Do background work until stopped."""
    if importlib.util.find_spec("trellis.worker") is None:
        raise NoWorker("This version has no background work yet: everything runs in the server.")
    importlib.import_module("trellis.worker").run(state.runtime, once=once)

"""``trellis worker``: delivers the outbox and runs what is due."""

from __future__ import annotations

import click

from trellis.cli.state import State, pass_state


@click.command("worker")
@click.option("--once", is_flag=True, help="Do what is due now, then stop.")
@pass_state
def command(state: State, once: bool) -> None:
    """Do background work until stopped."""
    from trellis.worker import run

    run(state.runtime, once=once)

"""``trellis delivery``: what went out to other systems, and sending it again."""

from __future__ import annotations

import click
from rich.console import Console
from rich.markup import escape

from trellis import deliveries
from trellis.cli.state import State, pass_state


@click.group("delivery")
def command() -> None:
    """Mails, webhooks and chat messages: the log of what went out."""


@command.command("list")
@click.option("--state", "which", type=click.Choice([deliveries.WAITING, deliveries.SENT, deliveries.FAILED]))
@click.option("--carrier", help="Only mail, webhook or another carrier.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
@pass_state
def list_deliveries(state: State, which: str | None, carrier: str | None, limit: int) -> None:
    """Show deliveries, the newest first."""
    with state.tenant.database.reading() as connection:
        found = deliveries.deliveries(connection, state=which, carrier=carrier, limit=limit)
    rows = [deliveries.as_json(d) for d in found]

    def show(console: Console) -> None:
        for row in rows:
            told = f"{row['id']:>6} {row['state']:<8} {row['carrier']:<8} {row['target']}  {row['title']}"
            console.print(escape(told))
            if row["note"]:
                console.print(escape(f"       {row['attempts']} attempt(s): {row['note']}"))

    state.answer(rows, show if rows else "Nothing went out yet.")


@command.command("show")
@click.argument("number", type=int)
@pass_state
def show_delivery(state: State, number: int) -> None:
    """Show delivery NUMBER with its content."""
    with state.tenant.database.reading() as connection:
        found = deliveries.delivery_of(connection, number)
    answer = {**deliveries.as_json(found), "payload": dict(found.payload)}

    def show(console: Console) -> None:
        for name, value in answer.items():
            console.print(escape(f"{name}: {value}"))

    state.answer(answer, show)


@command.command("resend")
@click.argument("number", type=int)
@pass_state
def resend(state: State, number: int) -> None:
    """Send delivery NUMBER once more."""
    deliveries.resend(state.tenant, number)
    state.answer({"delivery": number, "state": deliveries.WAITING}, f"Delivery {number} waits for the worker.")


@command.command("prune")
@pass_state
def prune(state: State) -> None:
    """Remove deliveries that arrived and are older than 30 days."""
    count = deliveries.prune(state.tenant)
    state.answer({"removed": count}, f"{count} removed.")

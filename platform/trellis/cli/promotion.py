"""``trellis metadata compare`` and ``promote``: take changes from one tenant to another. A part of the group ``metadata``."""

from __future__ import annotations

import click
from rich.console import Console
from rich.markup import escape

from trellis.cli.state import State, pass_state
from trellis.publishing import promotion

_FROM = click.option("--from", "source", required=True, metavar="TENANT", help="The tenant that has the changes.")
_TO = click.option("--to", "target", required=True, metavar="TENANT", help="The tenant that is to get them.")
_COLOURS = {"safe": "green", "caution": "yellow", "destructive": "bold red"}


@click.command("compare")
@_FROM
@_TO
@pass_state
def compare(state: State, source: str, target: str) -> None:
    """List what makes TENANT --to different from TENANT --from, by the names that 'promote --only' takes."""
    found = promotion.compare(state.runtime.tenant(target), state.runtime.tenant(source).model().snapshot)

    def show(console: Console) -> None:
        for d in (d.to_json() for d in found):
            colour = _COLOURS[str(d["danger"])]
            console.print(f"  [{colour}]{d['danger']:<11}[/] {escape(str(d['name']))}: {escape(str(d['text']))}")
        console.print(f"{len(found)} difference(s) between '{source}' and '{target}'.")

    state.answer({"from": source, "to": target, "differences": [d.to_json() for d in found]}, show)


@click.command("promote")
@_FROM
@_TO
@click.option("--only", multiple=True, metavar="NAME", help="Such as object/deal or object/deal/fields/amount. Repeat.")
@click.option("--removals", is_flag=True, help="Also remove what the source does not have.")
@click.option("--plan", "plan_only", is_flag=True, help="Only show the plan.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--confirm", metavar="HASH", help="Apply only the plan with this hash.")
@click.option("--note", default="", help="A note for the log of the target.")
@pass_state
def promote(
    state: State,
    source: str,
    target: str,
    only: tuple[str, ...],
    removals: bool,
    plan_only: bool,
    yes: bool,
    confirm: str | None,
    note: str,
) -> None:
    """Take over the differences from one tenant into another, all of them or those that are named.

    The plan is always shown, and applied only when it is confirmed: by its hash, by an answer, or by --yes.
    """
    from trellis.cli.metadata import apply_plan, show_plan

    there, here = state.runtime.tenant(source), state.runtime.tenant(target)
    made = promotion.plan_promotion(here, there.model().snapshot, only=only, removals=removals)
    if plan_only:
        state.answer(made.to_json(), lambda console: show_plan(made, console))
        return
    apply_plan(state, here, made, yes=yes, confirm=confirm, note=note or f"promoted from {source}", always_ask=True)

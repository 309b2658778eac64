"""``trellis approval``: requests that wait, one in full, and taking one back."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.approvals import changing, reading
from trellis.approvals.listing import WAITING, all_requests
from trellis.cli.state import State, pass_state
from trellis.rules.reader import Onlooker


@click.group("approval")
def command() -> None:
    """Requests for approval: list, show, recall."""


@command.command("list")
@click.option("--state", "wanted", default=WAITING, show_default=True, help="Only requests in this state.")
@click.option("--object", "object_name", help="Only requests about records of this object.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@pass_state
def list_requests(state: State, wanted: str, object_name: str | None, limit: int) -> None:
    """List requests, the oldest first, with those who are waited for."""
    with state.tenant.database.reading() as connection:
        found = all_requests(_reader(state, connection), wanted, object_name, limit)
    state.answer({"requests": found}, lambda out: _list(out, found))


def _list(out: Console, found: list[dict[str, Any]]) -> None:
    table = Table("request", "approval", "record", "submitted", "waits for", box=None)
    for row in found:
        people = [p["name"] for w in row["waits_for"] for p in w["people"]]
        queues = [q for w in row["waits_for"] for q in w["queues"]]
        when = f"{row['submitted_at']:%Y-%m-%d %H:%M}"
        table.add_row(
            row["id"], row["approval"], escape(str(row["record"])), when, escape(", ".join([*people, *queues]))
        )
    if found:
        out.print(table)
    out.print(f"{len(found)} request(s).")


@command.command("show")
@click.argument("number", type=int)
@pass_state
def show(state: State, number: int) -> None:
    """Show one request with its history."""
    with state.tenant.database.reading() as connection:
        one = reading.request_in_full(_reader(state, connection), number)
    state.answer(one, lambda out: _show(out, one))


def _show(out: Console, one: dict[str, Any]) -> None:
    out.print(f"{one['label']}: {one['state']} (round {one['round']}), {escape(str(one['record']))}")
    for event in one["history"]:
        who = (event["actor"] or {}).get("name") or "-"
        said = f": {escape(event['comment'])}" if event["comment"] else ""
        out.print(f"  {event['at']:%Y-%m-%d %H:%M}  {escape(who)}  {event['kind']}  {event['step'] or ''}{said}")


@command.command("recall")
@click.argument("number", type=int)
@click.option("--comment", help="Why; the history shows it.")
@pass_state
def recall(state: State, number: int, comment: str | None) -> None:
    """Take a request back; those who were asked are told."""
    state.tenant.run(SYSTEM, Cause("cli"), lambda tx: changing.recall(tx, number, comment=comment))
    state.answer({"recalled": str(number)}, lambda out: out.print(f"Request {number} is recalled."))


def _reader(state: State, connection: Any) -> Onlooker:
    tenant = state.tenant
    return Onlooker(tenant, connection, tenant.model_in(connection), SYSTEM, tenant.clock.now())

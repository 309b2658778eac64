"""``trellis audit``: what happened to accounts, rights and protected data, and whether somebody changed the record of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from trellis.audit import reading
from trellis.audit.kinds import KINDS
from trellis.audit.sealing import SealingWaits, seal_rows, verify
from trellis.cli.state import State, pass_state


@click.group("audit")
def command() -> None:
    """The audit: list, export, verify."""


def _filters(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--text", help="Looked for in addresses and details."),
        click.option("--until", type=click.DateTime(), help="Before this moment (UTC)."),
        click.option("--since", type=click.DateTime(), help="From this moment on (UTC)."),
        click.option("--person", metavar="LOGIN", help="Who did it, or stood behind it."),
        click.option("--kind", type=click.Choice(sorted(KINDS)), help="One kind."),
    ):
        function = option(function)
    return function


def _search(
    state: State, kind: str | None, person: str | None, since: datetime | None, until: datetime | None, text: str | None
) -> reading.Search:
    return reading.Search(
        kind,
        state.user_number(person) if person else None,
        None,
        since and since.replace(tzinfo=UTC),
        until and until.replace(tzinfo=UTC),
        text,
    )


@command.command("list")
@_filters
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, reading.MAX_PAGE))
@pass_state
def list_rows(state: State, /, limit: int, **chosen: Any) -> None:
    """Show rows, the newest first."""
    tenant, search = state.tenant, _search(state, **chosen)
    with tenant.database.reading() as connection:
        rows = reading.rows(connection, tenant.model_in(connection), state.principal, search, limit)

    def show(console: Console) -> None:
        for row in rows:
            behind = f" (as whom {row['behind_name']} was logged in)" if row["behind"] else ""
            who, about = f"{row['actor_name'] or '–'}{behind}", row["record"] or row["object"] or ""
            line = f"{row['at']:%Y-%m-%d %H:%M:%S}  {row['kind']:<22} {who}  {about}  {row['address'] or ''}  {row['detail'] or ''}"
            console.print(escape(line))

    state.answer(rows, show)


@command.command("export")
@_filters
@click.option("--format", "form", type=click.Choice(["csv", "ndjson"]), default="csv", show_default=True)
@click.option("--to", "path", type=click.Path(path_type=Path, dir_okay=False), help="File; default: standard output.")
@pass_state
def export_rows(state: State, /, form: str, path: Path | None, **chosen: Any) -> None:
    """Write all rows that fit, the newest first. The export itself is noted."""
    pieces = reading.export(state.tenant, state.principal, _search(state, **chosen), form)
    if path is None:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        state.answered = True
        return
    with path.open("wb") as file:
        size = sum(file.write(piece) for piece in pieces)
    state.answer({"file": str(path), "bytes": size}, f"{path} ({size} bytes)")


@command.command("verify")
@click.option("--head", help="What an earlier check named: it must still be part of the chain.")
@pass_state
def verify_rows(state: State, head: str | None) -> None:
    """Compute the chain of seals again. Exit code 1 says that a row or a seal was changed, removed or added.

    Keep the head that it names somewhere else: with it a later check finds newer seals cut off.
    """
    tenant = state.tenant
    with tenant.database.reading() as connection:
        found = verify(tenant, connection, head)

    def show(console: Console) -> None:
        for line in found.broken:
            console.print(f"[red]broken[/] {escape(line)}")
        verdict = "[red]The audit was changed.[/]" if found.broken else "[green]The audit is whole.[/]"
        console.print(f"{verdict} {found.rows} rows under {found.seals} seals, {found.unsealed} not sealed yet.")
        console.print(f"head {found.seals}:{found.head}")

    state.answer(found.to_json(), show)
    if found.broken:
        raise click.exceptions.Exit(1)


@command.command("seal")
@pass_state
def seal_now(state: State) -> None:
    """Seal what is not sealed yet, without waiting for the worker."""
    try:
        count = seal_rows(state.tenant)
    except SealingWaits:
        raise click.ClickException("Somebody is writing to the audit this moment. Try again.") from None
    state.answer({"sealed": count}, f"{count} rows sealed.")

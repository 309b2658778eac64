"""``trellis tenant``: make, list, copy, move and remove tenants."""

from __future__ import annotations

import click
import sqlalchemy as sa
from rich.console import Console
from rich.markup import escape

from trellis.cli.state import State, pass_state
from trellis.exchange.archive import clone_tenant, move_tenant
from trellis.storage import control


@click.group("tenant")
def command() -> None:
    """Tenants of this home folder."""


@command.command("create")
@click.argument("name")
@click.option("--currency", help="Currency of the organisation, such as CNY.")
@click.option("--country", help="Country of the organisation, such as CN.")
@click.option("--time-zone", help="Time zone of the organisation, such as Asia/Shanghai.")
@click.option("--language", type=click.Choice(["en", "zh"]))
@click.option("--organisation", help="Name of the organisation.")
@pass_state
def create(state: State, /, name: str, **settings: str | None) -> None:
    """Make the tenant NAME. 'trellis user create' gives it somebody who can log in."""
    tenant = state.runtime.create_tenant(name, settings={k: v for k, v in settings.items() if v})
    state.answer(
        {"tenant": tenant.name, "database": tenant.database.dialect_name},
        f"Tenant '{name}' ({tenant.database.dialect_name}).",
    )


@command.command("list")
@pass_state
def list_tenants(state: State) -> None:
    """List the tenants and where they live."""
    t = control.tenant.c
    with state.runtime.control.reading() as connection:
        rows = connection.execute(sa.select(t.name, t.url, t.schema, t.status, t.created_at).order_by(t.name)).all()
    found = [
        {
            "name": r[0],
            "place": sa.make_url(r[1]).render_as_string(hide_password=True),
            "schema": r[2],
            "status": r[3],
            "created_at": r[4].isoformat(),
        }
        for r in rows
    ]

    def show(console: Console) -> None:
        for entry in found:
            console.print(
                escape(
                    f"{entry['name']:<20} {entry['status']:<8} {entry['place']}"
                    + (f" schema {entry['schema']}" if entry["schema"] else "")
                )
            )
        if not found:
            console.print("No tenant yet. Run 'trellis init'.")

    state.answer(found, show)


@command.command("clone")
@click.argument("source")
@click.argument("target")
@pass_state
def clone(state: State, source: str, target: str) -> None:
    """Make TARGET as a copy of SOURCE: records, files and metadata, without sessions, tokens and unsent messages."""
    made = clone_tenant(state.runtime, source, target)
    state.answer({"tenant": made.name, "source": source}, f"Tenant '{target}' is a copy of '{source}'.")


@command.command("move")
@click.argument("name")
@click.option(
    "--to", "url", required=True, metavar="URL", help="postgresql://… or 'sqlite' for a file in the home folder."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_state
def move(state: State, name: str, url: str, yes: bool) -> None:
    """Put the tenant NAME into another database. Stop all servers and workers first."""
    state.runtime.tenant(name)
    state.confirm(f"Are all servers and workers stopped? '{name}' moves and its old place is removed.", yes=yes)
    moved = move_tenant(state.runtime, name, None if url == "sqlite" else url)
    state.answer(
        {"tenant": name, "database": moved.database.dialect_name},
        f"Tenant '{name}' is on {moved.database.dialect_name} now.",
    )


@command.command("drop")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_state
def drop(state: State, name: str, yes: bool) -> None:
    """Remove the tenant NAME with all its records and files, for ever."""
    state.runtime.tenant(name)
    state.confirm(f"Remove tenant '{name}' with all its records and files, for ever?", yes=yes)
    state.runtime.drop_tenant(name)
    state.answer({"dropped": name}, f"Tenant '{name}' is gone.")

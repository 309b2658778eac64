"""``trellis query``: look at records."""

from __future__ import annotations

import json
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trellis.cli.export import read_filter
from trellis.cli.state import State, pass_state
from trellis.query import run_query
from trellis.query.query import Page, read_query


@click.command("query")
@click.argument("object_name", metavar="OBJECT")
@click.option("--fields", help="Paths, with commas: name,account.name.")
@click.option("--filter", "filter_text", help='Formula, such as "amount > 100", or a filter tree in JSON.')
@click.option("--sort", help="Paths, with commas; '-' before one sorts it downwards.")
@click.option("--search", help="Full-text search.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@click.option("--cursor", help="Go on after an earlier page.")
@click.option("--group-by", help="Paths, with commas: one row per group.")
@click.option(
    "--aggregate",
    "aggregates",
    multiple=True,
    metavar="FUNCTION[:FIELD]",
    help="count, sum:amount, avg, min, max; repeat for several.",
)
@click.option("--deleted", is_flag=True, help="Look into the recycle bin.")
@click.option("--total", is_flag=True, help="Count all records that fit.")
@pass_state
def command(
    state: State, /, object_name: str, filter_text: str | None, aggregates: tuple[str, ...], **rest: Any
) -> None:
    """Show records of OBJECT as a table, or as JSON with --json."""
    raw = {k: v for k, v in rest.items() if v}
    if filter_text is not None:
        raw["filter"] = read_filter(filter_text)
    if aggregates:
        raw["aggregates"] = [_aggregate(a) for a in aggregates]
    query = read_query(object_name, raw)
    tenant = state.tenant
    with tenant.database.reading() as connection:
        page = run_query(tenant, connection, tenant.model_in(connection), state.principal, query)
    tenant.views.write(tenant)
    answer = {"records": page.rows, "cursor": page.cursor, "total": page.total}
    state.answer(answer, lambda console: _show(page, console))


def _aggregate(text: str) -> dict[str, str]:
    function, _, field = text.partition(":")
    return {"function": function, "field": field} if field else {"function": function}


def _show(page: Page, console: Console) -> None:
    if page.rows:
        names = [n for n in page.rows[0] if n != "version"]
        table = Table(*(escape(n) for n in names), header_style="bold", box=None)
        for row in page.rows:
            table.add_row(*(escape(_cell(row[n])) for n in names))
        console.print(table, soft_wrap=False)
    console.print(
        f"{len(page.rows)} record(s)"
        + (f" of {page.total:,}" if page.total is not None else "")
        + (f"; more with --cursor {page.cursor}" if page.cursor else "")
        + "."
    )


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict) and set(value) == {"amount", "currency"}:
        return f"{value['amount']} {value['currency']}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)

"""``trellis shell``: a Python prompt with the tenant at hand."""

from __future__ import annotations

import code
from typing import Any

import click

from trellis.access import Cause
from trellis.cli.state import State, pass_state
from trellis.query import run_query
from trellis.query.query import read_query


@click.command("shell")
@click.option("--command", "-c", "text", help="Run this text instead of asking.")
@pass_state
def command(state: State, text: str | None) -> None:
    """Open a Python prompt with runtime, tenant, principal, query() and write()."""
    tenant, principal = state.tenant, state.principal

    def query(object_name: str, **raw: Any) -> list[dict[str, Any]]:
        with tenant.database.reading() as connection:
            model, wanted = tenant.model_in(connection), read_query(object_name, raw)
            rows = run_query(tenant, connection, model, principal, wanted).rows
        tenant.views.write(tenant)
        return rows

    def write(body: Any) -> Any:
        return tenant.run(principal, Cause("cli"), body)

    names = {"runtime": state.runtime, "tenant": tenant, "principal": principal, "query": query, "write": write}
    if text is not None:
        # The user's own program, run with the rights that the user has on this machine anyway.
        exec(compile(text, "<command>", "exec"), names)
        return
    banner = f"Tenant '{tenant.name}'. Names: {', '.join(names)}.\n  query('user', fields='name')\n  write(lambda tx: tx.create('user', [{{…}}]))"
    code.interact(banner=banner, local=names, exitmsg="")

"""``trellis doctor``: is everything as it should be?"""

from __future__ import annotations

import click
from rich.console import Console
from rich.markup import escape

from trellis.cli.checks import examinations, repairs
from trellis.cli.state import State, pass_state


@click.command("doctor")
@click.option("--all", "everyone", is_flag=True, help="Examine all tenants.")
@click.option("--repair", "mend", is_flag=True, help="Mend first what can be computed again: roll-ups.")
@pass_state
def command(state: State, everyone: bool, mend: bool) -> None:
    """Examine the tenant: migrations, tables against the catalogue, references, search index, roll-ups, running changes.

    Exit code 1 says that something was found. Without --repair nothing is changed.
    """
    tenants = [state.runtime.tenant(n) for n in state.runtime.names()] if everyone else [state.tenant]
    answer = []
    for tenant in tenants:
        mended = {name: repair(tenant) for name, repair in repairs().items()} if mend else {}
        with tenant.database.reading() as connection:
            checks = [
                {
                    "check": name,
                    "complaints": [c.to_json() for c in examine(tenant, connection)],
                    **_mended(mended, name),
                }
                for name, examine in examinations().items()
            ]
        answer.append({"tenant": tenant.name, "healthy": not any(c["complaints"] for c in checks), "checks": checks})

    def show(console: Console) -> None:
        for entry in answer:
            console.print(f"[bold]{escape(str(entry['tenant']))}[/]")
            for check in entry["checks"]:  # type: ignore[attr-defined]
                console.print(f"  {'[red]found[/]' if check['complaints'] else '[green]ok[/]   '} {check['check']}")
                if check.get("mended"):
                    console.print(f"        {check['mended']} record(s) mended.")
                for c in check["complaints"]:
                    console.print(escape(f"        {c['subject']}: {c['message']} {c['remedy']}"))

    state.answer(answer, show)
    if not all(entry["healthy"] for entry in answer):
        raise click.exceptions.Exit(1)


def _mended(mended: dict[str, int], name: str) -> dict[str, int]:
    return {"mended": mended[name]} if name in mended else {}

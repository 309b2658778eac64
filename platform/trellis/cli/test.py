"""``trellis test``: the tests that a tenant's metadata give by themselves."""

from __future__ import annotations

import click

from trellis.cli.pack import show_checks
from trellis.cli.state import State, pass_state


@click.command("test")
@click.option("--object", "objects", multiple=True, help="Only this object; repeat for several.")
@pass_state
def command(state: State, objects: tuple[str, ...]) -> None:
    """Test the tenant's objects and rules on a scratch copy of its metadata; records are not touched."""
    from trellis.packs.trying import check_tenant

    state.err.print("Building a scratch tenant …")
    show_checks(state, [], [c.to_json() for c in check_tenant(state.tenant, list(objects) or None)])

"""``trellis init``: a home folder, a tenant, and somebody who can log in."""

from __future__ import annotations

import secrets

import click

from trellis.access.accounts import create_user
from trellis.cli.state import State, pass_state


@click.command("init")
@click.argument("name", default="main")
@click.option("--login", default="admin", show_default=True, help="Login of the administrator.")
@click.option("--name", "person", default="Administrator", show_default=True, help="Name of the administrator.")
@click.option(
    "--password",
    envvar="TRELLIS_PASSWORD",
    help="Password; default: a random one, printed once (also TRELLIS_PASSWORD).",
)
@click.option("--currency", help="Currency of the organisation, such as CNY.")
@click.option("--country", help="Country of the organisation, such as CN.")
@click.option("--time-zone", help="Time zone of the organisation, such as Asia/Shanghai.")
@click.option("--language", type=click.Choice(["en", "zh"]), help="Language of the organisation.")
@pass_state
def command(state: State, /, name: str, login: str, person: str, password: str | None, **settings: str | None) -> None:
    """Make the home folder, the tenant NAME and its administrator."""
    given = password or secrets.token_urlsafe(12)
    tenant = state.runtime.create_tenant(name, settings={k: v for k, v in settings.items() if v})
    try:
        create_user(tenant, login=login, name=person, password=given, admin=True)
    except Exception:
        state.runtime.drop_tenant(name)  # all or nothing: the command can be given again
        raise
    answer = {"home": str(state.runtime.home), "tenant": name, "login": login, "password": None if password else given}
    shown = "the password you gave" if password else given
    state.answer(
        answer,
        f"Tenant '{name}' is ready in {state.runtime.home}.\n  login     {login}\n  password  {shown}\n"
        "Start the server with 'trellis run'.",
    )

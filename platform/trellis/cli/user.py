"""``trellis user``: people who log in, and their API tokens."""

from __future__ import annotations

import secrets
from datetime import timedelta

import click

from trellis.access import accounts
from trellis.cli.state import State, pass_state


@click.group("user")
def command() -> None:
    """Users and API tokens."""


@command.command("create")
@click.argument("login")
@click.option("--name", "person", help="Name; default: the login.")
@click.option("--email")
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", show_default=True)
@click.option(
    "--password",
    envvar="TRELLIS_PASSWORD",
    help="Password; default: a random one, printed once (also TRELLIS_PASSWORD).",
)
@click.option("--admin", is_flag=True, help="May do everything.")
@pass_state
def create(
    state: State, login: str, person: str | None, email: str | None, language: str, password: str | None, admin: bool
) -> None:
    """Make a user who can log in."""
    given = password or secrets.token_urlsafe(12)
    tenant = state.tenant
    number = accounts.create_user(
        tenant, login=login, name=person or login, password=given, admin=admin, email=email, language=language
    )
    user = tenant.model().env.format_id("user", number)
    shown = "the password you gave" if password else given
    state.answer(
        {"id": user, "login": login, "admin": admin, "password": None if password else given},
        f"User '{login}' ({user}).\n  password  {shown}",
    )


@command.command("token")
@click.argument("login")
@click.option("--label", default="command line", show_default=True, help="What the token is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    help=f"What it may do: {', '.join(accounts.SCOPES)}; repeat for several. Default: all.",
)
@click.option("--days", type=click.IntRange(1, 3650), help="How long it is valid; default: for ever.")
@pass_state
def token(state: State, login: str, label: str, scopes: tuple[str, ...], days: int | None) -> None:
    """Make an API token for a user; it is shown once."""
    tenant = state.tenant
    expires = tenant.clock.now() + timedelta(days=days) if days else None
    made = accounts.create_token(tenant, state.user_number(login), label, scopes or accounts.SCOPES, expires)
    state.answer(
        {"token": made, "login": login, "scopes": list(scopes or accounts.SCOPES), "expires_at": expires}, made
    )

"""``trellis sign-on``: identity providers through which people log in (OpenID Connect)."""

from __future__ import annotations

import click

from trellis.accounts.providers import Provider, providers, remove_provider, set_provider
from trellis.cli.state import State, pass_state


@click.group("sign-on")
def command() -> None:
    """Identity providers of the tenant."""


@command.command("list")
@pass_state
def list_providers(state: State) -> None:
    """List the providers."""
    found = providers(state.tenant)
    lines = [f"{p.name:<16} {p.issuer}  back to {p.redirect}" for p in found] or ["No provider yet."]
    state.answer([p.to_json() for p in found], "\n".join(lines))


@command.command("set")
@click.argument("name")
@click.option("--label", required=True, help="What the button says.")
@click.option("--issuer", required=True, help="The provider's address, exactly as its ID tokens name it.")
@click.option("--client-id", required=True)
@click.option(
    "--secret", required=True, help="Name of the secret that holds the client's secret ('trellis secret set')."
)
@click.option("--address", required=True, help="Where browsers reach this server, such as https://crm.example.com.")
@click.option(
    "--create-for", multiple=True, metavar="DOMAIN", help="Make accounts for people of this mail domain; repeat."
)
@click.option(
    "--permission-set", "sets", multiple=True, default=("standard",), show_default=True, help="For new accounts."
)
@pass_state
def set_one(
    state: State,
    name: str,
    label: str,
    issuer: str,
    client_id: str,
    secret: str,
    address: str,
    create_for: tuple[str, ...],
    sets: tuple[str, ...],
) -> None:
    """Add the provider NAME or replace it."""
    made = Provider(name, label, issuer, client_id, secret, address, create_for, sets)
    set_provider(state.tenant, made)
    state.answer(made.to_json(), f"Provider '{name}'. Register this address there: {made.redirect}")


@command.command("remove")
@click.argument("name")
@pass_state
def remove(state: State, name: str) -> None:
    """Remove the provider NAME. Whoever came through it keeps the account."""
    remove_provider(state.tenant, name)
    state.answer({"removed": name}, f"Provider '{name}' is removed.")

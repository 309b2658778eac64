"""``trellis secret``: passwords and keys for other systems. They go in and never come out."""

from __future__ import annotations

import sys

import click
from rich.console import Console

from trellis.cli.state import State, pass_state
from trellis.secrets import drop_secret, put_secret, secret_names


@click.group("secret")
def command() -> None:
    """Passwords and keys that connections and settings name."""


@command.command("list")
@pass_state
def list_secrets(state: State) -> None:
    """Show the names of the secrets that are there."""
    with state.tenant.database.reading() as connection:
        names = secret_names(connection)

    def show(console: Console) -> None:
        for name in names:
            console.print(name)

    state.answer(names, show if names else "No secrets yet.")


@command.command("set")
@click.argument("name")
@pass_state
def set_secret(state: State, name: str) -> None:
    """Keep a secret as NAME: what is typed, or the first line of standard input."""
    if sys.stdin.isatty():
        text = click.prompt("Secret", hide_input=True, confirmation_prompt=True, err=True)
    else:
        text = sys.stdin.readline().rstrip("\r\n")
    put_secret(state.tenant, name, text)
    state.answer({"secret": name}, f"The secret '{name}' is kept.")


@command.command("remove")
@click.argument("name")
@pass_state
def remove(state: State, name: str) -> None:
    """Forget the secret NAME."""
    done = drop_secret(state.tenant, name)
    state.answer({"removed": done}, "It is forgotten." if done else f"There was no secret '{name}'.")

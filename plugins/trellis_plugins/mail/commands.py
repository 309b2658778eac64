"""``trellis mail``: send a test, fetch what came in."""

from __future__ import annotations

from dataclasses import asdict

import click

from trellis.cli.state import State, pass_state
from trellis_plugins.mail import fetching
from trellis_plugins.mail.trying import send_test


@click.group("mail")
def command() -> None:
    """Mail out and in. Its settings: 'trellis settings show mail' and 'incoming_mail'."""


@command.command("test")
@click.argument("address")
@pass_state
def test(state: State, address: str) -> None:
    """Send a test mail to ADDRESS at once."""
    said = send_test(state.tenant, address)
    state.answer({"said": said}, said)


@command.command("fetch")
@pass_state
def fetch(state: State) -> None:
    """Take in now what is new in the mailbox."""
    found = fetching.fetch(state.tenant)
    state.answer(asdict(found), f"{found.looked_at} new mail(s), {found.filed} filed.")

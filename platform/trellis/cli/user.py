"""``trellis user``: people who log in, and their API tokens."""

from __future__ import annotations

import secrets
from datetime import timedelta

import click
from rich.console import Console
from rich.markup import escape

from trellis.access import accounts
from trellis.accounts import tokens
from trellis.accounts.changing import demand_change, remove_factor
from trellis.accounts.links import PATH, make_link
from trellis.accounts.policy import change_policy, policy_of
from trellis.accounts.portal import clear_portal, set_portal
from trellis.accounts.sessions import end_all, end_session, sessions_of
from trellis.cli.state import State, pass_state
from trellis.offboarding import handover_of, start, take_back
from trellis.record_id import parse_id


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
@click.option("--must-change", is_flag=True, help="The first log-in asks for a new password.")
@pass_state
def create(
    state: State,
    login: str,
    person: str | None,
    email: str | None,
    language: str,
    password: str | None,
    admin: bool,
    must_change: bool,
) -> None:
    """Make a user who can log in."""
    given = password or secrets.token_urlsafe(12)
    tenant = state.tenant
    number = accounts.create_user(
        tenant,
        login=login,
        name=person or login,
        password=given,
        admin=admin,
        email=email,
        language=language,
        must_change=must_change,
        by=state.principal,
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
    made = accounts.create_token(
        tenant, state.user_number(login), label, scopes or accounts.SCOPES, expires, by=state.principal
    )
    state.answer(
        {"token": made, "login": login, "scopes": list(scopes or accounts.SCOPES), "expires_at": expires}, made
    )


@command.command("reset")
@click.argument("login")
@click.option(
    "--must-change", is_flag=True, help="Make no link: the next log-in with the old password asks for a new one."
)
@pass_state
def reset(state: State, login: str, must_change: bool) -> None:
    """Make a one-time link by which a user chooses a new password. Hand it to nobody else."""
    tenant, number = state.tenant, state.user_number(login)
    if must_change:
        demand_change(tenant, number)
        state.answer({"login": login, "must_change": True}, f"'{login}' chooses a new password at the next log-in.")
        return
    path, hours = PATH + make_link(tenant, number, state.principal), policy_of(tenant).link_hours
    text = f"{path}\n  Put the address of the server before it. It works once, within {hours} hours."
    state.answer({"login": login, "path": path, "hours": hours}, text)


@command.command("sessions")
@click.argument("login")
@click.option("--end", "ended", metavar="ID", help="End the session of this id; 'all' ends all of them.")
@pass_state
def sessions(state: State, login: str, ended: str | None) -> None:
    """List a user's sessions, or end them."""
    tenant, number = state.tenant, state.user_number(login)
    if ended == "all":
        with tenant.database.writing() as connection:
            count = end_all(tenant, connection, number, state.principal)
        state.answer({"ended": count}, f"{count} sessions ended.")
        return
    if ended is not None:
        end_session(tenant, number, ended, state.principal)
        state.answer({"ended": 1}, "1 session ended.")
        return
    with tenant.database.reading() as connection:
        found = sessions_of(tenant, connection, number)

    def show(console: Console) -> None:
        for s in found:
            console.print(escape(f"{s.id}  {s.seen_at:%Y-%m-%d %H:%M}  {s.method:<9} {s.address:<15} {s.agent}"))

    state.answer([s.to_json() for s in found], show)


@command.command("tokens")
@click.argument("login")
@click.option("--revoke", metavar="ID", help="Revoke the token of this id.")
@pass_state
def list_tokens(state: State, login: str, revoke: str | None) -> None:
    """List a user's API tokens, or revoke one."""
    tenant, number = state.tenant, state.user_number(login)
    if revoke is not None:
        tokens.revoke_token(tenant, number, revoke, state.principal)
        state.answer({"revoked": revoke}, "The token is revoked.")
        return
    with tenant.database.reading() as connection:
        found = tokens.tokens_of(connection, number)

    def show(console: Console) -> None:
        for t in found:
            ends = f"{t.expires_at:%Y-%m-%d}" if t.expires_at else "never ends"
            used = f"{t.used_at:%Y-%m-%d}" if t.used_at else "never used"
            console.print(escape(f"{t.id}  {', '.join(t.scopes):<18} {ends:<11} {used:<11} {t.label}"))

    state.answer([t.to_json() for t in found], show)


@command.command("second-factor")
@click.argument("login")
@pass_state
def second_factor(state: State, login: str) -> None:
    """Remove a user's second factor, for somebody who lost the phone and the recovery codes. Ends his sessions."""
    removed = remove_factor(state.tenant, state.user_number(login), state.principal)
    state.answer({"removed": removed}, "The second factor is removed." if removed else "There was none.")


@command.command("rules")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Change a rule; repeat for several.")
@pass_state
def rules(state: State, settings: tuple[str, ...]) -> None:
    """Show or change the rules for passwords, sessions, tokens and second factors."""
    changes = {name: _value(text) for name, _, text in (s.partition("=") for s in settings)}
    policy = change_policy(state.tenant, state.principal, changes) if changes else policy_of(state.tenant)
    shown = policy.to_json()
    state.answer(shown, "\n".join(f"{name:<22} {_text(value)}" for name, value in shown.items()))


def _value(text: str) -> object:
    plain = {"true": True, "false": False, "none": None}
    if text in plain:
        return plain[text]
    if "," in text or text.startswith("["):
        return [part.strip() for part in text.strip("[]").split(",") if part.strip()]
    return int(text) if text.isascii() and text.lstrip("-").isdigit() and len(text) < 10 else text


def _text(value: object) -> str:
    return (
        ", ".join(map(str, value))
        if isinstance(value, list)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
    )


@command.command("offboard")
@click.argument("login")
@click.option("--to", "receiver", metavar="LOGIN", help="Everything goes to this user.")
@click.option("--to-manager", is_flag=True, help="Everything goes to the manager.")
@click.option("--to-group", metavar="GROUP", help="The members of this group take turns.")
@click.option(
    "--object", "objects", multiple=True, metavar="OBJECT=LOGIN", help="Records of this object go to another user."
)
@click.option("--keep-active", is_flag=True, help="Hand over only; the user may go on logging in.")
@pass_state
def offboard(
    state: State,
    login: str,
    receiver: str | None,
    to_manager: bool,
    to_group: str | None,
    objects: tuple[str, ...],
    keep_active: bool,
) -> None:
    """End a user's access at once and hand over what he owns. The worker moves the records; 'offboard-undo' takes it back."""
    tenant, env = state.tenant, state.tenant.model().env

    def person(name: str) -> dict[str, str]:
        return {"to": "person", "value": env.format_id("user", state.user_number(name))}

    default: dict[str, str] | None = None
    if receiver is not None:
        default = person(receiver)
    elif to_group is not None:
        default = {"to": "group", "value": to_group}
    elif to_manager:
        default = {"to": "manager"}
    rules = {"default": default, "objects": {o: person(name) for o, _, name in (x.partition("=") for x in objects)}}
    number = start(tenant, state.principal, state.user_number(login), rules, deactivate=not keep_active)
    with tenant.database.reading() as connection:
        made = handover_of(connection, number)
    text = f"Hand-over {number}: {made.total} records. The worker moves them."
    state.answer(made.to_json(tenant.model()), text)


@command.command("offboard-undo")
@click.argument("number", type=int)
@pass_state
def offboard_undo(state: State, number: int) -> None:
    """Give back what hand-over NUMBER gave and has not changed hands since."""
    take_back(state.tenant, state.principal, number)
    state.answer({"handover": number, "state": "undoing"}, "The worker gives the records back.")


@command.command("portal")
@click.argument("login")
@click.option("--of", "record", metavar="ID", help="The record that the user belongs to, such as account_….")
@click.option("--none", "inside", is_flag=True, help="Make a portal user one who works here.")
@pass_state
def make_portal(state: State, login: str, record: str | None, inside: bool) -> None:
    """Make a user a person outside: he reads only what objects share with the portal, as far as it leads to his record."""
    tenant, number = state.tenant, state.user_number(login)
    if inside or record is None:
        if not inside:
            raise click.UsageError("Name the record with --of, or say --none.")
        clear_portal(tenant, state.principal, number)
        state.answer({"login": login, "portal": None}, f"'{login}' works here now.")
        return
    name, found = parse_id(record, tenant.model().object_names)
    set_portal(tenant, state.principal, number, name, found)
    state.answer({"login": login, "portal": record}, f"'{login}' belongs to {record}.")

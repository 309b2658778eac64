"""``trellis access``: who may do what, and why; what people belong to."""

from __future__ import annotations

import click

from trellis.access import Principal, memberships
from trellis.access.explain import ACTIONS, Explanation, explain_access
from trellis.access.people import everybody, what, who
from trellis.cli.state import State, pass_state
from trellis.record_id import parse_id
from trellis.transaction.errors import NotFound


@click.group("access")
def command() -> None:
    """Who may do what, and why."""


@command.command("explain")
@click.argument("login")
@click.argument("record")
@click.option("--action", type=click.Choice(ACTIONS), default="read", show_default=True)
@pass_state
def explain(state: State, login: str, record: str, action: str) -> None:
    """Why may LOGIN do something with RECORD, or why not? Lists every independent way and what would end it."""
    tenant = state.tenant
    asked = _person(state, login)
    with tenant.database.reading() as connection:
        model = tenant.model_in(connection)
        name, number = parse_id(record, model.object_names)
        found = explain_access(connection, model, asked, model.object(name), number, action)
    state.answer(found.to_json(), _text(found, login, record))


def _text(found: Explanation, login: str, record: str) -> str:
    answer = "may" if found.allowed else "may not"
    lines = [f"{login} {answer} {found.action} {record}."]
    lines += [f"  because {p.text['en']}" for p in found.paths]
    lines += [f"  {r['en']}" for r in found.reasons]
    if found.right:
        lines.append(f"  the right '{found.action}' comes from: {', '.join(found.right)}")
    lines += [f"  to grant: {dict(c)}" for c in found.grant]
    lines += [f"  to revoke: {dict(c)}" for c in found.revoke]
    return "\n".join(lines)


@command.command("who")
@click.argument("record")
@click.option("--action", type=click.Choice(["read", "edit"]), default="read", show_default=True)
@pass_state
def who_may(state: State, record: str, action: str) -> None:
    """Who may read or edit RECORD?"""
    tenant = state.tenant
    with tenant.database.reading() as connection:
        model = tenant.model_in(connection)
        name, number = parse_id(record, model.object_names)
        found = who(tenant, connection, model, model.object(name), number, action)
        people = [{"id": model.env.format_id("user", p.user or 0), "name": p.name} for p in found]
    state.answer({"people": people}, "\n".join(f"{p['id']}  {p['name']}" for p in people))


@command.command("what")
@click.argument("login")
@pass_state
def what_may(state: State, login: str) -> None:
    """What may LOGIN do, and how many records does he reach?"""
    tenant = state.tenant
    with tenant.database.reading() as connection:
        found = what(tenant, connection, tenant.model_in(connection), _person(state, login))
    lines = [
        f"{o['object']:24} read {o['readable']:>8}  edit {o['editable']:>8}  {'create ' if o['create'] else ''}{'delete' if o['delete'] else ''}"
        for o in found
    ]
    state.answer({"objects": found}, "\n".join(lines))


@command.command("members")
@click.option("--login", help="Only this person's.")
@pass_state
def members(state: State, login: str | None) -> None:
    """List what people belong to."""
    tenant = state.tenant
    user = state.user_number(login) if login else None
    with tenant.database.reading() as connection:
        model = tenant.model_in(connection)
        found = [m.to_json(model) for m in memberships.memberships(connection, user=user)]
    state.answer({"memberships": found}, "\n".join(f"{m['id']:6} {m['user']}  {m['kind']} {m['name']}" for m in found))


@command.command("add")
@click.argument("login")
@click.argument("kind", type=click.Choice(memberships.KINDS))
@click.argument("name")
@click.option("--from", "starts", type=click.DateTime(["%Y-%m-%d"]), help="First day.")
@click.option("--until", "ends", type=click.DateTime(["%Y-%m-%d"]), help="Last day.")
@pass_state
def add(state: State, login: str, kind: str, name: str, starts: object, ends: object) -> None:
    """Let LOGIN belong to a role, group, unit (tree.unit) or permission set."""
    days = [d.date() if d is not None else None for d in (starts, ends)]  # type: ignore[attr-defined]
    number = memberships.add(state.tenant, state.user_number(login), kind, name, starts_on=days[0], ends_on=days[1])
    state.answer({"id": number}, f"{login} belongs to {kind} '{name}' ({number}).")


@command.command("remove")
@click.argument("number", type=int)
@pass_state
def remove(state: State, number: int) -> None:
    """End the membership NUMBER."""
    memberships.remove(state.tenant, number)
    state.answer({"removed": number}, f"Membership {number} is ended.")


def _person(state: State, login: str) -> Principal:
    number, tenant = state.user_number(login), state.tenant
    with tenant.database.reading() as connection:
        found = next((p for p in everybody(tenant, connection, tenant.model_in(connection)) if p.user == number), None)
    if found is None:
        raise NotFound(f"'{login}' cannot log in.")
    return found

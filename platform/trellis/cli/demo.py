"""``trellis demo``: a tenant with the packs and realistic data, people who can log in, and the server."""

from __future__ import annotations

import click
import sqlalchemy as sa

from trellis.access.accounts import create_user, give_account
from trellis.cli.state import State, pass_state
from trellis.packs import install, load_demo
from trellis.packs.demo.access import assign_access
from trellis.tenant import Tenant

TENANT = "demo"
PACKS = ("crm",)
PASSWORD = "trellis-demo"
SETTINGS = {
    "organisation": "Corvid Trading",
    "currency": "CNY",
    "country": "CN",
    "time_zone": "Asia/Shanghai",
    "language": "en",
}


@click.command("demo")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--serve/--no-serve", default=True, help="Start the server, or only prepare the data.")
@pass_state
def command(state: State, port: int, serve: bool) -> None:
    """Run the product with its packs and demo data on 127.0.0.1."""
    if TENANT not in state.runtime.names():
        state.err.print("Preparing the demo: packs, about 2,000 records, people …")
        try:
            prepare(state.runtime.create_tenant(TENANT, settings=dict(SETTINGS)))
        except BaseException:
            state.runtime.drop_tenant(TENANT)  # all or nothing: the command can be given again
            raise
    logins = people(state.runtime.tenant(TENANT))
    lines = [f"  {login:18} {PASSWORD:14} {name}" for login, name in logins]
    text = "\n".join(
        [
            f"Trellis runs on http://127.0.0.1:{port}/",
            "",
            f"  {'login':18} {'password':14} who",
            *lines,
            "",
            "Stop with Ctrl-C.",
        ]
    )
    state.answer(
        {"url": f"http://127.0.0.1:{port}/", "password": PASSWORD, "logins": [login for login, _ in logins]}, text
    )
    if serve:
        from trellis.server import serve as run

        state.runtime.close()
        run(state.home, port=port, database_url=state.database_url, tenant=TENANT)


def prepare(tenant: Tenant) -> None:
    """Install the packs with their demo data; give everybody the demo password."""
    create_user(tenant, login="admin", name="Ada Admin", password=PASSWORD, admin=True, title="Administrator")
    for name in PACKS:
        install(tenant, name)
        load_demo(tenant, name)
        assign_access(tenant, name)
    for number, login in _users(tenant):
        if login != "admin":
            give_account(tenant, number, login, password=PASSWORD)


def _users(tenant: Tenant) -> list[tuple[int, str]]:
    with tenant.database.reading() as connection:
        user = tenant.model_in(connection).object("user")
        rows = connection.execute(
            sa.select(user.table.c.id, user.fields["login"].column).order_by(user.table.c.id)
        ).all()
    return [(row[0], row[1]) for row in rows]


def people(tenant: Tenant) -> list[tuple[str, str]]:
    """Return login and description of everybody who can log in."""
    with tenant.database.reading() as connection:
        user = tenant.model_in(connection).object("user")
        f = user.fields
        rows = connection.execute(
            sa.select(f["login"].column, f["name"].column, f["title"].column).order_by(user.table.c.id)
        ).all()
    return [(row[0], f"{row[1]}, {row[2]}" if row[2] else row[1]) for row in rows]

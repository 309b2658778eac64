"""``trellis currency``: the organisation's dated exchange rates."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation

import click
from rich.console import Console
from rich.table import Table

from trellis.cli.state import State, pass_state
from trellis.clock import today
from trellis.money import currencies


@click.group("currency")
def command() -> None:
    """Exchange rates to the organisation's currency."""


@command.command("list")
@pass_state
def list_rates(state: State) -> None:
    """Show all rates, the newest of each currency first."""
    with state.tenant.database.reading() as connection:
        state.tenant.model_in(connection)
        rates = state.tenant.rates.all(connection)
    rows = [{"currency": c, "from": d.isoformat(), "rate": str(r)} for c, d, r in rates]

    def show(console: Console) -> None:
        table = Table(f"1 unit in {state.tenant.settings['currency']}", "from", "rate", box=None)
        for row in rows:
            table.add_row(row["currency"], row["from"], row["rate"])
        console.print(table if rows else "No rates yet. Add one with 'trellis currency set EUR 7.85'.")

    state.answer({"currency": state.tenant.settings["currency"], "rates": rows}, show)


@command.command("set")
@click.argument("code")
@click.argument("rate")
@click.option("--from", "starts_on", type=click.DateTime(["%Y-%m-%d"]), help="First day of the rate; default: today.")
@pass_state
def set_rate(state: State, code: str, rate: str, starts_on: datetime | None) -> None:
    """Say that one unit of CODE is worth RATE of the organisation's currency from a day on."""
    code = code.upper()
    if code not in currencies():
        raise click.BadParameter(f"'{code[:10]}' is not an ISO 4217 currency code.", param_hint="CODE")
    if code == state.tenant.settings["currency"]:
        raise click.BadParameter(f"{code} is the organisation's own currency.", param_hint="CODE")
    value, day = _positive(rate), starts_on.date() if starts_on else today(state.tenant.clock, state.tenant.time_zone)
    with state.tenant.database.writing() as connection:
        state.tenant.rates.set(connection, code, day, value)
    text = f"1 {code} = {value} {state.tenant.settings['currency']} from {day}."
    state.answer({"currency": code, "from": day.isoformat(), "rate": str(value)}, text)


def _positive(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(0)
    if not value.is_finite() or not Decimal("1e-9") <= value <= Decimal("1e9"):
        raise click.BadParameter(f"'{text[:40]}' is not a rate: a number above zero, such as 7.85.", param_hint="RATE")
    return value

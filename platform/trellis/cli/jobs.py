"""``trellis jobs``: background work that waits, runs, or was given up."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trellis.cli.state import State, pass_state
from trellis.jobs import monitor


@click.group("jobs")
def command() -> None:
    """Background jobs: list, show, retry, cancel."""


@command.command("list")
@click.option(
    "--state", "wanted", type=click.Choice(monitor.STATES), help="Only jobs in this state; 'dead' was given up."
)
@click.option("--topic", help="Only jobs of this topic.")
@click.option("--limit", type=click.IntRange(1, monitor.MOST), default=50, show_default=True)
@click.option("--before", type=int, help="Only jobs with a smaller id: the next page.")
@pass_state
def list_jobs(state: State, wanted: str | None, topic: str | None, limit: int, before: int | None) -> None:
    """List jobs, newest first, and how things stand."""
    tenant = state.tenant
    with tenant.database.reading() as connection:
        found = monitor.jobs(connection, state=wanted, topic=topic, limit=limit, before=before)
        health = monitor.health(connection, tenant.clock.now())
    state.answer({"jobs": found, "health": health}, lambda out: _list(out, found, health))


def _list(out: Console, found: list[dict[str, Any]], health: dict[str, Any]) -> None:
    table = Table("job", "topic", "state", "due", "attempts", "progress", "reason", box=None)
    for row in found:
        progress = f"{row['done']}/{row['total']}" if row["total"] else ""
        due = f"{row['due_at']:%Y-%m-%d %H:%M:%S}"
        reason = " ".join((row["error"] or "").split())[:60]
        table.add_row(str(row["id"]), row["topic"], row["state"], due, str(row["attempts"]), progress, escape(reason))
    if found:
        out.print(table)
    waiting = f", the oldest for {health['waiting_s']} s" if health["due"] else ""
    dead = health["states"]["dead"]
    out.print(f"{health['due']} due{waiting}; {health['states']['running']} running; {dead} given up.")


@command.command("show")
@click.argument("job", type=int)
@pass_state
def show(state: State, job: int) -> None:
    """Show the job JOB with what it is to do and why it failed."""
    with state.tenant.database.reading() as connection:
        found = monitor.job_of(connection, job)
    state.answer(found, "\n".join(f"{key:<13}{value}" for key, value in found.items() if value is not None))


@command.command("retry")
@click.argument("jobs", type=int, nargs=-1)
@click.option("--all-dead", is_flag=True, help=f"Everything that was given up, {monitor.MOST} at a time.")
@click.option("--topic", help="With --all-dead: only of this topic.")
@pass_state
def retry(state: State, jobs: tuple[int, ...], all_dead: bool, topic: str | None) -> None:
    """Try JOBS again at once: given up ones begin anew, failed ones do not wait."""
    tenant = state.tenant
    if all_dead == bool(jobs) or (topic and not all_dead):
        raise click.UsageError("Name jobs, or use --all-dead, for which --topic may choose.")
    if all_dead:
        with tenant.database.reading() as connection:
            dead = monitor.jobs(connection, state="dead", topic=topic, limit=monitor.MOST)
        jobs = tuple(row["id"] for row in dead)
    done = monitor.retry(tenant, state.principal, jobs)
    _told(state, jobs, done, "will be tried again")


@command.command("cancel")
@click.argument("jobs", type=int, nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Cancel without asking.")
@pass_state
def cancel(state: State, jobs: tuple[int, ...], yes: bool) -> None:
    """Take JOBS back. Those that run stop at their next step."""
    state.confirm(f"Cancel {len(jobs)} job(s)?", yes=yes)
    done = monitor.cancel(state.tenant, state.principal, jobs)
    _told(state, jobs, done, "cancelled")


def _told(state: State, asked: tuple[int, ...], done: list[int], what: str) -> None:
    left = sorted(set(asked) - set(done))
    text = f"{len(done)} job(s) {what}."
    if left:
        text += f" In no state for it, or unknown: {', '.join(map(str, left))}."
    state.answer({"done": done, "left": left}, text)

"""``trellis automation``: what automations do, did and would do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from trellis.access import Cause
from trellis.automation import hooks, seeing, steering
from trellis.automation.catalogue import catalogue_of
from trellis.automation.trying import dry_run
from trellis.cli.state import State, existing, pass_state
from trellis.rules.reader import Onlooker


@click.group("automation")
def command() -> None:
    """Automations: what they do, did and would do."""


def _reader(state: State, connection: Any) -> Onlooker:
    tenant = state.tenant
    return Onlooker(tenant, connection, tenant.model_in(connection), state.principal, tenant.clock.now())


@command.command("list")
@pass_state
def list_automations(state: State) -> None:
    """List automations with the number of their runs."""
    with state.tenant.database.reading() as connection:
        reader = _reader(state, connection)
        numbers, found = seeing.counts(reader), catalogue_of(reader.model).automations
    entries: list[dict[str, Any]] = [
        {
            "name": name,
            "object": a.object,
            "active": a.definition.active,
            "on": [t.on for t in a.triggers],
            "runs": numbers.get(name, {}),
        }
        for name, a in found.items()
    ]
    lines = [
        f"{e['name']}  {'on' if e['active'] else 'off'}  {e['object'] or '-'}  {', '.join(e['on'])}  "
        + ", ".join(f"{n} {s}" for s, n in sorted(e["runs"].items()))
        for e in entries
    ]
    state.answer({"automations": entries}, "\n".join(lines) or "There are none.")


@command.command("runs")
@click.option("--automation", help="Only this automation.")
@click.option("--state", "wanted", type=click.Choice(seeing.STATES), help="Only runs in this state.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many.")
@pass_state
def list_runs(state: State, automation: str | None, wanted: str | None, limit: int) -> None:
    """List runs, newest first."""
    with state.tenant.database.reading() as connection:
        found = seeing.runs_of(_reader(state, connection), automation=automation, state=wanted, limit=limit)
    lines = [
        f"{r['id']}  {r['state']}  {r['automation']}  {r['record'] or '-'}  {r['started_at'].isoformat()}"
        + (f"  {r['message']}" if r["message"] else "")
        for r in found
    ]
    state.answer({"runs": found}, "\n".join(lines) or "There are none.")


@command.command("dry-run")
@click.argument("automation")
@click.option("--record", help="Try it on the record with this id.")
@click.option("--events", type=click.IntRange(1, 50), help="Try it on the last changes of its object.")
@click.option("--body", type=click.Path(path_type=Path), help="A file with a message from outside.")
@pass_state
def try_automation(state: State, automation: str, record: str | None, events: int | None, body: Path | None) -> None:
    """Tell what AUTOMATION (a name, or the file of a document) would do. Nothing is kept, nothing leaves."""
    path = Path(automation)
    given: Any = json.loads(path.read_text("utf-8")) if path.suffix == ".json" and path.exists() else automation
    number = None
    if record is not None:
        model = state.tenant.model()
        owner = given["object"] if isinstance(given, dict) else catalogue_of(model).get(given).object
        number = model.env.parse_id(record, [str(owner)])[1]
    text = None if body is None else existing(body).read_text("utf-8")
    found = dry_run(state.tenant, state.principal, given, record=number, events=events or 0, body=text)
    state.answer({"results": found}, "\n".join(_told(entry) for entry in found) or "There were no changes.")


def _told(entry: dict[str, Any]) -> str:
    about = " ".join(str(entry[k]) for k in ("event", "record") if entry.get(k))
    if not entry["fires"]:
        return f"{about}: does not fire ({entry['reason']}); saw {entry['saw']}"
    steps = "; ".join(f"{s['step']} ({s['action']}): {s['outcome']}" for s in entry["steps"])
    failed = f" {entry['message']}" if entry["message"] else ""
    return f"{about}: fires; {steps}; {len(entry['changes'])} change(s).{failed}"


@command.command("retry")
@click.argument("run", type=int)
@pass_state
def retry_run(state: State, run: int) -> None:
    """Let the worker do a failed RUN again."""
    state.tenant.run(state.principal, Cause("cli"), lambda tx: steering.retry(tx, run))
    state.answer({"id": run, "state": "queued"}, f"Run {run} will be done again.")


@command.command("cancel")
@click.argument("run", type=int)
@pass_state
def cancel_run(state: State, run: int) -> None:
    """End a RUN that waits."""
    state.tenant.run(state.principal, Cause("cli"), lambda tx: steering.cancel(tx, run))
    state.answer({"id": run, "state": "cancelled"}, f"Run {run} is cancelled.")


@command.command("token")
@click.argument("automation")
@pass_state
def make_token(state: State, automation: str) -> None:
    """Give AUTOMATION a new secret address for messages from outside. It is told this once."""
    token = state.tenant.run(state.principal, Cause("cli"), lambda tx: hooks.new_token(tx, automation))
    state.answer({"url": f"/api/v1/hooks/{token}/{automation}"}, f"/api/v1/hooks/{token}/{automation}")

"""``trellis decision-table``: decision tables as CSV files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from trellis.cli.state import State, existing, pass_state
from trellis.decision_tables.csv_form import read_csv, write_csv
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.snapshot import Snapshot


@click.group("decision-table")
def command() -> None:
    """Decision tables as CSV files."""


def _table(snapshot: Snapshot, name: str) -> Mapping[str, Any]:
    found = snapshot.get("decision_table", name)
    if found is None:
        hint = did_you_mean(name, snapshot.of_kind("decision_table"))
        raise click.BadParameter(f"There is no decision table '{name[:60]}'.{hint}", param_hint="NAME")
    return found


@command.command("export")
@click.argument("name")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@pass_state
def export_table(state: State, name: str, file: Path | None) -> None:
    """Write the rows of the table NAME to FILE, or to standard output."""
    document = _table(state.tenant.model().snapshot, name)
    text = write_csv(document)
    if file is None:
        state.answer({"name": name, "csv": text}, text.rstrip("\r\n"))
        return
    file.write_bytes(text.encode("utf-8"))
    state.answer({"name": name, "file": str(file), "rows": len(document["rows"])}, f"Wrote {file}.")


@command.command("import")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Publish without asking.")
@pass_state
def import_table(state: State, name: str, file: Path, yes: bool) -> None:
    """Replace the rows of the table NAME by those of FILE, and publish that after showing the plan."""
    document = read_csv(_table(state.tenant.model().snapshot, name), existing(file).read_bytes())
    plan = state.tenant.publisher.plan_documents([document])
    said = plan.to_json("en")
    if not said["operations"]:
        state.answer({"version": None, "operations": []}, "Nothing changes.")
        return
    for operation in said["operations"]:
        state.err.print(operation["text"])
    state.confirm(f"Publish {len(said['operations'])} change(s)?", yes=yes)
    number = state.tenant.publisher.apply(plan, confirm=plan.hash, author=state.principal.user, note=f"import {name}")
    state.answer({"version": number, "operations": said["operations"]}, f"Published as version {number}.")

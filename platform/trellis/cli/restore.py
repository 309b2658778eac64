"""``trellis restore``: a tenant from an archive."""

from __future__ import annotations

from pathlib import Path

import click

from trellis.cli.state import State, existing, pass_state
from trellis.exchange.archive import read_manifest, restore_tenant, verify


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the tenant; default: the one that was archived.")
@click.option("--replace", is_flag=True, help="Remove a tenant of that name first.")
@click.option("--check", is_flag=True, help="Only verify the archive.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_state
def command(state: State, file: Path, name: str | None, replace: bool, check: bool, yes: bool) -> None:
    """Make a tenant from FILE. All of the archive is verified before anything is written."""
    existing(file)
    if check:
        manifest = verify(file)
        rows = sum(int(t["rows"]) for t in manifest.tables.values())
        state.answer(
            {
                "valid": True,
                "tenant": manifest.tenant,
                "created_at": manifest.created_at,
                "rows": rows,
                "files": len(manifest.files),
            },
            f"{file} is whole: '{manifest.tenant}' as of {manifest.created_at}, {rows:,} rows, {len(manifest.files)} file(s).",
        )
        return
    wanted = name or read_manifest(file).tenant
    if replace and wanted in state.runtime.names():
        state.confirm(f"Remove tenant '{wanted}' and put the archive in its place?", yes=yes)
    tenant = restore_tenant(state.runtime, file, wanted, replace=replace)
    state.answer(
        {"tenant": tenant.name, "version": tenant.model().version, "hash": tenant.model().snapshot.hash},
        f"Tenant '{tenant.name}' is restored, metadata version {tenant.model().version}.",
    )

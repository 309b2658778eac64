"""``trellis backup``: a tenant as one file, while the server runs."""

from __future__ import annotations

from pathlib import Path

import click

from trellis.cli.state import State, pass_state
from trellis.exchange.archive import backup


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@pass_state
def command(state: State, file: Path, overwrite: bool) -> None:
    """Write the tenant to FILE (zip): metadata, records, history, accounts, files and key.

    The archive shows one moment, can be restored on SQLite and PostgreSQL alike, and opens every secret of the tenant:
    keep it as you keep the server.
    """
    if file.exists() and not overwrite:
        state.confirm(f"'{file}' exists. Replace it?", yes=False)
    manifest = backup(state.tenant, file)
    rows = sum(t["rows"] for t in manifest["tables"])
    size = file.stat().st_size
    state.answer(
        {"file": str(file), "tenant": manifest["tenant"], "rows": rows, "files": len(manifest["files"]), "bytes": size},
        f"{file}: {rows:,} rows and {len(manifest['files'])} file(s) of '{manifest['tenant']}', {size:,} bytes.",
    )

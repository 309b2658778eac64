"""``trellis run``: the web server."""

from __future__ import annotations

import click

from trellis.cli.state import State, pass_state


@click.command("run")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes.")
@click.option("--threads", default=4, show_default=True, type=click.IntRange(1, 256), help="Threads per process.")
@pass_state
def command(state: State, host: str, port: int, workers: int, threads: int) -> None:
    """Serve the web UI and the REST API until stopped."""
    from trellis.server import serve

    if state.tenant_name is not None:
        state.runtime.tenant(state.tenant_name)
    state.err.print(f"Trellis on http://{host}:{port}/")
    serve(
        state.home,
        host=host,
        port=port,
        database_url=state.database_url,
        tenant=state.tenant_name,
        workers=workers,
        threads=threads,
    )

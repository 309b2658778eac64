"""The command line ``trellis``.

Each module beside this one that has a ``command`` is a command or a group of commands. Global options stand before the
command; ``--json`` may stand anywhere and gives one JSON document on standard output. Exit codes: see ``failures``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from trellis.cli import failures
from trellis.cli.discovery import commands
from trellis.cli.state import DEFAULT_HOME, State, pass_state


class Root(click.Group):
    """Finds its commands by discovery and turns every problem into a message and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(commands())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return commands().get(cmd_name)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        given = list(sys.argv[1:] if args is None else args)
        state = State(json="--json" in given)
        try:
            code = super().main(given, prog_name or "trellis", complete_var, standalone_mode=False, obj=state, **extra)
            code = code if isinstance(code, int) else failures.DONE
        except click.exceptions.Abort:
            code = _fail(state, failures.REFUSED, "aborted", "Stopped.")
        except click.ClickException as problem:
            if not state.json and isinstance(problem, click.UsageError):
                problem.show()
            code = _fail(
                state, failures.USAGE, "usage", problem.format_message(), shown=isinstance(problem, click.UsageError)
            )
        except Exception as problem:
            if state.json:
                state.answer(failures.to_json(problem), "")
            else:
                failures.show(problem, state.err)
            code = failures.exit_code(problem)
        finally:
            state.close()
        sys.exit(code)


def _fail(state: State, code: int, name: str, message: str, *, shown: bool = False) -> int:
    if state.json:
        state.answer({"error": {"code": name, "message": message}}, "")
    elif not shown:
        click.echo(message, err=True)
    return code


@click.command(cls=Root, context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": None})
@click.option(
    "--home",
    type=click.Path(path_type=Path),
    envvar="TRELLIS_HOME",
    default=DEFAULT_HOME,
    show_default=True,
    help="Folder with the data (also TRELLIS_HOME).",
)
@click.option(
    "--database-url",
    envvar="TRELLIS_DATABASE_URL",
    help="PostgreSQL instead of SQLite files (also TRELLIS_DATABASE_URL).",
)
@click.option(
    "--tenant",
    "tenant_name",
    envvar="TRELLIS_TENANT",
    help="Which tenant; not needed when there is one (also TRELLIS_TENANT).",
)
@click.option("--as", "login", help="Act with the rights of this user; default: as administrator.")
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON document.")
@click.version_option(package_name="trellis-crm", prog_name="trellis")
@pass_state
def root(
    state: State, home: Path, database_url: str | None, tenant_name: str | None, login: str | None, as_json: bool
) -> None:
    """Trellis: a CRM platform that interprets JSON metadata."""
    state.home, state.database_url, state.tenant_name, state.login = home, database_url or None, tenant_name, login
    state.json = state.json or as_json


def main() -> None:
    """Run the command line."""
    root()

"""What every command shares: where the data is, who acts, and how answers are written."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import click
import orjson
import sqlalchemy as sa
from rich.console import Console

from trellis.access import Principal
from trellis.runtime import Runtime
from trellis.tenant import Tenant
from trellis_metadata.errors import TrellisError

DEFAULT_HOME = Path("var/trellis")


class NoTenant(TrellisError):
    """The command needs a tenant and none was named."""

    code = "no_tenant"


class FileMissing(TrellisError):
    """A file or folder that was named does not exist."""

    code = "file_not_found"


class Declined(TrellisError):
    """A question was answered with no, or could not be asked."""

    code = "confirmation_required"


@dataclass
class State:
    """The global options, with what follows from them, opened when it is first used."""

    home: Path = DEFAULT_HOME
    database_url: str | None = None
    tenant_name: str | None = None
    login: str | None = None
    json: bool = False
    answered: bool = False
    _opened: list[Runtime] = field(default_factory=list)

    @cached_property
    def runtime(self) -> Runtime:
        """The runtime over the home folder."""
        runtime = Runtime(self.home, database_url=self.database_url)
        self._opened.append(runtime)
        return runtime

    @cached_property
    def tenant(self) -> Tenant:
        """The tenant that was named, or the only one."""
        if self.tenant_name is not None:
            return self.runtime.tenant(self.tenant_name)
        names = self.runtime.names()
        if len(names) == 1:
            return self.runtime.tenant(names[0])
        raise NoTenant(
            "There is no tenant yet. Run 'trellis init' first."
            if not names
            else f"There are {len(names)} tenants: {', '.join(names[:10])}. Name one with --tenant."
        )

    @cached_property
    def principal(self) -> Principal:
        """Who acts: the administrator at the machine, or the user named by ``--as``."""
        if self.login is None:
            return Principal("system", None, "command line", admin=True)
        from trellis.access.accounts import principal_of

        with self.tenant.database.reading() as connection:
            found = principal_of(self.tenant, connection, self.user_number(self.login))
        if found is None:
            raise click.BadParameter(f"The user '{self.login}' may not log in.", param_hint="--as")
        return found

    def user_number(self, login: str) -> int:
        """Return the number of the user with a login. Raises ``NotFound``."""
        from trellis.storage import system
        from trellis.transaction.errors import NotFound

        c = system.credential.c
        with self.tenant.database.reading() as connection:
            number = connection.execute(sa.select(c.user).where(c.login == login.casefold())).scalar()
        if number is None:
            raise NotFound(f"There is no user with the login '{login[:80]}'.")
        return int(number)

    @property
    def out(self) -> Console:
        """The console of answers for people."""
        return Console(file=sys.stdout, highlight=False, soft_wrap=True)

    @property
    def err(self) -> Console:
        """The console of messages; silent with ``--json``."""
        return Console(file=sys.stderr, highlight=False, soft_wrap=True, quiet=self.json)

    def answer(self, value: Any, show: Callable[[Console], None] | str) -> None:
        """Write the answer of a command: ``value`` as the one JSON document, or ``show`` for people."""
        self.answered = True
        if self.json:
            click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS, default=str).decode())
        elif isinstance(show, str):
            click.echo(show)
        else:
            show(self.out)

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask before something that cannot be taken back. Raises :class:`Declined`; without a terminal ``--yes`` is needed."""
        if yes:
            return
        if self.json or not sys.stdin.isatty():
            raise Declined(f"{question} Repeat with --yes to confirm.")
        if not click.confirm(question, default=False, err=True):
            raise Declined("Nothing was changed.")

    def close(self) -> None:
        """Close what was opened."""
        for runtime in self._opened:
            runtime.close()


pass_state = click.make_pass_decorator(State)


def existing(path: Path, *, folder: bool = False) -> Path:
    """Return ``path`` if it is there. Raises :class:`FileMissing`."""
    if not (path.is_dir() if folder else path.is_file()):
        raise FileMissing(f"There is no {'folder' if folder else 'file'} '{path}'.")
    return path

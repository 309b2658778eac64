"""A PostgreSQL cluster for one run: started from the installed binaries, thrown away at the end.

``with temporary_cluster() as cluster:`` gives ``cluster.url`` (of the maintenance database),
``cluster.create_database()`` and ``cluster.drop_database(url)``. The server never runs as root: a caller who is root
runs it as user ``postgres``. It keeps no promise about a power failure (``fsync=off``) and ends with the block, on
Ctrl-C, and when the caller dies.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

START_ATTEMPTS = 3
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 20
_OWNER = "postgres"
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "autovacuum": "on",
    "jit": "off",
    "listen_addresses": "127.0.0.1",
    "timezone": "Asia/Shanghai",  # not UTC, so that a forgotten zone shows
    "log_min_messages": "fatal",
}


class PostgresMissing(RuntimeError):
    """No PostgreSQL server is installed and none could be."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running server on 127.0.0.1."""

    port: int
    folder: Path
    pid: int

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the maintenance database."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://{_OWNER}@127.0.0.1:{self.port}/{database}"

    def new_url(self) -> str:
        """Return the SQLAlchemy URL of a database that does not exist yet."""
        return self.url_of(f"t_{uuid.uuid4().hex}")

    def create_database(self) -> str:
        """Create an empty database and return its URL."""
        url = self.new_url()
        self._execute(f'CREATE DATABASE "{_name(url)}"')
        return url

    def copy_database(self, source: str, target: str) -> None:
        """Make the new database ``target`` a copy of the one behind ``source``, which nobody may have open."""
        with _connect(self.port, self.folder) as connection:
            # Before version 15 files are copied without being asked; the new way writes each page to the log.
            strategy = " STRATEGY FILE_COPY" if connection.info.server_version >= 150000 else ""
            connection.execute(f'CREATE DATABASE "{_name(target)}" TEMPLATE "{_name(source)}"{strategy}'.encode())

    def drop_database(self, url: str) -> None:
        """Drop the database behind ``url``, ending whatever is still connected."""
        self._execute(f'DROP DATABASE IF EXISTS "{_name(url)}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        with _connect(self.port, self.folder) as connection:
            connection.execute(statement.encode())


def _name(url: str) -> str:
    return url.rpartition("/")[2]


@contextlib.contextmanager
def temporary_cluster(**settings: str) -> Iterator[Cluster]:
    """Start a server in a temporary folder, yield it, stop it and remove the folder. ``settings`` are the server's."""
    binaries = find_binaries()
    folder = Path(tempfile.mkdtemp(prefix="trellis-pg-"))
    account = _account()
    server: subprocess.Popen[bytes] | None = None
    try:
        if account:
            os.chown(folder, account["user"], account["group"])
        _initialise(binaries, folder, account)
        for attempt in range(START_ATTEMPTS):
            port = _free_port()
            server = _start(binaries, folder, port, account, settings)
            if _is_up(server, port, folder):
                break
            if attempt == START_ATTEMPTS - 1:
                raise RuntimeError(f"PostgreSQL did not start:\n{(folder / 'log').read_text()}")
        assert server is not None
        yield Cluster(port, folder, server.pid)
    finally:
        if server is not None:
            _stop(server)
        shutil.rmtree(folder, ignore_errors=True)


def find_binaries() -> Path:
    """Return the folder of the newest installed server's programs; install one when that is possible."""
    for attempt in range(2):
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
        if found:
            return found[-1].parent
        program = shutil.which("initdb")
        if program:
            return Path(program).resolve().parent
        if attempt == 0 and not _install():
            break
    raise PostgresMissing(
        "No PostgreSQL server programs were found under /usr/lib/postgresql. Install the package 'postgresql'."
    )


def _install() -> bool:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-q", "-y", "--no-install-recommends", "postgresql"],
    ):
        if subprocess.run(command, env=environment, stdout=subprocess.DEVNULL).returncode:
            return False
    return True


def _account() -> dict[str, Any]:
    """Return the arguments that make a child run as the server's owner; none when the caller is not root."""
    if os.geteuid() != 0:
        return {}
    try:
        owner = pwd.getpwnam(_OWNER)
    except KeyError:
        subprocess.run(["useradd", "--system", "--no-create-home", _OWNER], check=True)
        owner = pwd.getpwnam(_OWNER)
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _initialise(binaries: Path, folder: Path, account: dict[str, Any]) -> None:
    # The default collation is a language's, not bytes, so that a column that forgot to ask for code points shows.
    command = [
        binaries / "initdb",
        "-D",
        folder / "data",
        "-U",
        _OWNER,
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-sync",
        "--no-locale",
    ]
    known = subprocess.run([binaries / "initdb", "--help"], capture_output=True, text=True).stdout
    if "--icu-locale" in known:
        command += ["--locale-provider=icu", "--icu-locale=en-US"]
    done = subprocess.run(
        list(map(str, command)), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **account
    )
    if done.returncode:
        raise RuntimeError(f"initdb failed:\n{done.stdout}")


def _start(
    binaries: Path, folder: Path, port: int, account: dict[str, Any], more: dict[str, str]
) -> subprocess.Popen[bytes]:
    settings = {**_SETTINGS, **more, "port": str(port), "unix_socket_directories": str(folder)}
    command = [
        str(binaries / "postgres"),
        "-D",
        str(folder / "data"),
        *(part for key, value in settings.items() for part in ("-c", f"{key}={value}")),
    ]
    if shutil.which("setpriv"):
        command = ["setpriv", "--pdeathsig", "INT", *command]  # fast shutdown when the caller is killed
    with open(folder / "log", "wb") as log:
        # A session of its own: Ctrl-C in the terminal reaches the tests, which then stop the server in order.
        return subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True, **account)


def _is_up(server: subprocess.Popen[bytes], port: int, folder: Path) -> bool:
    """Wait until the server answers; False when it ended, for instance because another process took the port."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while server.poll() is None and time.monotonic() < deadline:
        try:
            _connect(port, folder).close()
            return True
        except psycopg.OperationalError:
            time.sleep(0.05)
    return False


def _connect(port: int, folder: Path) -> psycopg.Connection[Any]:
    # By its socket: the folder is this server's alone, a port may have come to another's.
    return psycopg.connect(
        host=str(folder), port=port, user=_OWNER, dbname="postgres", autocommit=True, connect_timeout=10
    )


def _stop(server: subprocess.Popen[bytes]) -> None:
    for stop in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if server.poll() is not None:
            return
        server.send_signal(stop)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(STOP_TIMEOUT_S)

"""Real processes of the product that can be killed: the server, the worker, and any piece of Python."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
START_TIMEOUT_S = 60


def start(*command: str, **environment: str) -> subprocess.Popen[str]:
    """Start Python with ``command`` in a process group of its own, so that its children die with it."""
    return subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=TESTS,
        env={**os.environ, "TRELLIS_API_LIMIT": "off", **environment},
        start_new_session=True,
    )


def kill(process: subprocess.Popen[str]) -> str:
    """Kill a process and its children with SIGKILL; return what it had still to say."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    said = process.stdout.read() if process.stdout is not None else ""
    process.wait()
    return said


@dataclass
class Server:
    """``trellis run`` on a port of its own. ``call`` speaks to its API; it raises OSError when the server is gone."""

    home: Path
    database_url: str
    token: str
    port: int = 0
    process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Server:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        options = ["--home", str(self.home), "--tenant", "acme"]
        if not self.database_url.startswith("sqlite"):
            options += ["--database-url", self.database_url]
        self.process = start("-m", "trellis", *options, "run", "--port", str(self.port))
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.call("GET", "/openapi.json")[0] == 200:
                    return self
            assert self.process.poll() is None, "the server ended by itself"
            time.sleep(0.05)
        raise AssertionError("the server did not come up")

    def __exit__(self, *_: object) -> None:
        assert self.process is not None
        kill(self.process)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Send a request to an address below ``/api/v1``; return the status and the JSON of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = None if body is None else json.dumps(body)
            named = {k.replace("_", "-"): v for k, v in headers.items()}
            wanted = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **named}
            connection.request(method, f"/api/v1{path}", sent, wanted)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        finally:
            connection.close()


@contextlib.contextmanager
def killed_after(process: subprocess.Popen[str], seconds: float) -> Iterator[None]:
    """Kill ``process`` after the block and a pause."""
    try:
        yield
        time.sleep(seconds)
    finally:
        kill(process)

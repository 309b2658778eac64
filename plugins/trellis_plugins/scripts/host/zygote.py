"""Starts the zygote and asks it for workers."""

from __future__ import annotations

import array
import importlib.util
import json
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from trellis_plugins.scripts.host.errors import SandboxUnavailable

START_S = 20.0
ANSWER_S = 5.0
_BOOT = "import sys, json; sys.path.extend(json.loads(sys.argv[2])); from trellis_plugins.scripts.jail.zygote import main; main(sys.argv[1:])"


class Zygote:
    """One zygote process. Every method may be called from any thread; raises :class:`SandboxUnavailable` once it is gone."""

    def __init__(self, flags: dict[str, Any]) -> None:
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(START_S)
        self._process = _start(flags, theirs)
        theirs.close()
        try:
            self.ready = self._answer()
        except SandboxUnavailable:
            self.close()
            raise
        self._control.settimeout(ANSWER_S)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def fork(self, theirs: socket.socket, memory_mb: int, cpu_s: int) -> int:
        """Make a worker that serves the socket ``theirs``; return its number."""
        message = json.dumps({"op": "fork", "memory_mb": memory_mb, "cpu_s": cpu_s}).encode()
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [theirs.fileno()]))]
        with self._lock:
            try:
                self._control.sendmsg([message], rights)
            except OSError:
                raise SandboxUnavailable("The process that starts script workers is gone.") from None
            return int(self._answer()["pid"])

    def end(self, pid: int) -> dict[str, Any]:
        """Kill and reap a worker; return how it ended."""
        with self._lock:
            try:
                self._control.send(json.dumps({"op": "end", "pid": pid}).encode())
                return self._answer()
            except (OSError, SandboxUnavailable):
                # Workers die with their zygote.
                return {"signal": 9, "code": 0, "cpu_ms": 0, "peak_kb": 0}

    def _answer(self) -> dict[str, Any]:
        try:
            data = self._control.recv(4096)
        except OSError as error:
            # INVARIANT: after a missing answer the next one would be another question's.
            self._process.kill()
            raise SandboxUnavailable(f"The process that starts script workers does not answer ({error}).") from None
        if not data:
            raise SandboxUnavailable("The process that starts script workers is gone.")
        answer: dict[str, Any] = json.loads(data)
        return answer

    def close(self) -> None:
        """End the zygote and with it all of its workers."""
        self._control.close()
        self._process.kill()
        self._process.wait()


def _start(flags: dict[str, Any], control: socket.socket) -> subprocess.Popen[bytes]:
    paths = _import_paths()
    # ``-I`` would ignore PYTHONHASHSEED too, without which sets are ordered anew in each process.
    command = [sys.executable, "-s", "-S", "-P", "-X", "utf8", "-c", _BOOT, json.dumps(flags), json.dumps(paths)]
    environment = {"LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    place = control.fileno()
    return subprocess.Popen(
        [*command, str(place)],
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=None if flags.get("loud") else subprocess.DEVNULL,
        pass_fds=(place,),
    )


def _import_paths() -> list[str]:
    found = []
    for name in ("trellis_plugins", "RestrictedPython", "re2"):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise SandboxUnavailable(f"The library '{name}' is not installed; scripts need it.")
        found.append(str(Path(spec.origin).parents[1]))
    return list(dict.fromkeys(found))

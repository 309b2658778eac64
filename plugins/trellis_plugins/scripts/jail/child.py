"""A worker: locks itself down, then serves one host until that one ends it.

Messages of the host (JSON objects with ``op``): ``compile`` (source → code), ``load`` (key, code), ``run`` (key, mode, rows
…, see ``engine.Run``), ``probe`` (name). While a run goes on, the worker sends ``call`` messages and the host answers each.
"""

from __future__ import annotations

import base64
import gc
import os
import signal
import socket
import sys
import time
from types import CodeType
from typing import Any

from trellis_plugins.scripts.jail import engine, lockdown, probes, wire
from trellis_plugins.scripts.jail.compiler import compile_script, load
from trellis_plugins.scripts.jail.limits import RECURSION
from trellis_plugins.scripts.jail.source import SourceRefused

SOCKET = 3


class Options:
    """How the zygote was started: which walls it puts up, and whether raw code may run (tests of the second wall only)."""

    def __init__(self, *, landlock: bool, seccomp: bool, without_language: bool) -> None:
        self.landlock, self.seccomp, self.without_language = landlock, seccomp, without_language


def lock(options: Options, seccomp: lockdown.Seccomp | None, base: int, memory_mb: int, cpu_s: int) -> None:
    """Put up the second wall in this process. Raises :class:`LockdownFailed`."""
    os.dup2(os.open("/dev/null", os.O_RDWR), 0)
    os.dup2(0, 1)
    os.dup2(0, 2)
    lockdown.die_with_parent()
    lockdown.forbid_new_privileges()
    ruleset = lockdown.landlock_ruleset() if options.landlock else -1
    os.closerange(SOCKET + 1, max(ruleset, SOCKET + 1))
    os.closerange(max(ruleset, SOCKET) + 1, 256)
    for number in (signal.SIGALRM, signal.SIGPROF, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    if ruleset >= 0:
        lockdown.restrict_by_landlock(ruleset)
        os.close(ruleset)
    lockdown.limit_resources(base, memory_mb, cpu_s)
    if seccomp is not None:
        seccomp.apply()


class Child:
    """Serves messages."""

    def __init__(self, options: Options, channel: socket.socket) -> None:
        self.options, self.channel = options, channel
        self.codes: dict[str, CodeType] = {}

    def serve(self) -> None:
        """Answer until the host closes the connection."""
        sys.setrecursionlimit(RECURSION)
        while True:
            try:
                message = wire.load(wire.receive(self.channel, wire.MAX_REQUEST))
            except wire.Closed:
                return
            answer = self._answer(message)
            try:
                body = wire.dump(answer)
            except MemoryError:
                gc.collect()
                body = wire.dump({"outcome": "limit", "limit": ["memory", ""], "steps": 0, "log": []})
            if len(body) > wire.MAX_MESSAGE:
                body = wire.dump({"outcome": "limit", "limit": ["answer size", "4 MB"], "steps": 0, "log": []})
            wire.send(self.channel, body)

    def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        op = message["op"]
        if op == "run":
            return self._run(message)
        if op == "load":
            self.codes[message["key"]] = load(base64.b64decode(message["code"]))
            return {"outcome": "ok"}
        if op == "compile":
            return self._compile(message)
        if op == "probe":
            return self._probe(message["name"])
        if op == "raw" and self.options.without_language:
            return self._raw(message)
        return {"outcome": "unknown"}

    def _compile(self, message: dict[str, Any]) -> dict[str, Any]:
        self._arm(message["cpu_s"], message["wall_s"])
        try:
            made = compile_script(message["source"])
        except SourceRefused as refusal:
            problems = [{"line": p.line, "column": p.column, "message": p.message} for p in refusal.problems[:200]]
            return {"outcome": "refused", "problems": problems}
        except MemoryError:
            return {
                "outcome": "refused",
                "problems": [{"line": 0, "column": 0, "message": "The script needs too much memory."}],
            }
        finally:
            self._disarm()
        return {"outcome": "ok", "code": base64.b64encode(made.code).decode(), "names": made.names}

    def _run(self, message: dict[str, Any]) -> dict[str, Any]:
        before = time.process_time()
        run = engine.Run(message, self._call, self.codes[message["key"]])
        self._arm(run.limits.cpu_s, run.limits.wall_s)
        answer = run.go()
        self._disarm()
        return {**answer, "cpu_ms": round((time.process_time() - before) * 1000, 3)}

    def _call(self, name: str, arguments: Any) -> dict[str, Any]:
        wire.send(self.channel, wire.dump({"call": name, "args": arguments}))
        answer: dict[str, Any] = wire.load(wire.receive(self.channel, wire.MAX_REQUEST))
        return answer

    @staticmethod
    def _arm(cpu_s: float, wall_s: float) -> None:
        """Let the kernel end the process at its deadlines: nothing in Python can be late for this."""
        signal.setitimer(signal.ITIMER_PROF, cpu_s)
        signal.setitimer(signal.ITIMER_REAL, wall_s)

    @staticmethod
    def _disarm() -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)

    @staticmethod
    def _probe(name: str) -> dict[str, Any]:
        try:
            worked = probes.PROBES[name]()
        except BaseException as error:
            return {"outcome": "stopped", "by": type(error).__name__}
        return {"outcome": "worked" if worked else "stopped", "by": "result"}

    @staticmethod
    def _raw(message: dict[str, Any]) -> dict[str, Any]:
        """Run Python without the first wall: tests of the second one only, see ``Options``."""
        Child._arm(message["cpu_s"], message["wall_s"])
        scope: dict[str, Any] = {}
        try:
            exec(message["source"], scope)
        except BaseException as error:
            return {"outcome": "error", "error": f"{type(error).__name__}: {error}"[:500]}
        Child._disarm()
        return {"outcome": "ok", "result": str(scope.get("result"))[:500]}

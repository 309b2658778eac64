"""One worker, as the host holds it: whatever it sends, the worst outcome is to lose it."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable
from typing import Any

import orjson

from trellis_plugins.scripts.host.errors import WorkerLost
from trellis_plugins.scripts.host.zygote import Zygote
from trellis_plugins.scripts.jail import wire

GRACE_S = 0.25
MAX_CALLS = 20_000
"""In one run. Each is counted by what it does too; this ends a worker that asks for nothing, again and again."""
OnCall = Callable[[str, list[Any]], dict[str, Any]]
_ENDS = {
    signal.SIGALRM: ("wall time", "wall_s"),
    signal.SIGPROF: ("CPU time", "cpu_s"),
    signal.SIGXCPU: ("CPU time", "cpu_s"),
}
_OUTCOMES = frozenset({"ok", "error", "limit", "refused", "stopped", "worked", "unknown"})


class Worker:
    """A locked-down process that serves one transaction of one pack. Not safe for several threads at once."""

    def __init__(self, zygote: Zygote, memory_mb: int, cpu_s: int) -> None:
        self.zygote = zygote
        self.memory_mb = memory_mb
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.pid = zygote.fork(theirs, memory_mb, cpu_s)
        except BaseException:
            self._channel.close()
            raise
        finally:
            theirs.close()
        self.loaded: set[str] = set()
        self.ended: dict[str, Any] | None = None

    def request(
        self, message: dict[str, Any], *, wall_s: float, cpu_s: float = 0.0, on_call: OnCall | None = None
    ) -> dict[str, Any]:
        """Send ``message`` and return the answer; calls that come before it are answered by ``on_call``.

        Raises :class:`WorkerLost`, after which the worker is no more: it died, was late, or sent what is not a message.
        """
        deadline = time.monotonic() + wall_s + GRACE_S
        limits = {"wall_s": wall_s, "cpu_s": cpu_s or wall_s}
        try:
            wire.send(self._channel, orjson.dumps(message))
            for _ in range(MAX_CALLS):
                answer = self._receive(deadline)
                if "call" not in answer:
                    return self._checked(answer)
                wire.send(self._channel, orjson.dumps(self._answer_call(answer, on_call)))
            raise WorkerLost("called too often", limit=("calls", MAX_CALLS))
        except TimeoutError:
            self.close()
            raise WorkerLost("did not answer in time", limit=("wall time", f"{wall_s:g} s")) from None
        except WorkerLost:
            self.close()
            raise
        except (wire.Closed, OSError) as error:
            raise self._lost(limits, str(error)) from None
        except BaseException:
            # INVARIANT: a worker whose conversation ended in the middle is never used again.
            self.close()
            raise

    def _receive(self, deadline: float) -> dict[str, Any]:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._channel.settimeout(left)
        try:
            answer = orjson.loads(wire.receive(self._channel, wire.MAX_MESSAGE))
        except (wire.TooLarge, ValueError, RecursionError) as error:
            raise WorkerLost(f"sent what is no message ({type(error).__name__})") from None
        if not isinstance(answer, dict):
            raise WorkerLost("sent what is no message (not an object)")
        return answer

    @staticmethod
    def _checked(answer: dict[str, Any]) -> dict[str, Any]:
        if answer.get("outcome") not in _OUTCOMES:
            raise WorkerLost("sent what is no message (unknown outcome)")
        return answer

    @staticmethod
    def _answer_call(message: dict[str, Any], on_call: OnCall | None) -> dict[str, Any]:
        name, arguments = message.get("call"), message.get("args")
        if on_call is None or not isinstance(name, str) or not isinstance(arguments, list):
            raise WorkerLost("sent a call that is none")
        return on_call(name, arguments)

    def _lost(self, limits: dict[str, float], why: str) -> WorkerLost:
        ended = self.close()
        number = ended["signal"]
        if number in _ENDS:
            name, key = _ENDS[signal.Signals(number)]
            return WorkerLost("reached its time", limit=(name, f"{limits[key]:g} s"), signal=number)
        if number == signal.SIGSYS:
            return WorkerLost("made a forbidden system call", signal=number)
        if number == signal.SIGSEGV:
            return WorkerLost("used up its stack", limit=("stack", "16 MB"), signal=number)
        if ended["code"] == 70 or number == signal.SIGABRT:
            return WorkerLost(
                "ran out of memory or could not be locked", limit=("memory", f"{self.memory_mb} MB"), signal=number
            )
        return WorkerLost(f"ended (signal {number}, code {ended['code']}): {why}", signal=number)

    def close(self) -> dict[str, Any]:
        """Kill the worker; return how it ended: signal, code, CPU time in ms, largest memory in KB."""
        if self.ended is None:
            try:
                # A worker that is dying gets to finish, so that its own reason is what is reported.
                self._channel.settimeout(0.0)
                self._channel.close()
            finally:
                self.ended = self.zygote.end(self.pid)
        return self.ended

"""The sandbox of a process: its zygote, a stock of spare workers, the self-test, and the decision to run at all."""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from trellis_plugins.scripts.host import walls
from trellis_plugins.scripts.host.errors import SandboxUnavailable, ScriptRefused, WorkerLost
from trellis_plugins.scripts.host.selftest import examine_walls
from trellis_plugins.scripts.host.worker import Worker
from trellis_plugins.scripts.host.zygote import Zygote
from trellis_plugins.scripts.jail.limits import ASYNCHRONOUS, SYNCHRONOUS, Limits

log = logging.getLogger("trellis.scripts")
SPARES = 2
SELF_TEST_S = 3600.0
RESTART_S = 24 * 3600.0
COMPILE_S = 5.0
KEPT_CODES = 500


@dataclass(frozen=True, slots=True)
class Code:
    """Compiled code, which the host never looks into. ``names`` are the global names that the script reads."""

    key: str
    body: str
    names: frozenset[str]


class Sandbox:
    """Safe to share between threads. ``production`` refuses to run without both walls.

    ``without_language`` switches the first wall off, for tests of the second; it is refused in production.
    """

    def __init__(self, *, production: bool = True, without_language: bool = False, spares: int = SPARES) -> None:
        if production and without_language:
            raise ValueError("the first wall cannot be switched off in production")
        self.production = production
        self.offered = walls.examine()
        self._flags = {
            "landlock": self.offered.landlock > 0,
            "seccomp": self.offered.seccomp,
            "without_language": without_language,
        }
        if self.missing and not production:
            log.warning("DEVELOPMENT MODE: scripts run without %s", " and ".join(self.missing))
        self._wanted_spares = spares
        self._lock = threading.RLock()
        self._zygote: Zygote | None = None
        self._spares: list[Worker] = []
        self._codes: OrderedDict[str, Code] = OrderedDict()
        self._tested_at = -SELF_TEST_S
        self._started_at = 0.0
        self._open = 0
        self.failures: tuple[str, ...] = ()
        self._filler: threading.Thread | None = None
        self._wanted = threading.Event()
        self._closed = False

    # -- health ----------------------------------------------------------------------------------------------------

    @property
    def missing(self) -> tuple[str, ...]:
        """Parts of the second wall that this machine does not offer."""
        return self.offered.missing

    def check(self) -> None:
        """Raise :class:`SandboxUnavailable` unless scripts may run now."""
        if not self.offered.linux:
            raise SandboxUnavailable("Scripts run on Linux only: this system cannot lock their workers.")
        if self.production and self.missing:
            raise SandboxUnavailable(
                f"Scripts do not run in production without {' and '.join(self.missing)}, which this machine does not"
                " offer. Use a kernel with both, or a container profile that allows them."
            )
        if time.monotonic() - self._tested_at >= SELF_TEST_S:
            self.self_test()
        if self.failures:
            raise SandboxUnavailable(
                f"The self-test of the sandbox failed ({', '.join(self.failures)}): no script runs until it passes."
            )

    def self_test(self) -> tuple[str, ...]:
        """Try the forbidden things in workers; return the names of those that worked. Until it is clean nothing runs."""
        with self._lock:
            self.failures = tuple(examine_walls(lambda: self._new_worker(SYNCHRONOUS), self.missing))
            self._tested_at = time.monotonic()
            if self.failures:
                log.critical("script sandbox: forbidden things worked: %s", ", ".join(self.failures))
            return self.failures

    # -- workers ---------------------------------------------------------------------------------------------------

    def _living_zygote(self) -> Zygote:
        with self._lock:
            now = time.monotonic()
            old = self._zygote is not None and now - self._started_at > RESTART_S and not self._open
            if self._zygote is None or not self._zygote.alive or old:
                self._drop_zygote()
                try:
                    self._zygote = Zygote(self._flags)
                except OSError as error:
                    raise SandboxUnavailable(f"No process for scripts could be started: {error}.") from None
                self._started_at = now
                if os.geteuid() == 0 and not self._zygote.ready["unprivileged"]:
                    log.warning("script workers run as root: the process may not give that up")
            return self._zygote

    def _drop_zygote(self) -> None:
        self._spares = []
        if self._zygote is not None:
            self._zygote.close()
            self._zygote = None

    def _new_worker(self, limits: Limits) -> Worker:
        return Worker(self._living_zygote(), limits.memory_mb, int(max(10.0, 2 * limits.cpu_s)) + 1)

    def take(self, limits: Limits = SYNCHRONOUS) -> Worker:
        """Return a worker that nobody has used. Close it when its transaction ends."""
        self.check()
        with self._lock:
            zygote = self._living_zygote()
            if limits.memory_mb == SYNCHRONOUS.memory_mb:
                while self._spares:
                    worker = self._spares.pop()
                    if worker.zygote is zygote:
                        self._want_spares()
                        return worker
                self._want_spares()
            return self._new_worker(limits)

    def _want_spares(self) -> None:
        if not self._wanted_spares or self._closed:
            return
        if self._filler is None or not self._filler.is_alive():
            self._filler = threading.Thread(target=self._fill, name="script-spares", daemon=True)
            self._filler.start()
        self._wanted.set()

    def _fill(self) -> None:
        while not self._closed:
            self._wanted.wait()
            self._wanted.clear()
            while not self._closed and len(self._spares) < self._wanted_spares:
                try:
                    worker = self._new_worker(SYNCHRONOUS)
                except SandboxUnavailable:
                    break
                with self._lock:
                    if self._closed or worker.zygote is not self._zygote:
                        worker.close()
                        break
                    self._spares.append(worker)

    # -- compiling -------------------------------------------------------------------------------------------------

    def compile(self, source: str) -> Code:
        """Return the code of ``source``, made in a worker that is thrown away. Raises :class:`ScriptRefused`."""
        key = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
        with self._lock:
            known = self._codes.get(key)
            if known is not None:
                self._codes.move_to_end(key)
                return known
        if "\0" in source or any("\ud800" <= c <= "\udfff" for c in source):
            raise ScriptRefused([{"line": 0, "column": 0, "message": "The source holds NUL or a lone surrogate."}])
        worker = self.take()
        try:
            message = {"op": "compile", "source": source, "cpu_s": COMPILE_S, "wall_s": COMPILE_S}
            answer = worker.request(message, wall_s=COMPILE_S)
        except WorkerLost as lost:
            told = f"The compiler could not cope with the source: it {lost.reason}."
            raise ScriptRefused([{"line": 0, "column": 0, "message": told}]) from None
        finally:
            worker.close()
        code = _read_code(key, answer)
        with self._lock:
            self._codes[key] = code
            while len(self._codes) > KEPT_CODES:
                self._codes.popitem(last=False)
        return code

    @staticmethod
    def load(worker: Worker, code: Code) -> None:
        """Give ``worker`` the code, once."""
        if code.key not in worker.loaded:
            worker.request({"op": "load", "key": code.key, "code": code.body}, wall_s=2.0)
            worker.loaded.add(code.key)

    def close(self) -> None:
        """End everything."""
        self._closed = True
        self._wanted.set()
        with self._lock:
            for worker in self._spares:
                worker.close()
            self._drop_zygote()


def _read_code(key: str, answer: dict[str, Any]) -> Code:
    """Return what a worker compiled. Raises :class:`ScriptRefused`, also for an answer that is none."""
    try:
        if answer["outcome"] == "ok":
            base64.b64decode(answer["code"], validate=True)
            return Code(key, answer["code"], frozenset(str(n)[:200] for n in answer["names"]))
        problems = [
            {"line": int(p["line"]), "column": int(p["column"]), "message": str(p["message"])[:1000].replace("\0", "")}
            for p in answer["problems"][:200]
        ]
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        problems = []
    raise ScriptRefused(problems or [{"line": 0, "column": 0, "message": "The compiler gave no proper answer."}])


def doctor(sandbox: Sandbox) -> Iterable[str]:
    """Yield what keeps scripts from running behind both walls."""
    for name in sandbox.missing:
        yield f"{name} is not offered by this machine"
    if sandbox.offered.linux:
        for name in sandbox.self_test():
            yield f"the self-test '{name}' did what no script may do"


def _forget() -> None:
    """Leave the parent's zygote to the parent: two processes must not share its socket."""
    global _shared
    _shared = None


os.register_at_fork(after_in_child=_forget)
_shared: Sandbox | None = None
_shared_lock = threading.Lock()


def shared(*, production: bool | None = None) -> Sandbox:
    """Return the sandbox of this process. ``TRELLIS_DEVELOPMENT=1`` lets scripts run with the walls there are."""
    global _shared
    with _shared_lock:
        if _shared is None or _shared._closed:
            if production is None:
                production = os.environ.get("TRELLIS_DEVELOPMENT") != "1"
            _shared = Sandbox(production=production)
        return _shared


Kept = dict[str, Any]
assert ASYNCHRONOUS.memory_mb > SYNCHRONOUS.memory_mb

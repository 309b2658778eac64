"""The scripts of one transaction: one worker per pack, shared limits, and an end that leaves no worker behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from trellis.access import Principal
from trellis.transaction import Transaction
from trellis_metadata.errors import TrellisError
from trellis_plugins.scripts import audit
from trellis_plugins.scripts.bridge import Bridge
from trellis_plugins.scripts.host.admission import admission_of
from trellis_plugins.scripts.host.errors import SandboxUnavailable, ScriptRefused, WorkerLost
from trellis_plugins.scripts.host.sandbox import shared
from trellis_plugins.scripts.host.worker import Worker
from trellis_plugins.scripts.jail.limits import ASYNCHRONOUS, SYNCHRONOUS, Limits
from trellis_plugins.scripts.usage import Usage

if TYPE_CHECKING:
    from trellis_plugins.scripts.catalogue import Script

_KEY = "scripts"
MAX_DEPTH = 8
TRANSACTION_STEPS = 10
TRANSACTION_CPU_S = 5.0


class ScriptStopped(TrellisError):
    """A script could not judge what it had to: it failed, reached a limit, was suspended or did not compile."""

    code = "script_failed"


@dataclass
class _Pack:
    usage: Usage
    worker: Worker | None = None


@dataclass
class Session:
    """Kept in ``tx.notes``. ``runs`` are the rows of the record of runs."""

    tx: Transaction
    limits: Limits
    principal: Principal
    """Whose rights count for every script of the transaction, also for those that a write with granted rights calls."""
    packs: dict[str, _Pack] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    depth: int = 0
    steps: int = 0
    cpu_s: float = 0.0
    written: bool = False
    trial: bool = False
    _leave: Callable[[], None] | None = None
    _suspended: Mapping[str, str] | None = None
    _granted: Mapping[str, str] | None = None

    @classmethod
    def of(cls, tx: Transaction) -> Session:
        """Return the session of a transaction, begun when it is first asked for."""
        found: Session | None = tx.notes.get(_KEY)
        if found is None:
            limits = ASYNCHRONOUS if tx.cause.kind == "script_action" else SYNCHRONOUS
            found = tx.notes[_KEY] = cls(tx, limits, tx.principal)
            tx.ending.append(found.close)
        return found

    # -- running ---------------------------------------------------------------------------------------------------

    def invoke(self, script: Script, event: str, request: dict[str, Any], **told: Any) -> dict[str, Any]:
        """Run a script and return the worker's answer. Raises :class:`ScriptStopped`, after which the run has not been."""
        if self.depth >= MAX_DEPTH:
            raise ScriptStopped(f"Script '{script.name}': scripts call each other more than {MAX_DEPTH} deep.")
        row = self._row(script, event, told)
        started = time.perf_counter()
        self.depth += 1
        try:
            return self._invoke(script, request, row)
        except (ScriptRefused, SandboxUnavailable) as problem:
            row.update(outcome="refused", message=problem.message)
            if isinstance(problem, SandboxUnavailable):
                raise
            raise ScriptStopped(f"Script '{script.name}' does not compile: {problem.message}") from None
        finally:
            self.depth -= 1
            row["wall_ms"] = round((time.perf_counter() - started) * 1000, 3)
            self.runs.append(row)

    def _invoke(self, script: Script, request: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
        self._refuse_suspended(script)
        self._enter()
        sandbox = shared()
        code = sandbox.compile(script.definition.source)
        pack = self.packs.setdefault(script.pack, _Pack(Usage(self.limits)))
        if pack.worker is None or pack.worker.ended is not None:
            pack.worker = sandbox.take(self.limits)
        limits = self._limits_of(script)
        rights = script.definition.rights if script.asks and self._grants().get(script.name) == script.asks else {}
        row["mode"] = "system" if rights else "user"
        bridge = Bridge(self.tx, self.principal, script, pack.usage, limits, rights)
        before = dict(pack.usage.used)
        message = {**request, **self._surroundings(), "op": "run", "key": code.key, "limits": limits.to_json()}
        if "mode" not in message:
            message["mode"] = "batch" if "records" in code.names else "each"
        # INVARIANT: a nested run of the same pack gets a worker of its own: this one is in the middle of a conversation.
        worker, pack.worker = pack.worker, None
        try:
            sandbox.load(worker, code)
            answer = worker.request(message, wall_s=limits.wall_s, cpu_s=limits.cpu_s, on_call=bridge)
        except WorkerLost as lost:
            raise self._lost(script, lost, row) from None
        finally:
            row.update({n: pack.usage.used[n] - before[n] for n in ("queries", "rows", "writes")})
            if pack.worker is not None:
                pack.worker.close()
            pack.worker = worker
        return self._judged(script, answer, row)

    def _judged(self, script: Script, answer: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
        """Note what a run cost and how it ended. What is no proper answer counts as a lost worker."""
        try:
            row.update(steps=_count(answer["steps"]), cpu_ms=float(_count(answer["cpu_ms"])), log=_log(answer["log"]))
            self.steps += row["steps"]
            self.cpu_s += row["cpu_ms"] / 1000
            if answer["outcome"] == "limit":
                name, allowed = answer["limit"]
                row.update(outcome="limit", limit_name=clean(name)[:40], line=_count(answer.get("line") or 0))
                raise ScriptStopped(self._told(script, row["line"], f"{clean(name)} is limited to {clean(allowed)}."))
            error = answer.get("error")
            if error is not None:
                told = clean(f"{error['type']}: {error['message']}")
                row.update(outcome="error", line=_count(error["line"]), message=told)
                raise ScriptStopped(self._told(script, row["line"], row["message"]))
            if not isinstance(answer["results"], list):
                raise TypeError("results")
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            self._end_workers()
            row.update(outcome="crash", message=f"The worker sent what is no answer ({type(problem).__name__}).")
            raise ScriptStopped(self._told(script, 0, row["message"])) from None
        return answer

    def _lost(self, script: Script, lost: WorkerLost, row: dict[str, Any]) -> ScriptStopped:
        row.update(outcome="limit" if lost.limit else "security" if lost.signal == 31 else "crash", signal=lost.signal)
        if lost.limit:
            row["limit_name"] = lost.limit[0]
        told = f"{lost.limit[0]} is limited to {lost.limit[1]}." if lost.limit else f"its worker {lost.reason}."
        row["message"] = told
        return ScriptStopped(self._told(script, 0, told))

    def _told(self, script: Script, line: int, what: str) -> str:
        return f"Script '{script.name}'{f', line {line}' if line else ''}: {what} Nothing was saved."

    # -- limits and rights -----------------------------------------------------------------------------------------

    def _limits_of(self, script: Script) -> Limits:
        steps = self.limits.steps * TRANSACTION_STEPS - self.steps
        cpu_s = TRANSACTION_CPU_S * self.limits.cpu_s - self.cpu_s
        if steps <= 0 or cpu_s <= 0:
            raise ScriptStopped(f"Script '{script.name}': the scripts of this transaction have used up their time.")
        return self.limits.lowered(
            {
                **script.definition.limits,
                "steps": min(steps, script.definition.limits.get("steps", steps)),
                "cpu_s": cpu_s,
            }
        )

    def _refuse_suspended(self, script: Script) -> None:
        if self._suspended is None:
            self._suspended = audit.suspended(self.tx.connection)
        if script.name in self._suspended and not self.trial:
            reason = self._suspended[script.name]
            raise ScriptStopped(
                f"Script '{script.name}' is suspended: {reason} An administrator resumes it with 'trellis script resume"
                f" {script.name}'. Nothing was saved."
            )

    def _grants(self) -> Mapping[str, str]:
        if self._granted is None:
            self._granted = audit.granted(self.tx.connection)
        return self._granted

    def _enter(self) -> None:
        if self._leave is None:
            self._leave = admission_of(self.tx.tenant).enter()

    # -- what a script sees ----------------------------------------------------------------------------------------

    def _surroundings(self) -> dict[str, Any]:
        tx, tenant = self.tx, self.tx.tenant
        name = self.principal.time_zone or tenant.time_zone
        offset = tx.now.astimezone(ZoneInfo(tenant.time_zone)).utcoffset()
        number = self.principal.user
        return {
            "clock": {"now": tx.now.isoformat(), "offset": offset.total_seconds() if offset else 0},
            "user": {
                "id": None if number is None else tx.model.env.format_id("user", number),
                "name": self.principal.name,
                "locale": self.principal.language,
                "time_zone": name,
            },
            "tenant": {
                "name": tenant.name,
                "locale": tenant.settings.get("language", "en"),
                "time_zone": tenant.time_zone,
                "currency": tenant.settings.get("currency"),
            },
        }

    def _row(self, script: Script, event: str, told: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "at": self.tx.now,
            "pack": script.pack,
            "script": script.name,
            "digest": script.digest,
            "model": self.tx.model.version,
            "event": event,
            "object": told.get("object_name"),
            "record": told.get("record"),
            "records": told.get("records", 0),
            "actor": self.principal.user,
            "mode": "user",
            "outcome": "ok",
            "limit_name": None,
            "message": None,
            "line": None,
            "steps": 0,
            "cpu_ms": 0.0,
            "wall_ms": 0.0,
            "queries": 0,
            "rows": 0,
            "writes": 0,
            "signal": 0,
            "log": None,
        }

    # -- ending ----------------------------------------------------------------------------------------------------

    def commit(self) -> None:
        """Store the runs with the transaction."""
        audit.write(self.tx.connection, self.runs)
        self.written = True

    def _end_workers(self) -> None:
        for pack in self.packs.values():
            if pack.worker is not None:
                pack.worker.close()

    def close(self, committed: bool) -> None:
        """End the workers; keep the record of runs whose transaction came to nothing."""
        self._end_workers()
        if self._leave is not None:
            self._leave()
        if not (committed and self.written) and not self.trial:
            audit.write_failed(self.tx.tenant, self.runs)


def _log(raw: Any) -> list[list[str]] | None:
    lines = [[clean(level)[:10], clean(text)] for level, text in raw[:1000]]
    return lines or None


def clean(text: Any) -> str:
    """Return what a worker sent as a text of at most 2,000 characters that every database stores."""
    return str(text)[:2000].replace("\0", "")


def _count(raw: Any) -> int:
    """Return a count that a worker sent. Raises ``ValueError`` for what is none."""
    if isinstance(raw, bool) or not isinstance(raw, (int, float)) or not 0 <= raw < 1 << 30:
        raise ValueError("a count was expected")
    return int(raw)

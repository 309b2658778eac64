"""What the host of scripts raises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trellis_metadata.errors import TrellisError


class SandboxUnavailable(TrellisError):
    """Scripts cannot run here now: a wall is missing, the self-test failed, or no worker could be started."""

    code = "sandbox_unavailable"


class SandboxBusy(TrellisError):
    """Too many scripts of this tenant run or wait."""

    code = "sandbox_busy"


class ScriptRefused(TrellisError):
    """A source does not compile; ``details["problems"]`` lists line, column and message."""

    code = "script_refused"

    def __init__(self, problems: Sequence[dict[str, Any]]) -> None:
        self.problems = list(problems)
        told = "; ".join(f"line {p['line']}: {p['message']}" for p in self.problems[:5])
        super().__init__(f"The script cannot be compiled: {told}", problems=self.problems)


class WorkerLost(Exception):
    """A worker ended in the middle of a request. ``limit`` names the limit that it reached, if it was one."""

    def __init__(self, reason: str, *, limit: tuple[str, Any] | None = None, signal: int = 0) -> None:
        self.reason, self.limit, self.signal = reason, limit, signal
        super().__init__(reason)

"""Runs one piece of code through both walls, with a stub CRM behind it, so that anybody can attack the sandbox.

In Python::

    from trellis_plugins.scripts.harness import run
    run("1 + 1", timeout_s=2.0)   # {"status": "ok", "result": 2, "error": None, …}

At the command line: one JSON object per line in, one per line out, in order::

    echo '{"id": 1, "code": "record.amount * 2", "timeout_s": 2}' | python -m trellis_plugins.scripts.harness

``status`` is ``ok``, ``reject_at_compile`` (the source is refused), ``raise`` (the script raised, or called ``reject``) or
``limit`` (a limit ended it; a worker that crashed or made a forbidden system call counts as this). ``result`` is the
script's variable ``result``, else the value of its last expression; what is not data is described by a text. Also given:
``line``, ``steps``, ``log``, ``changes`` of the record, ``refusals``, ``signal`` (that ended the worker; 0 for none).

A new worker serves each call. Both walls must stand: without them :class:`SandboxUnavailable` is raised, unless the
environment has ``TRELLIS_DEVELOPMENT=1``.
"""

from __future__ import annotations

import atexit
import json
import sys
from typing import Any

from trellis_plugins.scripts import stub
from trellis_plugins.scripts.host.errors import ScriptRefused, WorkerLost
from trellis_plugins.scripts.host.sandbox import Sandbox, shared
from trellis_plugins.scripts.host.values import plain
from trellis_plugins.scripts.jail.limits import SYNCHRONOUS, Limits


def run(code: str, timeout_s: float = 2.0, *, sandbox: Sandbox | None = None) -> dict[str, Any]:
    """Run ``code`` with the limits of a save hook and at most ``timeout_s`` seconds. Raises nothing for what ``code`` does."""
    sandbox = sandbox or _sandbox()
    try:
        compiled = sandbox.compile(code)
    except ScriptRefused as refusal:
        first = refusal.problems[0]
        return _answer("reject_at_compile", error=refusal.message, line=first["line"], problems=refusal.problems)
    limits = Limits.of({**SYNCHRONOUS.to_json(), "cpu_s": timeout_s, "wall_s": timeout_s})
    worker = sandbox.take(limits)
    message = {**stub.request(compiled.names), "key": compiled.key, "limits": limits.to_json()}
    try:
        sandbox.load(worker, compiled)
        raw = worker.request(message, wall_s=timeout_s, cpu_s=timeout_s, on_call=stub.StubCrm(limits.to_json()))
        return _read(raw)
    except WorkerLost as lost:
        name = f"{lost.limit[0]} is limited to {lost.limit[1]}" if lost.limit else f"the worker {lost.reason}"
        return _answer("limit", error=name, signal=lost.signal)
    finally:
        worker.close()


def _read(raw: dict[str, Any]) -> dict[str, Any]:
    """Turn the worker's answer into that of the harness. What is no proper answer counts as a lost worker."""
    try:
        common = {"steps": raw["steps"], "log": raw["log"]}
        if raw["outcome"] == "limit":
            name, allowed = raw["limit"]
            return _answer("limit", error=f"{name} is limited to {allowed}", line=raw.get("line"), **common)
        first = raw["results"][0] if raw.get("results") else {}
        error = raw.get("error") or first.get("error")
        if error:
            told = f"line {error['line']}: {error['type']}: {error['message']}"
            return _answer("raise", error=told, line=error["line"], **common)
        changes = {k: plain(v) for k, v in first.get("changes", {}).items()}
        refusals = [*raw.get("refusals", []), *first.get("refusals", [])]
        if refusals:
            return _answer("raise", error=f"rejected: {refusals[0][0]}", refusals=refusals, changes=changes, **common)
        return _answer("ok", result=plain(first.get("value")), changes=changes, **common)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as problem:
        return _answer("limit", error=f"the worker sent what is no answer ({type(problem).__name__})")


def _answer(status: str, *, result: Any = None, error: str | None = None, **more: Any) -> dict[str, Any]:
    known = {"line": None, "steps": None, "log": [], "changes": {}, "refusals": [], "signal": 0}
    return {"status": status, "result": result, "error": error, **known, **more}


def _sandbox() -> Sandbox:
    found = shared()
    atexit.unregister(found.close)
    atexit.register(found.close)
    return found


def main() -> int:
    """Read cases from standard input, write answers to standard output."""
    for line in sys.stdin:
        if not line.strip():
            continue
        try:
            case = json.loads(line)
            answer = run(case["code"], float(case.get("timeout_s", 2.0)))
        except (ValueError, KeyError, TypeError) as problem:
            print(json.dumps({"status": None, "error": f"not a case ({type(problem).__name__}): {problem}"}))
            continue
        print(json.dumps({**({"id": case["id"]} if "id" in case else {}), **answer}, ensure_ascii=False), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

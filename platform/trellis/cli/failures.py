"""What a failed command says and returns: a message with place and remedy, and an exit code, never a traceback.

====  =================================================================================
code  meaning
====  =================================================================================
0     done
1     refused or invalid: the input, the rights, the state of the system
2     wrong usage of the command line
3     not found: a tenant, object, record, user or file that was named
4     conflict, or a confirmation is needed: a stale plan, a name that is taken, a running change
====  =================================================================================
"""

from __future__ import annotations

import os
import traceback
from typing import Any

import sqlalchemy as sa
from rich.console import Console
from rich.markup import escape

from trellis_metadata.errors import TrellisError

DONE, REFUSED, USAGE, NOT_FOUND, CONFLICT = 0, 1, 2, 3, 4
_NOT_FOUND = frozenset(
    {
        "unknown_tenant",
        "unknown_object",
        "not_found",
        "file_not_found",
        "unknown_draft",
        "unknown_pack",
        "unknown_delivery",
        "unknown_settings",
    }
)
_CONFLICT = frozenset(
    {
        "confirmation_required",
        "stale_plan",
        "version_conflict",
        "publication_running",
        "tenant_exists",
        "draft_exists",
        "draft_conflict",
    }
)


def exit_code(problem: BaseException) -> int:
    """Return the exit code for a problem."""
    code = getattr(problem, "code", "")
    return NOT_FOUND if code in _NOT_FOUND else CONFLICT if code in _CONFLICT else REFUSED


def to_json(problem: BaseException) -> dict[str, Any]:
    """Return the problem as ``--json`` writes it."""
    if isinstance(problem, TrellisError):
        errors = getattr(problem, "errors", None)
        return {
            "error": {
                "code": problem.code,
                "message": problem.message,
                **problem.details,
                **({"errors": errors} if errors else {}),
            }
        }
    code, message = _described(problem)
    return {"error": {"code": code, "message": message}}


def show(problem: BaseException, console: Console) -> None:
    """Write the problem for people."""
    _, message = _described(problem)
    console.print(f"[bold red]Error:[/] {escape(message)}")
    for line in _lines(problem):
        console.print(f"  {escape(line)}")
    if os.environ.get("TRELLIS_DEBUG"):
        console.print(escape("".join(traceback.format_exception(problem))))


def _described(problem: BaseException) -> tuple[str, str]:
    if isinstance(problem, TrellisError):
        return problem.code, problem.message
    if isinstance(problem, sa.exc.OperationalError):
        return (
            "database_unavailable",
            f"The database cannot be used: {str(problem.orig).strip().splitlines()[0]} Check --home or --database-url.",
        )
    if isinstance(problem, OSError):
        return "io_error", f"{problem.strerror or problem}: {problem.filename}" if problem.filename else str(problem)
    return (
        "internal_error",
        f"Unexpected: {type(problem).__name__}: {problem} Set TRELLIS_DEBUG=1 to see where, and report it.",
    )


def _lines(problem: BaseException) -> list[str]:
    """Return the details that belong under the message."""
    found = getattr(problem, "diagnostics", None)
    if found:
        return [diagnostic_line(d.to_json()) for d in found]
    problems = getattr(problem, "problems", None) or []
    listed = [p if isinstance(p, str) else f"{p.get('at', '')}: {p.get('message', '')}" for p in problems]
    for index, errors in enumerate(getattr(problem, "errors", None) or []):
        for name, entries in (errors or {}).items():
            listed += [f"record {index + 1}, {name}: {e['message']}" for e in entries if isinstance(e, dict)]
    return listed if len(listed) > 1 else []


def diagnostic_line(found: dict[str, str]) -> str:
    """Return one diagnostic as one line: severity, place, message, remedy."""
    place = " ".join(filter(None, (found["document"], found["pointer"])))
    return " ".join(
        filter(None, (f"{found['severity']}:", f"{place}:" if place else "", found["message"], found["remedy"]))
    )

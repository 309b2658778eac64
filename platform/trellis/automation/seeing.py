"""What people are shown of runs: on a record why something happened or did not, and everything for administrators.

Values that a condition saw are shown only if the reader may read their field whole; those of other records, of people and of
earlier steps only to administrators. Why a step failed is for administrators and for whoever caused the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from trellis.access import Principal
from trellis.access.decide import allowed_ids
from trellis.automation.catalogue import catalogue_of
from trellis.model import ObjectModel
from trellis.rules.reader import Reader
from trellis.rules.values import field_readable
from trellis.storage.tables.automation import look, run
from trellis_metadata.errors import TrellisError

_R, _L = run.c, look.c
STATES = ("queued", "running", "waiting", "done", "failed", "refused", "cancelled")
PAGE = 50


class UnknownRun(TrellisError):
    """There is no such run, or nothing of it may be seen."""

    code = "unknown_run"


def story_of(reader: Reader, model: ObjectModel, record: int, *, limit: int = PAGE) -> list[dict[str, Any]]:
    """Return the runs of a record and the automations that did not fire for it, newest first. The caller may read the record."""
    runs = reader.connection.execute(
        sa.select(run).where(_R.object == model.name, _R.record == record).order_by(_R.id.desc()).limit(limit)
    ).mappings()
    looks = reader.connection.execute(
        sa.select(look).where(_L.object == model.name, _L.record == record).order_by(_L.id.desc()).limit(limit)
    ).mappings()
    found = [(r["started_at"], 1, r["id"], run_json(reader, dict(r))) for r in runs]
    found += [(r["at"], 0, r["id"], _look(reader, model, dict(r))) for r in looks]
    found.sort(key=lambda f: f[:3], reverse=True)
    shown = [f[3] for f in found[:limit]]
    _hide_writes(reader, shown)
    return shown


def runs_of(
    reader: Reader,
    *,
    automation: str | None = None,
    state: str | None = None,
    object_name: str | None = None,
    before: int | None = None,
    limit: int = PAGE,
) -> list[dict[str, Any]]:
    """Return runs, newest first, for administrators; ``before`` is the number of the last one that was shown."""
    query = sa.select(run).order_by(_R.id.desc()).limit(limit)
    for column, value in ((_R.automation, automation), (_R.state, state), (_R.object, object_name)):
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(_R.id < before)
    return [run_json(reader, dict(r)) for r in reader.connection.execute(query).mappings()]


def run_of(reader: Reader, number: int) -> dict[str, Any]:
    """Return one run for administrators. Raises :class:`UnknownRun`."""
    row = reader.connection.execute(sa.select(run).where(_R.id == number)).mappings().first()
    if row is None:
        raise UnknownRun("There is no such run.")
    return run_json(reader, dict(row))


def counts(reader: Reader) -> dict[str, dict[str, int]]:
    """Return how many runs each automation has in each state."""
    query = sa.select(_R.automation, _R.state, sa.func.count()).group_by(_R.automation, _R.state)
    found: dict[str, dict[str, int]] = {}
    for name, state, count in reader.connection.execute(query):
        found.setdefault(name, {})[state] = count
    return found


def run_json(reader: Reader, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run as the reader may see it."""
    principal, env = reader.principal, reader.model.env
    whole = principal.admin or (row["actor"] is not None and row["actor"] == principal.user)
    owner = row["object"]
    saw, hidden = _seen(reader, owner, row["saw"] or {})
    return {
        "kind": "run",
        "id": str(row["id"]),
        "automation": row["automation"],
        "label": _label(reader, row["automation"]),
        "current_version": _is_current(reader, row["automation"], row["digest"]),
        "object": owner,
        "record": None if row["record"] is None or owner is None else env.format_id(owner, row["record"]),
        "trigger": row["trigger"],
        "state": row["state"],
        "by": None if row["actor"] is None else env.format_id("user", row["actor"]),
        "as": row["acts_as"],
        "cause": row["cause"].get("kind"),
        "path": [name for name, *_ in row["chain"]],
        "started_at": row["started_at"],
        "due_at": row["due_at"],
        "finished_at": row["finished_at"],
        "waits_for": row["waits_for"],
        "message": row["message"] if whole else None,
        "saw": saw,
        "hidden": hidden,
        "steps": [_entry(reader, owner, e, whole=whole) for e in row["trace"]],
        "attempts": row["attempts"],
    }


def _look(reader: Reader, model: ObjectModel, row: Mapping[str, Any]) -> dict[str, Any]:
    saw, hidden = _seen(reader, model.name, row["saw"])
    return {
        "kind": "not_fired",
        "id": str(row["id"]),
        "started_at": row["at"],
        "by": None if row["actor"] is None else reader.model.env.format_id("user", row["actor"]),
        "cause": row["cause"].get("kind"),
        "rules": [
            {
                "automation": name,
                "label": _label(reader, name),
                "reason": reason if _is_plain(reader, reason) else "error",
            }
            for name, reason in row["rules"].items()
        ],
        "saw": saw,
        "hidden": hidden,
    }


def _is_plain(reader: Reader, reason: str) -> bool:
    return reader.principal.admin or not reason.startswith("error")


def _seen(reader: Reader, owner: str | None, saw: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """Return the values that the reader may see, and how many he may not."""
    if reader.principal.admin:
        return dict(saw), 0
    shown = {p: v for p, v in saw.items() if owner is not None and _may_see(reader, owner, p)}
    return shown, len(saw) - len(shown)


def _may_see(reader: Reader, owner: str, path: str) -> bool:
    if owner not in reader.model.object_names:
        return False
    model, parts = reader.model.object(owner), path.split(".")
    if parts[0] == "$old":
        parts = parts[1:]
    if not parts or parts[0].startswith("$"):
        return False
    field = model.field(parts[0])
    inside = len(parts) == 1 or (len(parts) == 2 and field is not None and parts[1] in field.codec.parts)
    if field is None:
        return parts == ["id"]
    # A formula is read as the fields behind it, which stand here themselves.
    return inside and field_readable(reader, model, parts[0])


def _entry(reader: Reader, owner: str | None, entry: Mapping[str, Any], *, whole: bool) -> dict[str, Any]:
    shown = {k: v for k, v in entry.items() if k not in ("saw", "message", "wrote", "record")}
    if "saw" in entry:
        shown["saw"], shown["hidden"] = _seen(reader, owner, entry["saw"])
    if "message" in entry and whole:
        shown["message"] = entry["message"]
    env, known = reader.model.env, set(reader.model.object_names)
    shown["wrote"] = [
        {"action": action, "object": name, "record": env.format_id(name, number)}
        for action, name, number in entry.get("wrote", ())
        if name in known
    ]
    return shown


def _hide_writes(reader: Reader, shown: Sequence[dict[str, Any]]) -> None:
    """Leave out records that the reader may not read: one statement per object."""
    principal: Principal = reader.principal
    if principal.admin:
        return
    env = reader.model.env
    wanted: dict[str, set[int]] = {}
    for entry in _writes(shown):
        wanted.setdefault(entry["object"], set()).add(env.parse_id(entry["record"], [entry["object"]])[1])
    seen = {
        name: allowed_ids(reader.connection, principal, reader.model, reader.model.object(name), ids, "read")
        for name, ids in wanted.items()
    }
    for run_ in shown:
        for step in run_.get("steps", ()):
            step["wrote"] = [
                w for w in step["wrote"] if env.parse_id(w["record"], [w["object"]])[1] in seen[w["object"]]
            ]


def _writes(shown: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [w for one in shown for step in one.get("steps", ()) for w in step["wrote"]]


def _label(reader: Reader, name: str) -> str:
    found = catalogue_of(reader.model).automations.get(name)
    return found.label(reader.principal.language) if found is not None else name.replace("_", " ")


def _is_current(reader: Reader, name: str, digest: str) -> bool:
    found = catalogue_of(reader.model).automations.get(name)
    return found is not None and found.digest == digest

"""Data migrations: what a new version of a pack does to records that are there, as steps in JSON.

``migrations/1.1.0.json`` holds ``{"version": "1.1.0", "steps": [...]}``. A step names an ``object`` and, if not all records
are meant, ``where`` (a filter). ``set`` gives fields values (``{"field": name}`` copies another); ``map`` replaces
values of one field; ``delete`` removes the records. Steps run in order, versions in order, also over skipped versions, through
the one write path. What ran is noted in the transaction that did it, so that an interrupted upgrade goes on where it
stopped and treats no record twice. A step over an object in a part that is not installed is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.packs.pack_plan import PackPlan
from trellis.query import run_query
from trellis.query.query import read_query
from trellis.storage.tables.packs import pack_migration
from trellis.transaction import Transaction
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant

BATCH = 500
LEFT = "left "
"""Begins the version of the note about records that a removed pack left; no version of a migration begins with it."""
_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?")
_KINDS = ("set", "map", "delete")
_KEYS = frozenset({"object", "where", "comment", *_KINDS})


class MigrationFailed(TrellisError):
    """A step of a data migration was refused; the upgrade can go on when the cause is mended."""

    code = "migration_failed"


def problems_of(migration: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Yield what is wrong with the form of a migration."""
    place = str(migration.get("$file", "migration"))
    unknown = sorted(set(migration) - {"$file", "version", "steps", "comment"})
    if unknown:
        yield Diagnostic("unknown_key", f"/{unknown[0]}", f"Unknown key '{unknown[0]}'.", "", place)
    version = migration.get("version")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        said = "'version' is missing." if version is None else f"'version' is {str(version)[:40]!r}, no version."
        yield Diagnostic("missing_key", "/version", said, "Name the version that brings it, such as 1.1.0.", place)
    steps = migration.get("steps")
    if not isinstance(steps, list):
        yield Diagnostic("missing_key", "/steps", "'steps' is missing or no list.", "", place)
        return
    for index, step in enumerate(steps):
        kinds = [k for k in _KINDS if isinstance(step, Mapping) and k in step]
        fits = isinstance(step, Mapping) and isinstance(step.get("object"), str) and not set(step) - _KEYS
        if not fits or len(kinds) != 1 or not _does(kinds[0], step[kinds[0]]):
            remedy = 'For example {"object": "deal", "where": {...}, "set": {"stage": "new"}}.'
            yield Diagnostic(
                "bad_step", f"/steps/{index}", "A step has 'object' and one of set, map, delete.", remedy, place
            )


def _does(kind: str, what: Any) -> bool:
    """Whether a step says what it does in the form that its kind has."""
    if kind == "delete":
        return what is True
    return (
        isinstance(what, Mapping)
        and bool(what)
        and (kind == "set" or all(isinstance(v, Mapping) for v in what.values()))
    )


def note(tenant: Tenant, plan: PackPlan) -> None:
    """Note the migrations that the upgrade must run once its metadata are visible.

    Those of earlier versions that are still to run stay noted; those of an earlier life of the pack do not.
    """
    c = pack_migration.c
    if not plan.migrations and plan.action != "install":
        return
    versions = [str(m["version"]) for m in plan.migrations]
    with tenant.database.writing() as connection:
        if plan.action == "install":
            connection.execute(pack_migration.delete().where(c.pack == plan.name))
        connection.execute(pack_migration.delete().where(c.pack == plan.name, c.version.in_(versions)))
        rows = [
            {
                "pack": plan.name,
                "version": version,
                "position": 0,
                "target": plan.document["installed"]["pristine"],
                "steps": migration["steps"],
                "state": "pending",
                "changed": 0,
                "at": tenant.clock.now(),
            }
            for version, migration in zip(versions, plan.migrations, strict=True)
        ]
        if rows:
            connection.execute(pack_migration.insert(), rows)


def leave(tenant: Tenant, name: str, version: str | None) -> None:
    """Note in which version a removed pack left its records; None: it left none. What was refused stays noted."""
    c = pack_migration.c
    with tenant.database.writing() as connection:
        every = pack_migration.delete().where(c.pack == name)
        connection.execute(every if version is None else every.where(c.state != "pending"))
        if version is not None:
            row = {
                "pack": name,
                "version": f"{LEFT}{version}",
                "position": 0,
                "target": "",
                "steps": [],
                "state": "left",
            }
            connection.execute(pack_migration.insert(), {**row, "changed": 0, "at": tenant.clock.now()})


def left(tenant: Tenant, name: str) -> tuple[str | None, set[str]]:
    """Return in which version a removed pack left its records (None: it left none), and what was refused until then."""
    c = pack_migration.c
    with tenant.database.reading() as connection:
        query = sa.select(c.version, c.state).where(c.pack == name)
        rows = [(str(version), state) for version, state in connection.execute(query).all()]
    version = next((v.removeprefix(LEFT) for v, state in rows if state == "left"), None)
    return version, {v for v, state in rows if state == "pending"}


def run_pending(tenant: Tenant, pack: str | None = None) -> int:
    """Run what is noted for the visible versions of packs, also for versions before those; return how many records changed.

    ``pack`` (None: all) leaves those of other packs alone.
    """
    from trellis.packs.ranges import parse_version

    with tenant.database.reading() as connection:
        query = sa.select(pack_migration).where(pack_migration.c.state == "pending")
        if pack is not None:
            query = query.where(pack_migration.c.pack == pack)
        rows = [dict(r) for r in connection.execute(query).mappings()]
    packs = tenant.model().snapshot.of_kind("pack") if rows else {}
    total = 0
    for row in sorted(rows, key=lambda r: (r["pack"], parse_version(r["version"]))):
        visible = packs.get(row["pack"], {}).get("version")
        if visible is not None and parse_version(row["version"]) <= parse_version(visible):
            total += _run(tenant, row)
    return total


def _run(tenant: Tenant, row: Mapping[str, Any]) -> int:
    cause = Cause("pack", {"pack": row["pack"], "version": row["version"]})
    known = tenant.model().object_names
    changed = int(row["changed"])
    last: str | None = row["cursor"]
    for position, step in enumerate(row["steps"]):
        if position < row["position"]:
            continue
        done = step["object"] not in known
        while not done:
            body = partial(_batch, row=row, position=position, after=last, changed=changed)
            try:
                last, changed, done = tenant.run(SYSTEM, cause, body, migration=True)
            except TrellisError as problem:
                raise MigrationFailed(
                    f"Step {position + 1} of the data migration to {row['version']} of pack '{row['pack']}' was refused: "
                    f"{problem.message} Mend the records and run 'trellis pack resume'.",
                    pack=row["pack"],
                    version=row["version"],
                    step=position,
                ) from problem
        last = None
        with tenant.database.writing() as connection:
            _progress(connection, tenant, row, position=position + 1, cursor=None, changed=changed)
    return changed - int(row["changed"])


def _progress(connection: Connection, tenant: Tenant, row: Mapping[str, Any], **values: Any) -> None:
    c = pack_migration.c
    state = "done" if values["position"] == len(row["steps"]) else "pending"
    connection.execute(
        pack_migration.update()
        .where(c.pack == row["pack"], c.version == row["version"])
        .values(state=state, at=tenant.clock.now(), **values)
    )


def _batch(
    tx: Transaction, *, row: Mapping[str, Any], position: int, after: str | None, changed: int
) -> tuple[str | None, int, bool]:
    """Do one step for the next records and note that; return the cursor, how many changed so far, whether that was all."""
    cursor, count, done = _treat(tx, row["steps"][position], after)
    place = {"position": position + 1, "cursor": None} if done else {"position": position, "cursor": cursor}
    _progress(tx.connection, tx.tenant, row, **place, changed=changed + count)
    return cursor, changed + count, done


def _treat(tx: Transaction, step: Mapping[str, Any], after: str | None) -> tuple[str | None, int, bool]:
    name = step["object"]
    fields = ["id", *step.get("map", {}), *_formula_fields(step)]
    query: dict[str, Any] = {"fields": list(dict.fromkeys(fields)), "sort": ["id"], "limit": BATCH}
    if "where" in step:
        query["filter"] = step["where"]
    if after is not None:
        query["cursor"] = after
    page = run_query(tx.tenant, tx.connection, tx.model, SYSTEM, read_query(name, query))
    rows = [r for r in (_changed(tx, name, step, row) for row in page.rows) if r is not None]
    if "delete" in step:
        tx.delete(name, [tx.model.env.parse_id(r["id"], [name])[1] for r in page.rows])
        return None, len(page.rows), len(page.rows) < BATCH
    if rows:
        tx.update(name, rows)
    return page.cursor, len(rows), page.cursor is None


def _formula_fields(step: Mapping[str, Any]) -> list[str]:
    found = []
    for value in step.get("set", {}).values():
        if isinstance(value, Mapping) and "field" in value:
            found.append(str(value["field"]))
    return found


def _changed(tx: Transaction, name: str, step: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any] | None:
    number = tx.model.env.parse_id(row["id"], [name])[1]
    if "map" in step:
        news = {f: pairs[row[f]] for f, pairs in step["map"].items() if isinstance(row.get(f), str) and row[f] in pairs}
        return {"id": number, **news} if news else None
    values = {
        f: row.get(str(v["field"])) if isinstance(v, Mapping) and set(v) == {"field"} else v
        for f, v in step.get("set", {}).items()
    }
    return {"id": number, **values}

"""Data migrations: what a new version of a pack does to records that are there, as steps in JSON.

``migrations/1.1.0.json`` holds ``{"version": "1.1.0", "steps": [...]}``. A step names an ``object`` and, if not all records
are meant, ``where`` (a filter). ``set`` gives fields values (``{"field": name}`` copies another); ``map`` replaces
values of one field; ``delete`` removes the records. Steps run in order, versions in order, also over skipped versions, through
the one write path. What ran is noted, so that an interrupted upgrade goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

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
    if not isinstance(migration.get("version"), str):
        yield Diagnostic("missing_key", "/version", "'version' is missing.", "Name the version that brings it.", place)
    steps = migration.get("steps")
    if not isinstance(steps, list):
        yield Diagnostic("missing_key", "/steps", "'steps' is missing or no list.", "", place)
        return
    for index, step in enumerate(steps):
        kinds = [k for k in _KINDS if isinstance(step, Mapping) and k in step]
        fits = isinstance(step, Mapping) and isinstance(step.get("object"), str) and not set(step) - _KEYS
        if not fits or len(kinds) != 1:
            remedy = 'For example {"object": "deal", "where": {...}, "set": {"stage": "new"}}.'
            yield Diagnostic(
                "bad_step", f"/steps/{index}", "A step has 'object' and one of set, map, delete.", remedy, place
            )


def note(tenant: Tenant, plan: PackPlan) -> None:
    """Note the migrations that the upgrade must run once its metadata are visible."""
    if not plan.migrations:
        return
    c = pack_migration.c
    versions = [str(m["version"]) for m in plan.migrations]
    with tenant.database.writing() as connection:
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
        connection.execute(pack_migration.insert(), rows)


def run_pending(tenant: Tenant) -> int:
    """Run the noted migrations of packs that are visible in the version they belong to; return how many records changed."""
    from trellis.packs.ranges import parse_version

    with tenant.database.reading() as connection:
        query = sa.select(pack_migration).where(pack_migration.c.state == "pending")
        rows = [dict(r) for r in connection.execute(query).mappings()]
    packs = tenant.model().snapshot.of_kind("pack") if rows else {}
    total = 0
    for row in sorted(rows, key=lambda r: (r["pack"], parse_version(r["version"]))):
        visible = packs.get(row["pack"], {}).get("installed", {}).get("pristine")
        if visible == row["target"]:
            total += _run(tenant, row)
    return total


def _run(tenant: Tenant, row: Mapping[str, Any]) -> int:
    cause = Cause("pack", {"pack": row["pack"], "version": row["version"]})
    changed = int(row["changed"])
    for position, step in enumerate(row["steps"]):
        if position < row["position"]:
            continue
        last: str | None = None
        done = False
        while not done:
            try:
                last, count, done = tenant.run(SYSTEM, cause, partial(_batch, step=step, after=last), migration=True)
            except TrellisError as problem:
                raise MigrationFailed(
                    f"Step {position + 1} of the data migration to {row['version']} of pack '{row['pack']}' was refused: "
                    f"{problem.message} Mend the records and run 'trellis pack resume'.",
                    pack=row["pack"],
                    version=row["version"],
                    step=position,
                ) from problem
            changed += count
        _progress(tenant, row, position + 1, changed)
    return changed - int(row["changed"])


def _progress(tenant: Tenant, row: Mapping[str, Any], position: int, changed: int) -> None:
    c = pack_migration.c
    state = "done" if position == len(row["steps"]) else "pending"
    with tenant.database.writing() as connection:
        connection.execute(
            pack_migration.update()
            .where(c.pack == row["pack"], c.version == row["version"])
            .values(position=position, changed=changed, state=state, at=tenant.clock.now())
        )


def _batch(tx: Transaction, *, step: Mapping[str, Any], after: str | None) -> tuple[str | None, int, bool]:
    """Do one step for the next records; return the cursor, how many changed, and whether that was all."""
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

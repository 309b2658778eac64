"""Plans and applies changes of one tenant's metadata.

A small change is one transaction: columns, catalogue and version commit together. A change that must convert records goes
in phases: *expand* (add columns), *fill* (batches, readers and writers keep the old definition), *activate* (catch up with
what changed meanwhile, switch). What is interrupted between phases is continued by :meth:`Publisher.resume` or given up by
:meth:`Publisher.abandon`; either way the visible version is the old or the new one.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.schema import DropTable

from trellis.model import ModelEnvironment, ObjectModel
from trellis.publishing import catalogue, versions
from trellis.publishing.expansion import DuplicateValues, Expansion, Fill, activate, add_columns, expand
from trellis.publishing.filling import fill_rows, next_ids
from trellis.publishing.findings import Finding, examine
from trellis.storage import system
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.errors import TrellisError
from trellis_metadata.operations import RenameElement
from trellis_metadata.plan import Plan, diff
from trellis_metadata.snapshot import Document, Key, Snapshot

if TYPE_CHECKING:
    from trellis.tenant import Tenant

log = logging.getLogger(__name__)
INLINE_ROWS = 2000


class InvalidMetadata(TrellisError):
    """The documents have errors; ``details["diagnostics"]`` lists them all."""

    code = "invalid_metadata"

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        first = diagnostics[0].message if diagnostics else ""
        super().__init__(
            f"{len(diagnostics)} problem(s) in the metadata. First: {first}",
            diagnostics=[d.to_json() for d in diagnostics],
        )


class StalePlan(TrellisError):
    """The metadata changed after the plan was made."""

    code = "stale_plan"


class NotConfirmed(TrellisError):
    """The plan destroys something and was not confirmed by its hash."""

    code = "confirmation_required"


class PublicationRunning(TrellisError):
    """Another change is still converting records."""

    code = "publication_running"


class CannotUndo(TrellisError):
    """There is nothing to undo."""

    code = "cannot_undo"


@dataclass(frozen=True)
class TenantPlan:
    """A plan with what it means for this tenant's records. ``hash`` is what a person confirms."""

    plan: Plan
    new: Snapshot
    findings: tuple[Finding, ...] = ()
    revive: bool = False
    undoes: int | None = None
    fills: tuple[Fill, ...] = field(default=())

    @property
    def base(self) -> str:
        return self.plan.base

    @property
    def destructive(self) -> bool:
        """Whether applying needs confirmation."""
        return any(op.danger.value == "destructive" for op in self.plan.operations) or any(
            f.destructive for f in self.findings
        )

    @property
    def hash(self) -> str:
        """SHA-256 over base, target and findings: the very plan that was shown."""
        text = "\n".join([self.plan.hash, self.new.hash, *(f"{f.code} {f.subject} {f.count}" for f in self.findings)])
        return hashlib.sha256(text.encode()).hexdigest()

    def to_json(self, language: str = "en") -> dict[str, Any]:
        return {
            "hash": self.hash,
            "base": self.plan.base,
            "target": self.plan.target,
            "destructive": self.destructive,
            "operations": [
                {"text": op.describe(language), "danger": op.danger.value, "operation": op.to_json()}
                for op in self.plan.operations
            ],
            "findings": [f.to_json(language) for f in self.findings],
        }


Progress = Callable[[int, int], None]
Fault = Callable[[str], None]


def _no_fault(_step: str) -> None:
    return None


class Publisher:
    """The publish cycle of one tenant. ``fault`` is called with the name of each step (tests interrupt there)."""

    def __init__(self, tenant: Tenant, fault: Fault = _no_fault) -> None:
        self.tenant = tenant
        self.fault = fault

    def check(self, documents: Sequence[object], *, removed: Sequence[Key] = (), replace_all: bool = False) -> Snapshot:
        """Return the snapshot with ``documents`` added or replaced. Raises :class:`InvalidMetadata` with every problem."""
        base = self.tenant.core_snapshot() if replace_all else self.tenant.model().snapshot.without(removed)
        snapshot, diagnostics = self.tenant.language.check(list(documents), base)
        errors = [d for d in diagnostics if d.severity.value == "error"]
        if snapshot is None or errors:
            raise InvalidMetadata(errors or diagnostics)
        if removed:
            errors = [d for d in self.tenant.language.validate(snapshot) if d.severity.value == "error"]
            if errors:
                raise InvalidMetadata(errors)
        return snapshot

    def plan(
        self, new: Snapshot, *, renames: Sequence[Any] = (), revive: bool = False, undoes: int | None = None
    ) -> TenantPlan:
        """Compare the visible version with ``new`` and look at the records that would be affected."""
        with self.tenant.database.reading() as connection:
            model = self.tenant.model_in(connection)
            plan = diff(model.snapshot, new, self.tenant.language, renames)
            new = plan.apply(model.snapshot)
            expansion = self._expansion(connection, model.snapshot, new, plan, revive=revive)
            findings = examine(connection, model, new, expansion, plan)
        return TenantPlan(plan, new, tuple(findings), revive, undoes, tuple(expansion.fills))

    def plan_documents(
        self,
        documents: Sequence[object],
        *,
        removed: Sequence[Key] = (),
        renames: Sequence[Any] = (),
        replace_all: bool = False,
    ) -> TenantPlan:
        """Validate documents and plan the change to them."""
        return self.plan(self.check(documents, removed=removed, replace_all=replace_all), renames=renames)

    def apply(
        self,
        plan: TenantPlan,
        *,
        confirm: str | None = None,
        author: int | None = None,
        note: str = "",
        progress: Progress | None = None,
    ) -> int:
        """Make ``plan`` the visible version; return its number.

        Raises :class:`StalePlan` if the base is no longer the visible version, :class:`NotConfirmed` if the plan is
        destructive and ``confirm`` is not its hash.
        """
        if plan.destructive and confirm != plan.hash:
            raise NotConfirmed(
                "This change destroys data or rights. Look at the plan and confirm it by its hash.", plan=plan.to_json()
            )
        if not plan.plan.operations:
            return self.tenant.model().version
        self.fault("before expand")
        with self.tenant.publishing_lock() as connection:
            number = self._begin(connection, plan, author, note)
            self.fault("before commit of expand")
        self.fault("after expand")
        return number if number is not None else self.resume(progress)

    def _begin(self, connection: Connection, plan: TenantPlan, author: int | None, note: str) -> int | None:
        """Expand; finish at once when few records need converting. Returns the version number, or None: fill first."""
        if _is_running(connection):
            raise PublicationRunning("Another change is still converting records. Wait for it, or resume it.")
        model = self.tenant.model_in(connection)
        if model.snapshot.hash != plan.base:
            raise StalePlan("The metadata changed after this plan was made. Make a new plan.")
        expansion = self._expansion(connection, model.snapshot, plan.new, plan.plan, revive=plan.revive)
        add_columns(connection, expansion, plan.new, self.tenant.environment(plan.new))
        self.fault("after columns")
        operations = [op.to_json() for op in plan.plan.operations]
        total = sum(
            _count(connection, model.object(_old_name(expansion, n))) for n in {f.object for f in expansion.fills}
        )
        if total <= INLINE_ROWS:
            self._fill_all(connection, model.snapshot, plan.new, expansion)
            return self._activate(connection, expansion, plan.new, operations, author, note, plan.undoes)
        versions.write_documents(connection, plan.new, model.snapshot.digests)
        mark = connection.execute(sa.select(sa.func.coalesce(sa.func.max(system.change.c.id), 0))).scalar_one()
        connection.execute(
            system.publication.insert(),
            {
                "id": 1,
                "base": plan.base,
                "target": plan.new.hash,
                "manifest": versions.manifest_of(plan.new),
                "operations": operations,
                "fills": {
                    "position": {},
                    "revive": plan.revive,
                    "undoes": plan.undoes,
                    "added": _added_columns(expansion),
                },
                "phase": "fill",
                "done": 0,
                "total": total,
                "mark": mark,
                "author": author,
                "note": note,
                "created_at": self.tenant.clock.now(),
            },
        )
        return None

    def running(self) -> Mapping[str, Any] | None:
        """Return phase, done and total of a change that is converting records, or None."""
        with self.tenant.database.reading() as connection:
            row = connection.execute(sa.select(system.publication)).mappings().first()
        return None if row is None else {k: row[k] for k in ("phase", "done", "total", "note", "created_at")}

    def resume(self, progress: Progress | None = None) -> int:
        """Continue an interrupted publication to its end (another process may get there first); return the version number."""
        while True:
            with self.tenant.database.writing() as connection:
                if not _is_running(connection):
                    return versions.current_number(connection)
                if not self._fill_batch(connection, progress):
                    break
                self.fault("in fill batch")
            self.fault("after fill batch")
        self.fault("before activate")
        try:
            with self.tenant.publishing_lock() as connection:
                if not _is_running(connection):
                    return versions.current_number(connection)
                number = self._finish(connection)
                self.fault("before commit of activate")
        except DuplicateValues:
            self.abandon()
            raise
        self.fault("after activate")
        return number

    def resume_interrupted(self) -> None:
        """Finish what a process that died left behind. One that lives may be at work on it too: both do the same work.

        What cannot be finished stays for a person to resume or abandon: the old version goes on working.
        """
        if self.running() is None:
            return
        try:
            self.resume()
        except (TrellisError, sa.exc.DBAPIError):
            log.exception(
                "A change of the metadata of tenant '%s' was interrupted and could not be finished.", self.tenant.name
            )

    def abandon(self) -> None:
        """Give an interrupted publication up: the old version stays, the added columns are ignored."""
        with self.tenant.publishing_lock() as connection:
            if not _is_running(connection):
                return
            _, _, _, expansion = self._load(connection)
            for name in expansion.created:
                # Nobody ever saw it, and its name must be free for the next try.
                connection.execute(DropTable(sa.Table(expansion.after[name].table, sa.MetaData())))
            connection.execute(system.publication.delete())

    def _load(self, connection: Connection) -> tuple[Any, Snapshot, Snapshot, Expansion]:
        row = connection.execute(sa.select(system.publication)).mappings().first()
        if row is None:
            raise CannotUndo("No publication is running.")
        model = self.tenant.model_in(connection)
        new = versions.read_manifest(connection, row["manifest"], model.snapshot)
        plan = Plan.from_json({"base": row["base"], "target": row["target"], "operations": row["operations"]})
        return (
            row,
            model.snapshot,
            new,
            self._expansion(
                connection, model.snapshot, new, plan, revive=row["fills"]["revive"], added=row["fills"]["added"]
            ),
        )

    def _fill_batch(self, connection: Connection, progress: Progress | None) -> bool:
        row, old, new, expansion = self._load(connection)
        position = dict(row["fills"]["position"])
        for name in sorted({f.object for f in expansion.fills}):
            before, after = self._models(old, new, expansion, name)
            ids = next_ids(connection, before, position.get(name, 0))
            if not ids:
                continue
            fill_rows(connection, before, after, [f for f in expansion.fills if f.object == name], ids)
            position[name] = ids[-1]
            done = row["done"] + len(ids)
            connection.execute(
                system.publication.update().values(done=done, fills={**row["fills"], "position": position})
            )
            if progress:
                progress(done, row["total"])
            return True
        return False

    def _finish(self, connection: Connection) -> int:
        row, old, new, expansion = self._load(connection)
        for name in {f.object for f in expansion.fills}:
            before, after = self._models(old, new, expansion, name)
            late = sa.select(system.change.c.record).where(
                system.change.c.id > row["mark"], system.change.c.object == before.name
            )
            ids = sorted(set(connection.execute(late).scalars()))
            for start in range(0, len(ids), 500):
                fill_rows(
                    connection,
                    before,
                    after,
                    [f for f in expansion.fills if f.object == name],
                    ids[start : start + 500],
                )
        connection.execute(system.publication.delete())
        return self._activate(
            connection, expansion, new, row["operations"], row["author"], row["note"], row["fills"]["undoes"]
        )

    def _fill_all(self, connection: Connection, old: Snapshot, new: Snapshot, expansion: Expansion) -> None:
        for name in {f.object for f in expansion.fills}:
            before, after = self._models(old, new, expansion, name)
            last = 0
            while ids := next_ids(connection, before, last):
                fill_rows(connection, before, after, [f for f in expansion.fills if f.object == name], ids)
                last = ids[-1]

    def _models(self, old: Snapshot, new: Snapshot, expansion: Expansion, name: str) -> tuple[ObjectModel, ObjectModel]:
        before = ObjectModel(
            old.of_kind("object")[_old_name(expansion, name)], expansion.before[name], self.tenant.environment(old)
        )
        return before, ObjectModel(new.of_kind("object")[name], expansion.after[name], self.tenant.environment(new))

    def _activate(
        self,
        connection: Connection,
        expansion: Expansion,
        new: Snapshot,
        operations: list[Any],
        author: int | None,
        note: str,
        undoes: int | None,
    ) -> int:
        activate(connection, expansion, new, self.tenant.environment(new))
        self.fault("after catalogue")
        number = versions.current_number(connection) + 1
        base = self.tenant.model_in(connection).snapshot
        versions.write_documents(connection, new, base.digests)
        versions.write_version(
            connection,
            new,
            number=number,
            operations=operations,
            author=author,
            note=note,
            at=self.tenant.clock.now(),
            undoes=undoes,
        )
        return number

    def _expansion(
        self,
        connection: Connection,
        old: Snapshot,
        new: Snapshot,
        plan: Plan,
        *,
        revive: bool,
        added: Mapping[str, Sequence[str]] | None = None,
    ) -> Expansion:
        """Work out the physical change. ``added``: the columns that it added itself already, so that it names them again."""
        objects, fields = renames_of(plan)
        touched = {k[1] for k, d in new.digests.items() if k[0] == "object" and old.digests.get(k) != d}
        storages = catalogue.read(connection, touched | set(objects))
        for name, columns in (added or {}).items():
            if name in storages:
                used = {c: s for c, s in storages[name].used.items() if c not in columns}
                storages[name] = replace(storages[name], used=used)
        return expand(
            old,
            new,
            storages,
            catalogue.table_names(connection),
            self.tenant.environment(new),
            renamed_objects=objects,
            renamed_fields=fields,
            revive=revive,
        )

    def undo(self, *, number: int | None = None, confirm: str | None = None, author: int | None = None) -> int:
        """Apply the inverse of a version (default: the newest); return the number of the new version."""
        return self.apply(self.plan_undo(number), confirm=confirm, author=author, note="undo")

    def plan_undo(self, number: int | None = None) -> TenantPlan:
        """Plan the way back to what was before version ``number`` (default: the newest)."""
        with self.tenant.database.reading() as connection:
            newest = versions.current_number(connection)
            number = newest if number is None else number
            if number != newest:
                raise CannotUndo(f"Only the newest version ({newest}) can be undone; undo the later ones first.")
            if number <= 1:
                raise CannotUndo("The first version cannot be undone: it makes the tenant.")
            before = versions.read_version(connection, number - 1)
            after = versions.read_version(connection, number, before)
            stored = connection.execute(
                sa.select(system.version.c.operations).where(system.version.c.number == number)
            ).scalar_one()
        forward = Plan.from_json({"base": before.hash, "target": after.hash, "operations": stored})
        return self._plan_inverse(forward, before, number)

    def _plan_inverse(self, forward: Plan, before: Snapshot, number: int) -> TenantPlan:
        with self.tenant.database.reading() as connection:
            model = self.tenant.model_in(connection)
            plan = forward.inverse(before)
            expansion = self._expansion(connection, model.snapshot, before, plan, revive=True)
            findings = examine(connection, model, before, expansion, plan)
        return TenantPlan(plan, before, tuple(findings), True, number, tuple(expansion.fills))

    def log(self, limit: int = 100) -> list[dict[str, Any]]:
        """Return the newest versions first: number, hash, author, note, time, operations."""
        v = system.version.c
        query = sa.select(v.number, v.hash, v.author, v.note, v.created_at, v.operations, v.undoes)
        with self.tenant.database.reading() as connection:
            rows = connection.execute(query.order_by(v.number.desc()).limit(limit)).mappings().all()
        return [dict(r) for r in rows]


def renames_of(plan: Plan) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Return renamed objects (old → new) and renamed fields (by new object name: old → new) of a plan."""
    objects: dict[str, str] = {}
    fields: dict[str, dict[str, str]] = {}
    for op in plan.operations:
        if not isinstance(op, RenameElement) or op.kind != "object":
            continue
        if not op.path:
            objects[op.name] = op.to
        elif len(op.path) == 2 and op.path[0] == "fields":
            fields.setdefault(op.name, {})[op.path[1]] = op.to
    return objects, {objects.get(name, name): pairs for name, pairs in fields.items()}


def _added_columns(expansion: Expansion) -> dict[str, list[str]]:
    """Return the base names of the columns that an expansion adds, by the object's name before it."""
    return {_old_name(expansion, name): [p.column for p in places.values()] for name, places in expansion.added.items()}


def _is_running(connection: Connection) -> bool:
    return connection.execute(sa.select(system.publication.c.id)).first() is not None


def _old_name(expansion: Expansion, name: str) -> str:
    return next((o for o, n in expansion.renamed.items() if n == name), name)


def _count(connection: Connection, model: ObjectModel) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(model.table)).scalar_one())


__all__ = [
    "CannotUndo",
    "Document",
    "DuplicateValues",
    "InvalidMetadata",
    "ModelEnvironment",
    "NotConfirmed",
    "PublicationRunning",
    "Publisher",
    "StalePlan",
    "TenantPlan",
    "renames_of",
]

"""Plans and applies changes of one tenant's metadata.

A small change is one transaction: columns, catalogue and version commit together. A change that must convert records goes
in phases: *expand* (add columns), *fill* (batches, readers and writers keep the old definition), *index* (PostgreSQL builds
those of large tables online), *activate* (catch up with what changed meanwhile, switch). What is interrupted between phases is continued by :meth:`Publisher.resume` or given up by
:meth:`Publisher.abandon`; either way the visible version is the old or the new one.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis import plugins
from trellis.publishing import planning, versions
from trellis.publishing.core_guard import missing_core
from trellis.publishing.errors import CannotUndo, InvalidMetadata, NotConfirmed, PublicationRunning, StalePlan
from trellis.publishing.indexes import DuplicateValues
from trellis.publishing.publication import Fault, Progress, Publication, is_running
from trellis.publishing.tenant_plan import TenantPlan
from trellis.storage import system
from trellis_metadata.errors import TrellisError
from trellis_metadata.renames import remembering
from trellis_metadata.snapshot import Key, Snapshot

if TYPE_CHECKING:
    from trellis.tenant import Tenant

log = logging.getLogger(__name__)


def _no_fault(_step: str) -> None:
    return None


class Publisher:
    """The publish cycle of one tenant. ``fault`` is called with the name of each step (tests interrupt there)."""

    def __init__(self, tenant: Tenant, fault: Fault = _no_fault) -> None:
        self.tenant = tenant
        self.fault = fault
        self._publication = Publication(tenant, fault)

    def check(self, documents: Sequence[object], *, removed: Sequence[Key] = (), replace_all: bool = False) -> Snapshot:
        """Return the snapshot with ``documents`` added or replaced. Raises :class:`InvalidMetadata` with every problem."""
        base = self.tenant.core_snapshot() if replace_all else self.tenant.model().snapshot.without(removed)
        snapshot, diagnostics = self.tenant.language.check(list(documents), base)
        for document in documents:
            found = plugins.given("trellis_check_document", tenant=self.tenant, document=document)
            diagnostics += [diagnostic for _, diagnostic in found]
        errors = [d for d in diagnostics if d.severity.value == "error"]
        if snapshot is not None:
            errors += missing_core(self.tenant.core_snapshot(), snapshot)
        if snapshot is None or errors:
            raise InvalidMetadata(errors or diagnostics)
        if removed:
            errors = [d for d in self.tenant.language.validate(snapshot) if d.severity.value == "error"]
            if errors:
                raise InvalidMetadata(errors)
        return snapshot

    def plan(self, new: Snapshot, *, renames: Sequence[Any] = ()) -> TenantPlan:
        """Compare the visible version with ``new`` and look at the records that would be affected."""
        return planning.plan_change(self.tenant, new, renames=renames)

    def plan_documents(
        self,
        documents: Sequence[object],
        *,
        removed: Sequence[Key] = (),
        renames: Sequence[Any] = (),
        replace_all: bool = False,
    ) -> TenantPlan:
        """Validate documents and plan the change to them.

        Old names that the tenant knows and the documents do not mention stay; a document that is renamed is replaced.
        """
        kept = self._with_old_names(documents)
        gone = [(kind, name) for kind, name, path, _ in renames if not path]
        given = {
            (d["kind"], d["name"])
            for d in kept
            if isinstance(d, Mapping) and isinstance(d.get("kind"), str) and isinstance(d.get("name"), str)
        }
        removed = [*removed, *(key for key in gone if key not in given and key not in removed)]
        return self.plan(self.check(kept, removed=removed, replace_all=replace_all), renames=renames)

    def _with_old_names(self, documents: Sequence[object]) -> list[object]:
        language, snapshot = self.tenant.language, self.tenant.model().snapshot
        result: list[object] = []
        for document in documents:
            kind = document.get("kind") if isinstance(document, Mapping) else None
            known = snapshot.get(kind, str(document.get("name"))) if isinstance(kind, str) else None  # type: ignore[attr-defined]
            if known is not None and isinstance(document, Mapping):
                document = remembering(document, known, language.structure(known["kind"]))
            result.append(document)
        return result

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
            number = self._publication.begin(connection, plan, author, note)
            self.fault("before commit of expand")
        self.fault("after expand")
        if number is None:
            return self.resume(progress)
        self._share_anew()
        return number

    def _share_anew(self) -> None:
        """Work out the access rules of small objects at once; those of large ones are the worker's."""
        from trellis.access.building import build_small

        build_small(self.tenant)

    def running(self) -> Mapping[str, Any] | None:
        """Return phase, done and total of a change that is converting records, or None."""
        with self.tenant.database.reading() as connection:
            row = connection.execute(sa.select(system.publication)).mappings().first()
        return None if row is None else {k: row[k] for k in ("phase", "done", "total", "note", "created_at")}

    def resume(self, progress: Progress | None = None) -> int:
        """Continue an interrupted publication to its end (another process may get there first); return the version number."""
        while True:
            with self.tenant.database.writing() as connection:
                if not is_running(connection):
                    return versions.current_number(connection)
                if not self._publication.fill_batch(connection, progress):
                    break
                self.fault("in fill batch")
            self.fault("after fill batch")
        try:
            self._publication.build_indexes(progress)
            self.fault("before activate")
            with self.tenant.publishing_lock() as connection:
                if not is_running(connection):
                    return versions.current_number(connection)
                number = self._publication.finish(connection)
                self.fault("before commit of activate")
        except DuplicateValues:
            self.abandon()
            raise
        self.fault("after activate")
        self._share_anew()
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
            if is_running(connection):
                self._publication.abandon(connection)

    def undo(self, *, number: int | None = None, confirm: str | None = None, author: int | None = None) -> int:
        """Apply the inverse of a version (default: the newest); return the number of the new version."""
        return self.apply(self.plan_undo(number), confirm=confirm, author=author, note="undo")

    def plan_undo(self, number: int | None = None) -> TenantPlan:
        """Plan the way back to what was before version ``number`` (default: the newest)."""
        return planning.plan_undo(self.tenant, number)

    def log(self, limit: int = 100) -> list[dict[str, Any]]:
        """Return the newest versions first: number, hash, author, note, time, operations."""
        with self.tenant.database.reading() as connection:
            return versions.log(connection, limit)


__all__ = [
    "CannotUndo",
    "DuplicateValues",
    "InvalidMetadata",
    "NotConfirmed",
    "PublicationRunning",
    "Publisher",
    "StalePlan",
    "TenantPlan",
]

"""A change on its way: the one row that remembers how far it came, and the steps that bring it to its end.

*Expand* adds columns and commits the row; *fill* converts records in batches; *index* builds the indexes of large tables
(PostgreSQL); *activate* catches up with what changed meanwhile and switches. Whatever interrupts a step, the next process goes
on from the row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.schema import DropTable

from trellis.audit.publications import note_publication
from trellis.model import ObjectModel
from trellis.publishing import versions
from trellis.publishing.deriving import Deriving
from trellis.publishing.errors import PublicationRunning, StalePlan
from trellis.publishing.expansion import Expansion, Fill, activate, add_columns
from trellis.publishing.filling import fill_rows, next_ids
from trellis.publishing.indexes import DuplicateValues, NewIndex, compare
from trellis.publishing.online import build, building, is_large
from trellis.publishing.planning import expansion_of
from trellis.publishing.tenant_plan import TenantPlan
from trellis.storage import system
from trellis.storage.physical import drop_index
from trellis_metadata.plan import Plan
from trellis_metadata.snapshot import Snapshot

if TYPE_CHECKING:
    from trellis.tenant import Tenant

INLINE_ROWS = 2000
"""Up to so many records are converted in the publishing transaction itself."""
CATCH_UP_ROWS = 500

Progress = Callable[[int, int], None]
Fault = Callable[[str], None]


def is_running(connection: Connection) -> bool:
    """Whether a change is on its way."""
    return connection.execute(sa.select(system.publication.c.id)).first() is not None


@dataclass(frozen=True)
class Change:
    """What a step needs to know: both snapshots, the physical change, and what the version's row will say."""

    old: Snapshot
    new: Snapshot
    expansion: Expansion
    operations: Sequence[Any]
    author: int | None
    note: str
    undoes: int | None

    @property
    def filled(self) -> list[str]:
        """The objects whose records are converted, by their new names, in order."""
        return sorted({f.object for f in self.expansion.fills})

    def fills_of(self, name: str) -> list[Fill]:
        """The conversions of one object."""
        return [f for f in self.expansion.fills if f.object == name]


class Publication:
    """The steps of one tenant's change. ``fault`` is called with the name of each (tests interrupt there)."""

    def __init__(self, tenant: Tenant, fault: Fault) -> None:
        self.tenant = tenant
        self.fault = fault

    def begin(self, connection: Connection, plan: TenantPlan, author: int | None, note: str) -> int | None:
        """Expand; finish at once when few records need converting. Returns the version number, or None: fill first."""
        if is_running(connection):
            raise PublicationRunning("Another change is still converting records. Wait for it, or resume it.")
        model = self.tenant.model_in(connection)
        if model.snapshot.hash != plan.base:
            raise StalePlan("The metadata changed after this plan was made. Make a new plan.")
        expansion = expansion_of(self.tenant, connection, model.snapshot, plan.new, plan.plan, revive=plan.revive)
        operations = [op.to_json() for op in plan.plan.operations]
        change = Change(model.snapshot, plan.new, expansion, operations, author, note, plan.undoes)
        add_columns(connection, expansion, plan.new, self.tenant.environment(plan.new))
        self.fault("after columns")
        deriving = Deriving(self.tenant, connection, plan.new, expansion)
        total = sum(_count(connection, model.object(old_name(expansion, n))) for n in change.filled) + deriving.rows()
        if total <= INLINE_ROWS and not self._online_indexes(connection, change):
            self._fill_all(connection, change)
            deriving.all()
            return self._activate(connection, change)
        self._write_row(connection, plan, change, total)
        return None

    def _write_row(self, connection: Connection, plan: TenantPlan, change: Change, total: int) -> None:
        versions.write_documents(connection, plan.new, change.old.digests)
        mark = connection.execute(sa.select(sa.func.coalesce(sa.func.max(system.change.c.id), 0))).scalar_one()
        connection.execute(
            system.publication.insert(),
            {
                "id": 1,
                "base": plan.base,
                "target": plan.new.hash,
                "manifest": versions.manifest_of(plan.new),
                "operations": change.operations,
                "fills": {
                    "position": {},
                    "revive": plan.revive,
                    "undoes": plan.undoes,
                    "added": _added_columns(change.expansion),
                    "indexed": [],
                },
                "phase": "fill",
                "done": 0,
                "total": total,
                "mark": mark,
                "author": change.author,
                "note": change.note,
                "created_at": self.tenant.clock.now(),
            },
        )

    def load(self, connection: Connection) -> tuple[sa.RowMapping, Change]:
        """Return the row of the running change, and the change. Call only when :func:`is_running`."""
        row = connection.execute(sa.select(system.publication)).mappings().one()
        model = self.tenant.model_in(connection)
        new = versions.read_manifest(connection, row["manifest"], model.snapshot)
        plan = Plan.from_json({"base": row["base"], "target": row["target"], "operations": row["operations"]})
        fills = row["fills"]
        expansion = expansion_of(
            self.tenant, connection, model.snapshot, new, plan, revive=fills["revive"], added=fills["added"]
        )
        change = Change(model.snapshot, new, expansion, row["operations"], row["author"], row["note"], fills["undoes"])
        return row, change

    def fill_batch(self, connection: Connection, progress: Progress | None) -> bool:
        """Convert the next records. Returns whether there were any."""
        row, change = self.load(connection)
        position = dict(row["fills"]["position"])
        for name in change.filled:
            before, after = self._models(change, name)
            ids = next_ids(connection, before, position.get(name, 0))
            if not ids:
                continue
            fill_rows(connection, before, after, change.fills_of(name), ids)
            position[name] = ids[-1]
            done = row["done"] + len(ids)
            connection.execute(
                system.publication.update().values(done=done, fills={**row["fills"], "position": position})
            )
            if progress:
                progress(done, row["total"])
            return True
        return self._derive_batch(connection, row, change, progress)

    def _derive_batch(
        self, connection: Connection, row: sa.RowMapping, change: Change, progress: Progress | None
    ) -> bool:
        """Compute roll-ups of the next records, once all conversions are done. Returns whether there were any."""
        position = dict(row["fills"]["position"])
        count = Deriving(self.tenant, connection, change.new, change.expansion).batch(position)
        if count:
            done = row["done"] + count
            fills = {**row["fills"], "position": position}
            connection.execute(system.publication.update().values(done=done, fills=fills))
            if progress:
                progress(min(done, row["total"]), row["total"])
        return bool(count)

    def finish(self, connection: Connection) -> int:
        """Convert what was written since the change began, and make it visible; return the version number."""
        row, change = self.load(connection)
        for name in change.filled:
            before, after = self._models(change, name)
            late = sa.select(system.change.c.record).where(
                system.change.c.id > row["mark"], system.change.c.object == before.name
            )
            ids = sorted(set(connection.execute(late).scalars()))
            for start in range(0, len(ids), CATCH_UP_ROWS):
                self._catch_up(connection, before, after, change.fills_of(name), ids[start : start + CATCH_UP_ROWS])
        Deriving(self.tenant, connection, change.new, change.expansion).catch_up(row["mark"])
        connection.execute(system.publication.delete())
        return self._activate(connection, change, row["fills"].get("indexed", ()))

    def _catch_up(
        self, connection: Connection, before: ObjectModel, after: ObjectModel, fills: list[Fill], ids: list[int]
    ) -> None:
        try:
            fill_rows(connection, before, after, fills, ids)
        except sa.exc.IntegrityError:
            raise DuplicateValues(
                f"Records of '{after.name}' that were written meanwhile share a value of the new unique key. "
                "Resolve them first."
            ) from None

    def build_indexes(self, progress: Progress | None) -> None:
        """Build the indexes of large tables online, those of an interrupted build anew. Raises ``DuplicateValues``."""
        database = self.tenant.database
        if self._next_index(None) is None:
            return
        with building(database, self.tenant.lock_number + 1, self._is_on_its_way) as builder:
            while builder is not None and (index := self._next_index(progress)) is not None:
                self.fault("before index")
                build(builder, index)
                self.fault("after index")
                if not self._note_built(index):
                    drop_index(builder, index.name, online=True)

    def _is_on_its_way(self) -> bool:
        with self.tenant.database.reading() as connection:
            return is_running(connection)

    def _next_index(self, progress: Progress | None) -> NewIndex | None:
        with self.tenant.database.writing() as connection:
            if not is_running(connection):
                return None
            row, change = self.load(connection)
            indexes, done = self._online_indexes(connection, change), row["fills"]["indexed"]
            pending = [i for i in indexes if i.name not in done]
            if not pending:
                return None
            counts = {"done": len(indexes) - len(pending), "total": len(indexes)}
            connection.execute(system.publication.update().values(phase="index", **counts))
        if progress:
            progress(counts["done"], counts["total"])
        return pending[0]

    def _note_built(self, index: NewIndex) -> bool:
        """Remember that an index is done. Returns False if the change was given up meanwhile."""
        with self.tenant.database.writing() as connection:
            found = connection.execute(sa.select(system.publication.c.fills).with_for_update()).scalar()
            if found is None:
                return False
            connection.execute(
                system.publication.update().values(fills={**found, "indexed": [*found["indexed"], index.name]})
            )
            return True

    def _online_indexes(self, connection: Connection, change: Change) -> list[NewIndex]:
        """Return the new indexes of tables that are too large to be locked while one is built."""
        if self.tenant.database.is_sqlite:
            return []
        found: list[NewIndex] = []
        for name, after in change.expansion.after.items():
            if name in change.expansion.created:
                continue
            model = ObjectModel(change.new.of_kind("object")[name], after, self.tenant.environment(change.new))
            added = compare(model).added
            if added and is_large(connection, model.table):
                found.extend(added)
        return found

    def abandon(self, connection: Connection) -> None:
        """Take back what the change made that has a name; added columns stay and are ignored."""
        row, change = self.load(connection)
        for index in row["fills"].get("indexed", ()):
            drop_index(connection, index)
        for name in change.expansion.created:
            # Nobody ever saw it, and its name must be free for the next try.
            connection.execute(DropTable(sa.Table(change.expansion.after[name].table, sa.MetaData())))
        connection.execute(system.publication.delete())

    def _fill_all(self, connection: Connection, change: Change) -> None:
        for name in change.filled:
            before, after = self._models(change, name)
            last = 0
            while ids := next_ids(connection, before, last):
                fill_rows(connection, before, after, change.fills_of(name), ids)
                last = ids[-1]

    def _models(self, change: Change, name: str) -> tuple[ObjectModel, ObjectModel]:
        old, new, expansion = change.old, change.new, change.expansion
        before = ObjectModel(
            old.of_kind("object")[old_name(expansion, name)], expansion.before[name], self.tenant.environment(old)
        )
        return before, ObjectModel(new.of_kind("object")[name], expansion.after[name], self.tenant.environment(new))

    def _activate(self, connection: Connection, change: Change, built: Collection[str] = ()) -> int:
        activate(connection, change.expansion, change.new, self.tenant.environment(change.new), built)
        self.fault("after catalogue")
        number = versions.current_number(connection) + 1
        versions.write_documents(connection, change.new, change.old.digests)
        versions.write_version(
            connection,
            change.new,
            number=number,
            operations=list(change.operations),
            author=change.author,
            note=change.note,
            at=self.tenant.clock.now(),
            undoes=change.undoes,
        )
        from trellis.access.sync import follow
        from trellis.automation import following
        from trellis.jobs import scheduling

        follow(self.tenant, connection, change.old, change.new, number)
        following.follow(self.tenant, connection, change.old, change.new)
        scheduling.follow(self.tenant, connection, change.new)
        note_publication(self.tenant, connection, change.old, change.new, change.author, number)
        return number


def old_name(expansion: Expansion, name: str) -> str:
    """Return the name that an object had before the change."""
    return next((o for o, n in expansion.renamed.items() if n == name), name)


def _added_columns(expansion: Expansion) -> dict[str, list[str]]:
    """Return the base names of the columns that an expansion adds, by the object's name before it."""
    return {old_name(expansion, name): [p.column for p in places.values()] for name, places in expansion.added.items()}


def _count(connection: Connection, model: ObjectModel) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(model.table)).scalar_one())

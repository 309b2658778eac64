"""A change on its way: the one row that remembers how far it came, and the steps that bring it to its end.

*Expand* adds columns and commits the row; *fill* converts records in batches; *activate* catches up with what changed
meanwhile and switches. Each step is one transaction, so that whatever interrupts it, the next process goes on from the row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.schema import DropTable

from trellis.model import ObjectModel
from trellis.publishing import versions
from trellis.publishing.errors import PublicationRunning, StalePlan
from trellis.publishing.expansion import Expansion, Fill, activate, add_columns
from trellis.publishing.filling import fill_rows, next_ids
from trellis.publishing.planning import expansion_of
from trellis.publishing.tenant_plan import TenantPlan
from trellis.storage import system
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
        total = sum(_count(connection, model.object(old_name(expansion, n))) for n in change.filled)
        if total <= INLINE_ROWS:
            self._fill_all(connection, change)
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
        return False

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
                fill_rows(connection, before, after, change.fills_of(name), ids[start : start + CATCH_UP_ROWS])
        connection.execute(system.publication.delete())
        return self._activate(connection, change)

    def abandon(self, connection: Connection) -> None:
        """Take back what the change made that has a name; added columns stay and are ignored."""
        _, change = self.load(connection)
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

    def _activate(self, connection: Connection, change: Change) -> int:
        activate(connection, change.expansion, change.new, self.tenant.environment(change.new))
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
        return number


def old_name(expansion: Expansion, name: str) -> str:
    """Return the name that an object had before the change."""
    return next((o for o, n in expansion.renamed.items() if n == name), name)


def _added_columns(expansion: Expansion) -> dict[str, list[str]]:
    """Return the base names of the columns that an expansion adds, by the object's name before it."""
    return {old_name(expansion, name): [p.column for p in places.values()] for name, places in expansion.added.items()}


def _count(connection: Connection, model: ObjectModel) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(model.table)).scalar_one())

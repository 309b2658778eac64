"""The one write path (DESIGN §5). UI, API, bulk, import, scripts, automation and jobs all write through it.

Order for each batch: identity (parse, external ids, matching) → access on the stored row → own-row decisions (defaults,
numbers, owner) → judgement (required, references, keys, rules, access after) → one write per row with a version check →
ripples → after-steps. At the end: commit-time steps, the trail, the outbox, one commit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection

from trellis.access import AccessDenied, Cause, Principal, rights
from trellis.access.versions import bump_access
from trellis.access.writing import judge as judge_access
from trellis.access.writing import reached
from trellis.accounts.activity import follow as follow_activity
from trellis.fields.common.columns import RecordRef
from trellis.model import Model, ObjectModel
from trellis.transaction import defaults, removal, steps
from trellis.transaction.attempt import Keeper, carry_out
from trellis.transaction.currencies import apply_rates
from trellis.transaction.errors import NotFound, RecordsInvalid, VersionConflict
from trellis.transaction.outcome import Outcome
from trellis.transaction.parsing import MIGRATION_FIELDS, parse_row
from trellis.transaction.references import check_references
from trellis.transaction.row import Row
from trellis.transaction.statements import statements_of
from trellis.transaction.trail import Trail
from trellis.transaction.uniqueness import check_unique

if TYPE_CHECKING:
    from trellis.tenant import Tenant

Rows = Sequence[Mapping[str, Any]]
PARTIAL, ALL_OR_NONE = "partial", "all_or_none"


class Transaction:
    """A database transaction in which one principal writes for one cause. Made by :meth:`Tenant.transaction`."""

    def __init__(
        self,
        tenant: Tenant,
        connection: Connection,
        model: Model,
        principal: Principal,
        cause: Cause,
        *,
        migration: bool = False,
    ) -> None:
        self.tenant, self.connection, self.model = tenant, connection, model
        self.database = tenant.database
        self.principal, self.cause = principal, cause
        self.cause_json = cause.to_json()
        if principal.behind is not None:
            self.cause_json["behind"] = {"user": principal.behind, "name": principal.behind_name}
        self.now: datetime = tenant.clock.now()
        self.migration = migration
        self.trail = Trail(self)
        self.notes: dict[str, Any] = {}
        """What the parts of the platform keep from one step of a batch to a later one, by their names."""
        self.keepers: list[Keeper] = []
        """Who holds something in memory that must be forgotten when a part of the transaction is taken back."""
        self.ending: list[Callable[[bool], None]] = []
        """Called after the transaction, told whether it was committed."""
        self.held_ripples: list[tuple[ObjectModel, Sequence[Row]]] | None = None
        self.seen_alive: dict[str, set[int]] = {"user": {principal.user}} if principal.user is not None else {}
        if migration and not principal.admin:
            raise AccessDenied("Keeping created and changed stamps (migration mode) is for administrators.")

    def create(
        self, object_name: str, rows: Rows, *, mode: str = ALL_OR_NONE, from_text: bool = False
    ) -> list[Outcome]:
        """Create records; one outcome per row in order.

        ``mode`` ``all_or_none`` raises :class:`RecordsInvalid` with the errors of all rows; ``partial`` writes the good
        rows and returns the refused ones with their errors. ``from_text`` reads values as files write them.
        """
        model = self._model(object_name)
        if not rights(self.principal, model.doc).create:
            raise AccessDenied(f"You may not create records of '{model.name}'.")
        batch = [
            parse_row(model, i, r, with_id=False, from_text=from_text, migration=self.migration)
            for i, r in enumerate(rows)
        ]
        steps.run(self.tenant.steps.identity, self, model, batch)
        for row in batch:
            self._own_new(model, row)
        defaults.fill_auto_numbers(self, model, batch)
        steps.run(self.tenant.steps.own_row, self, model, batch)
        self._judge(model, batch)
        good = self._accepted(batch, mode)
        carry_out(self, model, batch, good, self._insert, partial=mode == PARTIAL)
        return [self._outcome(model, row, "created") for row in batch]

    def update(
        self, object_name: str, rows: Rows, *, mode: str = ALL_OR_NONE, from_text: bool = False
    ) -> list[Outcome]:
        """Change records. Each row has ``id``, optionally ``version`` (refused if stale), and the fields to change.

        Raises :class:`NotFound` / :class:`VersionConflict` for a single row; in a batch these are errors of the row.
        """
        model = self._model(object_name)
        batch = [
            parse_row(model, i, r, with_id=True, from_text=from_text, migration=self.migration)
            for i, r in enumerate(rows)
        ]
        steps.run(self.tenant.steps.identity, self, model, batch)
        self._load(model, batch, alone=len(batch) == 1 and mode == ALL_OR_NONE)
        for row in batch:
            if not row.errors:
                assert row.old is not None
                row.new = {k: v for k, v in row.given.items() if row.old.get(k) != v}
        self._refuse_repeats(batch)
        steps.run(self.tenant.steps.own_row, self, model, batch)
        self._judge(model, [r for r in batch if r.new or r.errors])
        good = [r for r in self._accepted(batch, mode) if r.new]
        carry_out(self, model, batch, good, self._update, partial=mode == PARTIAL)
        return [self._outcome(model, row, "updated" if row.new else "unchanged") for row in batch]

    def delete(
        self,
        object_name: str,
        ids: Sequence[int],
        *,
        mode: str = ALL_OR_NONE,
        versions: Mapping[int, int] | None = None,
    ) -> list[Outcome]:
        """Move records to the recycle bin, with what hangs on them by delete rule ``cascade``."""
        return removal.delete(self, self._model(object_name), ids, mode, versions or {})

    def restore(self, object_name: str, ids: Sequence[int]) -> list[Outcome]:
        """Bring records back from the recycle bin, with everything that was deleted together with them."""
        return removal.restore(self, self._model(object_name), ids)

    def purge(self, object_name: str, ids: Sequence[int]) -> int:
        """Remove records from the recycle bin for ever. For administrators. Returns how many went."""
        return removal.purge(self, self._model(object_name), ids)

    def _model(self, name: str) -> ObjectModel:
        return self.model.object(name)

    def _own_new(self, model: ObjectModel, row: Row) -> None:
        row.new = {**defaults.defaults_of(model), **row.given}
        if row.new.get("owner") is None and self.principal.user is not None:
            row.new["owner"] = RecordRef("user", self.principal.user)

    def _load(self, model: ObjectModel, batch: Sequence[Row], *, alone: bool) -> None:
        """Read the stored rows under lock and judge the right to change them."""
        ids = sorted({r.id for r in batch if r.id is not None and not r.errors})
        stored = statements_of(model).fetch(self.connection, ids, lock=not self.database.is_sqlite) if ids else {}
        allowed = reached(self, model, ids)
        for row in batch:
            if row.errors:
                continue
            old = stored.get(row.id or 0)
            if old is None or old["deleted_at"] is not None or not allowed.may_read(old["id"]):
                if alone:
                    raise NotFound(f"There is no such record of '{model.name}'.")
                row.refuse("id", "not_found", f"There is no such record of '{model.name}'.")
            elif not allowed.may_edit(old["id"]):
                if alone:
                    raise AccessDenied(f"You may not change this record of '{model.name}'.")
                row.refuse("id", "access_denied", "You may not change this record.")
            elif row.expected_version is not None and row.expected_version != old["version"]:
                message = (
                    f"Somebody changed the record: it is at version {old['version']}, you sent {row.expected_version}."
                )
                if alone:
                    raise VersionConflict(message, found=old["version"], sent=row.expected_version)
                row.refuse("version", "version_conflict", message)
            row.old = old

    def _refuse_repeats(self, batch: Sequence[Row]) -> None:
        seen: set[int] = set()
        for row in batch:
            if row.errors or row.id is None:
                continue
            if row.id in seen:
                row.refuse("id", "repeated", "The same record stands in the batch twice.")
            seen.add(row.id)

    def _judge(self, model: ObjectModel, batch: Sequence[Row]) -> None:
        """Step 4: what must hold after the write."""
        for row in batch:
            for name in defaults.required_of(model):
                if row.old is None:
                    blank = row.new.get(name) is None
                else:
                    # A stored blank under a newer rule is asked for at the next change.
                    blank = row.value(name) is None
                if blank and name not in row.errors:
                    row.refuse(name, "required", f"'{name}' must have a value.")
            defaults.check_dependent_options(model, row)
            defaults.check_changes(model, row)
        apply_rates(self, model, batch)
        check_references(self, model, batch)
        check_unique(self, model, batch)
        steps.run(self.tenant.steps.judgement, self, model, batch)
        judge_access(self, model, batch)

    def _accepted(self, batch: Sequence[Row], mode: str) -> list[Row]:
        if mode != PARTIAL and any(r.errors for r in batch):
            raise RecordsInvalid([r.errors or None for r in batch])
        return [r for r in batch if not r.errors]

    def _insert(self, model: ObjectModel, rows: Sequence[Row]) -> None:
        ids = self.tenant.ids.take(len(rows), self.connection)
        actor = self.principal.user and RecordRef("user", self.principal.user)
        statements = statements_of(model)
        params = []
        for row, record in zip(rows, ids, strict=True):
            row.id = record
            stamps = {
                "created_at": self.now,
                "created_by": actor,
                "modified_at": self.now,
                "modified_by": actor,
                "version": 1,
            }
            kept = (
                {k: v for k, v in row.new.items() if k in MIGRATION_FIELDS and v is not None} if self.migration else {}
            )
            row.new = {**row.new, **stamps, **kept}
            row.changed = tuple(k for k, v in row.new.items() if v is not None)
            params.append({**statements.insert_params(row.new), "id": record})
        statements.insert.run_many(self.connection, params)
        for row in rows:
            self.trail.record(model, row, "created", 1)

    def _update(self, model: ObjectModel, rows: Sequence[Row]) -> None:
        changes = []
        actor = self.principal.user and RecordRef("user", self.principal.user)
        for row in rows:
            assert row.old is not None and row.id is not None
            row.changed = tuple(row.new)
            stamps = {"modified_at": self.now, "modified_by": actor, "version": row.old["version"] + 1}
            if self.migration:
                stamps = {k: v for k, v in stamps.items() if row.new.get(k) is None or k not in MIGRATION_FIELDS}
            row.new.update(stamps)
            changes.append((row.id, row.old["version"], row.new))
        matched = statements_of(model).update(self.connection, changes)
        if matched != len(rows):
            raise VersionConflict("Somebody changed a record in the meantime. Read it again and repeat the change.")
        for row in rows:
            self.trail.record(model, row, "updated", row.new["version"])

    def _after(self, model: ObjectModel, rows: Sequence[Row]) -> None:
        if model.name == "user":
            bump_access(self.connection)
            follow_activity(self, rows)
        self.tenant.search_index.update(self, model, rows)
        steps.run(self.tenant.steps.ripples, self, model, rows)
        steps.run(self.tenant.steps.after, self, model, rows)

    def _outcome(self, model: ObjectModel, row: Row, action: str) -> Outcome:
        if row.errors:
            return Outcome("refused", model.name, row.id, errors=row.errors)
        values = {**(row.old or {}), **row.new}
        return Outcome(action, model.name, row.id, values.get("version"), values, changed=row.changed)

    def finish(self) -> None:
        """Run commit-time steps and write the trail. Called once, before the commit."""
        for step in self.tenant.steps.commit:
            step(self)
        self.trail.flush()
        self.trail.announce()

"""What every write leaves behind: a change row (audit and field history in one), facts, and one outbox row per transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from trellis.model import ObjectModel
from trellis.storage import outbox, system
from trellis.storage.outbox import Message
from trellis.storage.prepared import Prepared
from trellis.transaction.row import Row

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

_CHANGE = Prepared.insert(
    system.change, "at", "actor", "cause", "object", "record", "action", "version", "model", "values"
)
_FACT = Prepared.insert(system.fact, "at", "kind", "object", "record", "actor", "cause", "data")
UNTRACKED = frozenset({"version", "modified_at", "modified_by", "created_at", "created_by"})


class Trail:
    """Collects what happened in one transaction and writes it in few statements."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx
        self._changes: list[dict[str, Any]] = []
        self._facts: list[dict[str, Any]] = []
        self.touched: dict[tuple[str, str], list[int]] = {}

    def record(self, model: ObjectModel, row: Row, action: str, version: int) -> None:
        """Note that ``row`` was written."""
        tx = self.tx
        self._note(model, row, action, version, self._values(model, row, action), tx.cause_json)
        if action != "updated":
            self.fact(action, model.name, row.id, None)
        elif "owner" in row.changed:
            old, new = (row.old or {}).get("owner"), row.new.get("owner")
            self.fact("owner_changed", model.name, row.id, {"from": old and old.id, "to": new and new.id})
        assert row.id is not None
        self.touched.setdefault((model.name, action), []).append(row.id)

    def derived(self, model: ObjectModel, row: Row, because_of: Sequence[str]) -> None:
        """Note that derived values of ``row`` followed from other records, where the field's history is asked for."""
        values = self._values(model, row, "updated")
        if values:
            cause = {**self.tx.cause_json, "because_of": list(because_of)}
            self._note(model, row, "derived", row.new["version"], values, cause)

    @property
    def noted(self) -> Sequence[Mapping[str, Any]]:
        """The changes of records that are not written down yet: ``object``, ``record``, ``action``, ``values`` …"""
        return self._changes

    def mark(self) -> tuple[int, int, dict[tuple[str, str], list[int]]]:
        """Return how far the trail is, for :meth:`back_to`."""
        return len(self._changes), len(self._facts), {k: list(ids) for k, ids in self.touched.items()}

    def back_to(self, mark: tuple[int, int, dict[tuple[str, str], list[int]]]) -> None:
        """Forget what was noted since ``mark``: it was taken back."""
        del self._changes[mark[0] :]
        del self._facts[mark[1] :]
        self.touched = mark[2]

    def fact(self, kind: str, object_name: str, record: int | None, data: Mapping[str, Any] | None) -> None:
        """Append a typed event to the fact ledger."""
        tx = self.tx
        self._facts.append(
            {
                "at": tx.now,
                "kind": kind,
                "object": object_name,
                "record": record,
                "actor": tx.principal.user,
                "cause": tx.cause_json,
                "data": data,
            }
        )

    def _note(
        self,
        model: ObjectModel,
        row: Row,
        action: str,
        version: int,
        values: dict[str, Any] | None,
        cause: Mapping[str, Any],
    ) -> None:
        tx = self.tx
        self._changes.append(
            {
                "at": tx.now,
                "actor": tx.principal.user,
                "cause": cause,
                "object": model.name,
                "record": row.id,
                "action": action,
                "version": version,
                "model": tx.model.version,
                "values": values,
            }
        )

    def _values(self, model: ObjectModel, row: Row, action: str) -> dict[str, Any] | None:
        if action not in ("created", "updated"):
            return None
        writers = _writers(model)
        old, new = row.old, row.new
        out: dict[str, Any] = {}
        for name in row.changed:
            if name in writers:
                write = writers[name]
                before, after = _json(write, old.get(name)) if old else None, _json(write, new.get(name))
                if before != after:
                    out[name] = [before, after]
        return out

    def flush(self) -> None:
        """Write what was collected. Called before the commit and before anything reads history in the transaction."""
        connection = self.tx.connection
        changes, facts = self._changes, self._facts
        self._changes, self._facts = [], []
        _CHANGE.run_many(connection, changes)
        _FACT.run_many(connection, facts)

    def announce(self) -> None:
        """Announce the transaction's changes to asynchronous work."""
        if not self.touched:
            return
        changes = [{"object": o, "action": a, "ids": ids} for (o, a), ids in self.touched.items()]
        payload = {"changes": changes, "cause": self.tx.cause_json}
        outbox.put(self.tx.connection, self.tx.now, "records_changed", [Message(payload)])

    def enqueue(
        self,
        topic: str,
        payload: Mapping[str, Any],
        due_at: datetime | None = None,
        *,
        subject: str | None = None,
        key: str | None = None,
    ) -> int:
        """Put one message into the outbox and return its number; it is delivered at least once after the commit.

        ``due_at`` is a UTC moment (None: now). Messages of one ``subject`` are delivered one after the other; one waits under a
        ``key``, and a new one replaces it. See :class:`trellis.storage.outbox.Message`. Raises ``BadMessage``.
        """
        return outbox.put_one(self.tx.connection, self.tx.now, topic, Message(payload, due_at, subject, key))

    def enqueue_many(self, topic: str, messages: Sequence[Message]) -> None:
        """Put messages into the outbox in a fixed number of statements. Raises ``BadMessage``."""
        outbox.put(self.tx.connection, self.tx.now, topic, messages)

    def cancel(self, keys: Iterable[str]) -> int:
        """Take back the messages that wait under the keys; return how many there were. What has begun goes on."""
        return outbox.cancel(self.tx.connection, keys)


def _writers(model: ObjectModel) -> Mapping[str, Any]:
    """Return how the fields whose values history keeps are written as JSON; built once per model."""
    found: Mapping[str, Any] | None = model.__dict__.get("_history_writers")
    if found is None:
        tracked = [f for f in model.all_fields if f.name not in UNTRACKED and f.doc.get("history", not f.type.derived)]
        found = model.__dict__["_history_writers"] = {f.name: f.json_writer() for f in tracked}
    return found


def _json(write: Any, value: Any) -> Any:
    if value is None:
        return None
    plain = value if write is None else write(value)
    return plain if isinstance(plain, (str, int, float, bool, list, dict)) else str(plain)

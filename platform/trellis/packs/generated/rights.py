"""The permission matrix, tried out: for every permission set and object what is granted works and what is not is refused.

What is granted is read from the documents here, apart from the access rules that are under test. Each set is tried alone, by a
person who owns the records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from trellis.access import Cause, Principal
from trellis.access.accounts import create_user
from trellis.access.grants import grants_of
from trellis.access.principal import SYSTEM
from trellis.packs.generated.check import Check
from trellis.packs.generated.records import MAX_DEPTH, RecordTests
from trellis.packs.generated.values import other_values, parents
from trellis.query import run_query
from trellis.query.query import read_query
from trellis.tenant import Tenant
from trellis.transaction import Transaction
from trellis.transaction.outcome import Outcome
from trellis_metadata.errors import TrellisError
from trellis_metadata.snapshot import Document, Snapshot

_LEVELS = ("none", "masked", "read", "edit")
_PLAIN = ("text", "long_text", "integer", "number", "boolean", "date", "picklist")
TRIES = 6
_CAUSE = Cause("test")


def granted(snapshot: Snapshot, name: str) -> list[Document]:
    """Return a permission set and the sets that it includes, directly or not."""
    sets = snapshot.of_kind("permission_set")
    waiting, found = [name], dict[str, Document]()
    while waiting:
        at = waiting.pop()
        if at in sets and at not in found:
            found[at] = sets[at]
            waiting.extend(sets[at].get("includes", ()))
    return list(found.values())


def rights_on(documents: Sequence[Document], object_name: str) -> frozenset[str]:
    """Return the rights that the sets add up to on an object."""
    rights: set[str] = set()
    for document in documents:
        rights |= set(document.get("every_object", ()))
        for entry in document.get("objects", ()):
            if entry["name"] == object_name:
                rights |= set(entry.get("rights", ()))
    return frozenset(rights)


def field_level(documents: Sequence[Document], object_name: str, field: str) -> str:
    """Return the highest access to a field that one of the sets grants: ``none``, ``masked``, ``read`` or ``edit``."""
    best = 0
    for document in documents:
        entry: Mapping[str, Any] = next((e for e in document.get("objects", ()) if e["name"] == object_name), {})
        rights = {*document.get("every_object", ()), *entry.get("rights", ())}
        if rights:
            stated = {f["name"]: f["access"] for f in entry.get("fields", ())}
            level = _LEVELS.index(stated.get(field, entry.get("default_field", "edit")))
            best = max(best, level if rights & {"create", "edit"} else min(level, _LEVELS.index("read")))
    return _LEVELS[best]


def rights_checks(tenant: Tenant, tests: Sequence[RecordTests]) -> Iterator[Check]:
    """Yield one entry per permission set, object and right, and one for the fields."""
    model = tenant.model()
    sets = sorted(model.snapshot.of_kind("permission_set"))
    if not sets or not tests:
        return
    person = create_user(tenant, login="matrix", name="Matrix", permission_sets=())
    stored = {t.name: _stored(tenant, t, model.env.format_id("user", person)) for t in tests}
    for name in sets:
        who = Principal("person", person, "Matrix", grants=grants_of(model, [name]))
        documents = granted(model.snapshot, name)
        for test in tests:
            yield from _Matrix(test, name, documents, who, stored[test.name]).checks()


class _Found:
    """A record of an object that the person owns, and values with which another could be created."""

    def __init__(self, number: int | None, values: Mapping[str, Any]) -> None:
        self.number, self.values = number, values


def _stored(tenant: Tenant, test: RecordTests, owner: str) -> _Found:
    valid, _ = test.valid()

    def body(tx: Transaction) -> _Found:
        values = {**parents(tx, test.model, MAX_DEPTH, owner), **(valid or {})}
        outcome = tx.create(test.name, [{**values, "owner": owner}], mode="partial")[0]
        return _Found(None if outcome.errors else outcome.id, values)

    try:
        return tenant.run(SYSTEM, _CAUSE, body)
    except TrellisError:
        return _Found(None, valid or {})


class _Matrix:
    """One permission set on one object."""

    def __init__(
        self, test: RecordTests, name: str, documents: Sequence[Document], who: Principal, found: _Found
    ) -> None:
        self.test, self.name, self.documents, self.who, self.found = test, name, documents, who, found
        has = rights_on(documents, test.name)
        self.may = {
            "create": "create" in has,
            "read": "read" in has,
            "edit": {"read", "edit"} <= has,
            "delete": {"read", "edit", "delete"} <= has,
        }
        self.restricted = test.name in who.grants.restricted

    def checks(self) -> Iterator[Check]:
        """Try every right."""
        for right, may in self.may.items():
            yield self._right(right, may)
        if self.may["read"] and self.found.number is not None:
            yield self._fields()

    def _right(self, right: str, may: bool) -> Check:
        what = f"'{self.name}' {'may' if may else 'may not'} {right}"
        if self.found.number is None and right != "create":
            return Check(self.test.name, what, "not_found", "There is no record to try it on.")
        refusal = self._try(right)
        if not may:
            return Check(
                self.test.name, what, "failed" if refusal is None else "passed", "" if refusal else "It was done."
            )
        if refusal is None:
            return Check(self.test.name, what, "passed")
        return Check(self.test.name, what, "not_found" if self.restricted or right != "read" else "failed", refusal)

    def _try(self, right: str) -> str | None:
        """Try to use a right; return why it was refused, None if it worked."""
        if right == "read":
            try:
                return None if self._read([]) else "The record is not found."
            except TrellisError as refusal:
                return refusal.message
        if right == "edit":
            told = None
            for change in self._changes():
                told = self._write(partial(_update, self.test.name, change))
                if told is None:
                    return None
            return told or "There is no field to try it on."
        if right == "create":
            return self._write(lambda tx: tx.create(self.test.name, [self._another()], mode="partial"))
        return self._write(lambda tx: tx.delete(self.test.name, [self.found.number or 0], mode="partial"))

    def _write(self, act: Callable[[Transaction], Sequence[Outcome]]) -> str | None:
        """Do something as the person and take it back; return why it was refused, None if it worked."""
        try:
            errors = self.test.tenant.run(self.who, _CAUSE, act, preview=True)[0].errors
        except TrellisError as refusal:
            return refusal.message
        told = [e["message"] for found in errors.values() for e in found if isinstance(e, Mapping)]
        return "; ".join(told)[:300] if errors else None

    def _another(self) -> dict[str, Any]:
        """Return values for another record, different where values must be unique."""
        unique = [f for f in self.test.model.fields.values() if f.doc.get("unique") and f.name in self.found.values]
        others = {f.name: [v for v in other_values(f) if v is not None] for f in unique}
        return {**self.found.values, **{name: values[0] for name, values in others.items() if values}}

    def _changes(self) -> list[dict[str, Any]]:
        """Return changes of the record, each of a field that the set lets people write; any field if it lets none."""
        fields = [f for f in self.test.model.fields.values() if f.writable and f.doc["type"] in _PLAIN]
        open_fields = [f for f in fields if field_level(self.documents, self.test.name, f.name) == "edit"]
        found = [(f.name, v) for f in open_fields or fields for v in other_values(f) if v is not None]
        known = self.found.values
        return [{"id": self.found.number, n: v} for n, v in found if v != known.get(n)][:TRIES]

    def _read(self, fields: list[str]) -> dict[str, Any] | None:
        tenant, name = self.test.tenant, self.test.name
        where = {"field": "id", "op": "=", "value": tenant.model().env.format_id(name, self.found.number or 0)}
        query = {"limit": 1, "filter": where, **({"fields": fields} if fields else {})}
        with tenant.database.reading() as connection:
            page = run_query(tenant, connection, tenant.model_in(connection), self.who, read_query(name, query))
        return next((dict(r) for r in page.rows), None)

    def _fields(self) -> Check:
        """Try to read what is hidden and to write what may only be read."""
        wrong: list[str] = []
        for f in self.test.model.fields.values():
            level = field_level(self.documents, self.test.name, f.name)
            if not f.system and level == "none" and self._shown(f.name):
                wrong.append(f"'{f.name}' is shown")
            if f.writable and not f.system and self.may["edit"] and level != "edit":
                values = [v for v in other_values(f) if v is not None and v != self.found.values.get(f.name)]
                if values and self._written(f.name, values[0]):
                    wrong.append(f"'{f.name}' was changed")
        what = f"'{self.name}': hidden and protected fields"
        return Check(self.test.name, what, "failed" if wrong else "passed", "; ".join(wrong))

    def _shown(self, field: str) -> bool:
        try:
            row = self._read([field])
        except TrellisError:
            return False
        return row is not None and field in row

    def _written(self, field: str, value: Any) -> bool:
        return self._write(partial(_update, self.test.name, {"id": self.found.number, field: value})) is None


def _update(name: str, row: Mapping[str, Any], tx: Transaction) -> Sequence[Outcome]:
    return tx.update(name, [dict(row)], mode="partial")

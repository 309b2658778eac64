"""Finds records by what files call them: a whole chunk at a time, a few statements whatever the number of rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.access import rights
from trellis.exchange.targets import EXTERNAL, Target
from trellis.fields.base import InvalidValue
from trellis.fields.common.columns import RecordRef
from trellis.model import FieldModel, ObjectModel
from trellis.publishing.filling import fold
from trellis.query.paths import record_predicate
from trellis.storage import system

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

IN_CHUNK = 1000
CACHE = 200_000
Found = dict[str, list[RecordRef]]


class Lookups:
    """Resolves the lookup columns of one import. What was found is remembered; what was not is asked again."""

    def __init__(self, targets: Mapping[str, Target], references: Mapping[str, RecordRef] | None = None) -> None:
        self.targets = targets
        self.references = references
        self._known: dict[str, dict[str, RecordRef]] = {h: {} for h in targets}

    def resolve(self, tx: Transaction, header: str, texts: Collection[str]) -> dict[str, RecordRef | str]:
        """Return for each text the record, or the reason why there is none."""
        target, known = self.targets[header], self._known[header]
        assert target.field is not None
        answers: dict[str, RecordRef | str] = {t: known[t] for t in texts if t in known}
        if self.references is not None:
            answers.update((t, self._reference(t)) for t in texts if t.startswith("@"))
        open_texts = [t for t in texts if t not in answers]
        for find in _ways(tx, target):
            found = find(open_texts)
            for text, refs in found.items():
                answers[text] = (
                    refs[0]
                    if len(refs) == 1
                    else (f"'{text[:80]}' means {len(refs)} records of {refs[0].object}. Use the id or a unique field.")
                )
                if len(refs) == 1 and len(known) < CACHE:
                    known[text] = refs[0]
            open_texts = [t for t in open_texts if t not in found]
            if not open_texts:
                break
        names = " or ".join(target.field.codec.targets)
        answers.update((t, f"There is no {names} {_called(target)} '{t[:80]}'.") for t in open_texts)
        return answers

    def _reference(self, text: str) -> RecordRef | str:
        found = (self.references or {}).get(text[1:])
        return (
            found
            if found is not None
            else f"No record with the reference name '{text[1:80]}' was imported before this one."
        )


def _called(target: Target) -> str:
    if not target.by:
        return "called"
    return (
        f"with the external id ({target.by[len(EXTERNAL) :]})"
        if target.by.startswith(EXTERNAL)
        else f"with {target.by} ="
    )


def _ways(tx: Transaction, target: Target) -> Iterator[Callable[[Sequence[str]], Found]]:
    """Yield the ways to find a record, in the order in which they are tried."""
    assert target.field is not None
    names = target.field.codec.targets
    if target.by.startswith(EXTERNAL):
        yield lambda texts: _merge(external_ids(tx, n, target.by[len(EXTERNAL) :], texts) for n in names)
        return
    if target.by:
        yield lambda texts: _merge(_by_field(tx, n, target.by, texts) for n in names)
        return
    yield lambda texts: _by_id(target.field, texts)
    yield lambda texts: _merge(_by_field(tx, n, tx.model.object(n).name_field, texts) for n in names)
    uniques = {
        n: [f.name for f in tx.model.object(n).fields.values() if f.doc.get("unique") and f.category == "text"]
        for n in names
    }
    for position in range(max(map(len, uniques.values()), default=0)):
        yield lambda texts, at=position: _merge(  # type: ignore[misc]
            _by_field(tx, n, found[at], texts) for n, found in uniques.items() if at < len(found)
        )


def _merge(parts: Iterable[Found]) -> Found:
    merged: Found = {}
    for part in parts:
        for text, refs in part.items():
            merged.setdefault(text, []).extend(refs)
    return merged


def _by_id(field: FieldModel | None, texts: Sequence[str]) -> Found:
    assert field is not None
    found: Found = {}
    for text in texts:
        if "_" in text:
            try:
                found[text] = [field.codec.parse(text)]
            except InvalidValue:
                continue
    return found


def _by_field(tx: Transaction, object_name: str, field_name: str | None, texts: Sequence[str]) -> Found:
    root = tx.model.object(object_name)
    field = root.fields.get(field_name or "")
    if field is None or len(field.columns) != 1:
        return {}
    wanted: dict[Any, list[str]] = {}
    for text in texts:
        for key in _key(root, field, text):
            wanted.setdefault(key, []).append(text)
    found: Found = {}
    for key, ids in matching(tx, root, (field.name,), [(k,) for k in wanted]).items():
        for text in wanted.get(key[0], ()):
            found[text] = [RecordRef(object_name, i) for i in ids]
    return found


def _key(root: ObjectModel, field: FieldModel, text: str) -> list[Any]:
    """Return what the key column holds for the text; nothing when the field could never hold it."""
    try:
        value = (field.codec.from_text or field.codec.parse)(text)
    except InvalidValue:
        return []
    return [] if value is None else [key_of(root, field, value)]


def key_of(root: ObjectModel, field: FieldModel, value: Any) -> Any:
    """Return what the column that keys compare holds for a parsed value."""
    return fold(value) if field.name in root.folded else field.encode(value)[0]


def matching(
    tx: Transaction, root: ObjectModel, fields: Sequence[str], keys: Sequence[tuple[Any, ...]]
) -> dict[tuple[Any, ...], list[int]]:
    """Return the ids of live, visible records for each key that has any."""
    columns = [root.key_column(n) for n in fields]
    t = root.table
    found: dict[tuple[Any, ...], list[int]] = {}
    for start in range(0, len(keys), IN_CHUNK):
        chunk = keys[start : start + IN_CHUNK]
        wanted = columns[0].in_([k[0] for k in chunk]) if len(columns) == 1 else sa.tuple_(*columns).in_(chunk)
        query = sa.select(t.c.id, *columns).where(
            wanted, t.c.deleted_at.is_(None), record_predicate(tx.principal, root, t)
        )
        for row in tx.connection.execute(query.order_by(t.c.id)):
            found.setdefault(tuple(row[1:]), []).append(row[0])
    return found


def external_ids(tx: Transaction, object_name: str, of_system: str, texts: Sequence[str]) -> Found:
    """Return the records that a system calls by these keys, as far as the writer may see them."""
    e, root = system.external_id.c, tx.model.object(object_name)
    t = root.table
    found: Found = {}
    for start in range(0, len(texts), IN_CHUNK):
        query = (
            sa.select(e.key, e.record)
            .join(t, t.c.id == e.record)
            .where(
                e.object == object_name,
                e.system == of_system,
                e.key.in_(texts[start : start + IN_CHUNK]),
                t.c.deleted_at.is_(None),
                record_predicate(tx.principal, root, t),
            )
        )
        for key, record in tx.connection.execute(query):
            found[key] = [RecordRef(object_name, record)]
    return found


def foreign_external_ids(tx: Transaction, object_name: str, of_system: str, texts: Sequence[str]) -> set[str]:
    """Return the keys by which a system calls records that the writer may not change, those in the recycle bin included."""
    e, root = system.external_id.c, tx.model.object(object_name)
    t = root.table
    if rights(tx.principal, root.doc).edit == "all":
        return set()
    others = sa.not_(sa.func.coalesce(record_predicate(tx.principal, root, t, "edit"), sa.false()))
    found: set[str] = set()
    for start in range(0, len(texts), IN_CHUNK):
        wanted = (e.object == object_name, e.system == of_system, e.key.in_(texts[start : start + IN_CHUNK]))
        query = sa.select(e.key).join(t, t.c.id == e.record).where(*wanted, others)
        found.update(tx.connection.execute(query).scalars())
    return found


def write_external_ids(tx: Transaction, object_name: str, of_system: str, pairs: Sequence[tuple[str, int]]) -> None:
    """Remember what a system calls these records; an older meaning of a key is replaced."""
    if not pairs:
        return
    e = system.external_id
    keys = [key for key, _ in pairs]
    for start in range(0, len(keys), IN_CHUNK):
        tx.connection.execute(
            e.delete().where(
                e.c.object == object_name, e.c.system == of_system, e.c.key.in_(keys[start : start + IN_CHUNK])
            )
        )
    tx.connection.execute(
        e.insert(), [{"object": object_name, "system": of_system, "key": k, "record": r} for k, r in pairs]
    )

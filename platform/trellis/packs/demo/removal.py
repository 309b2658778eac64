"""Removes demo data: exactly the records that were loaded, for ever.

A demo record to which somebody's own record points stays, and so does what it needs itself: a colleague's deal keeps its
account. Everything else goes from the tips inwards, so that no delete rule reaches beyond the demo data.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from trellis.access.principal import SYSTEM
from trellis.model import FieldModel, ObjectModel
from trellis.packs.demo.loading import CAUSE, SYSTEM_NAME
from trellis.storage import system
from trellis.storage.tables import accounts
from trellis.transaction import Transaction

if TYPE_CHECKING:
    from trellis.tenant import Tenant

Doomed = dict[str, set[int]]
_PEOPLE = (
    system.credential,
    system.session,
    system.token,
    accounts.second_factor,
    accounts.recovery_code,
    accounts.one_time_link,
    accounts.known_browser,
    accounts.identity,
)


@dataclass(frozen=True, slots=True)
class DemoRemoval:
    """How many demo records went, and how many stayed because others point at them."""

    removed: int
    kept: int


def remove_demo(tenant: Tenant) -> DemoRemoval:
    """Delete and purge the demo records of all packs, with the credentials of demo users."""

    def body(tx: Transaction) -> DemoRemoval:
        doomed = _loaded(tx)
        total = _count(doomed)
        links = list(_links(tx))
        _spare(tx, doomed, links)
        removed = _count(doomed)
        _forget_people(tx, doomed.get("user", set()))
        for name, ids in _from_the_tips(tx, doomed, links):
            tx.delete(name, ids)
            tx.purge(name, ids)
        return DemoRemoval(removed, total - removed)

    return tenant.run(SYSTEM, CAUSE, body, migration=True)


@dataclass(frozen=True, slots=True)
class _Link:
    """A field by which records of ``source`` point at records of other objects."""

    source: ObjectModel
    field: FieldModel

    def pairs(self, tx: Transaction, doomed: Doomed) -> Iterator[tuple[int, str, int]]:
        """Yield the number of each living record that points at a doomed one, with target object and number."""
        table, targets = self.source.table, self.field.codec.targets
        numbers = sorted(number for target in targets for number in doomed.get(target, ()))
        query = sa.select(table.c.id, *self.field.columns).where(
            self.field.column.in_(numbers), table.c.deleted_at.is_(None)
        )
        for row in tx.connection.execute(query):
            yield row[0], row[2] if len(targets) > 1 else targets[0], row[1]


def _loaded(tx: Transaction) -> Doomed:
    """Return the demo records that are alive, by object; those in the recycle bin go at once."""
    c = system.external_id.c
    found: Doomed = {}
    for name, record in tx.connection.execute(sa.select(c.object, c.record).where(c.system == SYSTEM_NAME)):
        if name in tx.model.object_names:
            found.setdefault(name, set()).add(record)
    for name, ids in found.items():
        table = tx.model.object(name).table
        gone = set(tx.connection.execute(sa.select(table.c.id).where(table.c.deleted_at.isnot(None))).scalars()) & ids
        if gone:
            tx.purge(name, sorted(gone))
            ids -= gone
    return found


def _links(tx: Transaction) -> Iterator[_Link]:
    for name in tx.model.object_names:
        source = tx.model.object(name)
        for field in source.all_fields:
            if field.codec.targets:
                yield _Link(source, field)


def _spare(tx: Transaction, doomed: Doomed, links: Sequence[_Link]) -> None:
    """Take out of ``doomed`` what records outside it point at, until nothing outside points in."""
    pairs = [(link.source.name, *pair) for link in links for pair in link.pairs(tx, doomed)]
    spared = True
    while spared:
        spared = False
        for source, record, target, number in pairs:
            if number in doomed.get(target, ()) and record not in doomed.get(source, ()):
                doomed[target].discard(number)
                spared = True


def _from_the_tips(tx: Transaction, doomed: Doomed, links: Sequence[_Link]) -> Iterator[tuple[str, list[int]]]:
    """Yield batches of one object each, those first to which no other doomed record points by a lookup."""
    left = {name: set(ids) for name, ids in doomed.items() if ids}
    pairs = [
        (link.source.name, *pair)
        for link in links
        if not link.field.system
        for pair in link.pairs(tx, doomed)
        if pair[0] in doomed.get(link.source.name, ())
    ]
    while left:
        held = {(target, number) for source, record, target, number in pairs if record in left.get(source, ())}
        batches = [(name, sorted(i for i in ids if (name, i) not in held)) for name, ids in left.items()]
        batches = [(name, ids) for name, ids in batches if ids] or [(name, sorted(ids)) for name, ids in left.items()]
        for name, ids in batches:
            yield name, ids
            left[name] -= set(ids)
        left = {name: ids for name, ids in left.items() if ids}


def _forget_people(tx: Transaction, users: Collection[int]) -> None:
    for table in _PEOPLE if users else ():
        tx.connection.execute(table.delete().where(table.c.user.in_(sorted(users))))


def _count(records: Doomed) -> int:
    return sum(map(len, records.values()))

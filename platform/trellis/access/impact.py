"""What a change of the metadata means for access: how many pairs of person and record are gained or lost, by object.

The change is made in a transaction that is rolled back, so that the very arms that will decide are asked. It looks at up to
:data:`MAX_PEOPLE` people and the newest :data:`MAX_RECORDS` records of an object; beyond that its numbers are a lower bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access.criteria import condition_of, rules_on, store
from trellis.access.organisation import refresh, refresh_owner_rules
from trellis.access.people import everybody
from trellis.access.predicate import record_predicate
from trellis.access.principal import SYSTEM, Cause, Principal
from trellis.access.sync import RULES, follow_rules
from trellis.clock import today
from trellis.model import Model
from trellis.publishing import catalogue
from trellis.rules.formulas import compiled
from trellis.rules.scope import ObjectScope
from trellis.storage.tables.access import access_rule, share
from trellis.transaction.statements import statements_of
from trellis_metadata.formula.errors import FormulaError
from trellis_metadata.labels import Label
from trellis_metadata.snapshot import Snapshot

if TYPE_CHECKING:
    from trellis.tenant import Tenant

MAX_PEOPLE, MAX_RECORDS = 40, 2000
KINDS = ("permission_set", "role", "group", "org_unit_tree", "sharing_rule", "restriction_rule")
Pairs = dict[str, set[tuple[int, int]]]


class _Undo(Exception):
    """Ends the trial."""


def affected_objects(old: Snapshot, new: Snapshot) -> list[str]:
    """Return the objects whose access a change can touch; empty where it touches none."""
    changed = {k for k in {*old.digests, *new.digests} if old.digests.get(k) != new.digests.get(k)}
    common = [n for n in old.of_kind("object") if n in new.of_kind("object")]
    if any(kind in KINDS for kind, _ in changed):
        return common
    sharing = [(old.of_kind("object")[n].get("sharing"), new.of_kind("object")[n].get("sharing"), n) for n in common]
    return [n for before, after, n in sharing if before != after]


def changes_of_access(tenant: Tenant, old: Snapshot, new: Snapshot) -> Iterator[tuple[str, str, int, Label]]:
    """Yield code, object, number of pairs and a sentence for everything gained and lost."""
    names = affected_objects(old, new)
    if not names:
        return
    before, after, whole = _tried(tenant, new, names)
    for name in names:
        for code, pairs in (("access_gained", after[name] - before[name]), ("access_lost", before[name] - after[name])):
            if pairs:
                people = len({p for p, _ in pairs})
                yield code, name, len(pairs), _sentence(code, name, people, len(pairs), whole)


def _sentence(code: str, name: str, people: int, count: int, whole: bool) -> Label:
    least = ("", "") if whole else ("at least ", "至少 ")
    verb, zh = ("gain", "获得") if code == "access_gained" else ("lose", "失去")
    return {
        "en": f"{people} people {verb} access to records of '{name}': {least[0]}{count} pairs of person and record.",
        "zh": f"{people} 人{zh}对“{name}”记录的访问权限：{least[1]}{count} 个人员与记录的组合。",
    }


def _tried(tenant: Tenant, new: Snapshot, names: Sequence[str]) -> tuple[Pairs, Pairs, bool]:
    """Return who reads what before and after, and whether that is everybody and everything."""
    found: list[tuple[Pairs, Pairs, bool]] = []
    try:
        with tenant.database.writing() as connection:
            old_model = tenant.model_in(connection)
            everyone = [p for p in everybody(tenant, connection, old_model) if not p.admin]
            people = everyone[:MAX_PEOPLE]
            ids = {n: _newest(connection, old_model, n) for n in names}
            whole = len(people) == len(everyone) and all(len(i) < MAX_RECORDS for i in ids.values())
            before = _pairs(connection, old_model, people, ids)
            new_model = _trial_model(tenant, connection, old_model, new)
            _follow(tenant, connection, new_model, ids)
            now = everybody(tenant, connection, new_model)
            known = {p.user for p in people}
            after = _pairs(connection, new_model, [p for p in now if p.user in known], ids)
            tried = all(new_model.snapshot.get(*key) == new.get(*key) for key in _conditional(new))
            found.append((before, after, whole and tried))
            raise _Undo
    except _Undo:
        pass
    return found[0]


def _trial_model(tenant: Tenant, connection: Connection, old: Model, new: Snapshot) -> Model:
    """Return a model with the new rules over the columns that there are: fields stay as they were."""
    objects = old.snapshot.of_kind("object")
    kept = [{**objects[n], "sharing": d.get("sharing", {})} for n, d in new.of_kind("object").items() if n in objects]
    snapshot = new.with_documents(kept)
    # What a rule says of a field that comes with the same change cannot be tried out: it is as it was.
    unfit = [key for key in _conditional(snapshot) if not _fits(snapshot, key)]
    before = [document for key in unfit if (document := old.snapshot.get(*key)) is not None]
    snapshot = snapshot.without(unfit).with_documents(before)
    return Model(snapshot, -1, tenant.environment(snapshot), lambda n: catalogue.read(connection, [n]).get(n))


def _conditional(snapshot: Snapshot) -> list[tuple[str, str]]:
    return [
        (kind, name) for kind in RULES for name, document in snapshot.of_kind(kind).items() if condition_of(document)
    ]


def _fits(snapshot: Snapshot, key: tuple[str, str]) -> bool:
    document = snapshot.of_kind(key[0])[key[1]]
    try:
        compiled(ObjectScope(snapshot, document["object"]), str(condition_of(document)))
    except FormulaError:
        return False
    return True


def _follow(tenant: Tenant, connection: Connection, model: Model, ids: Mapping[str, Sequence[int]]) -> None:
    from trellis.transaction import Transaction

    users = connection.execute(sa.select(model.object("user").table.c.id)).scalars().all()
    refresh(connection, model.snapshot, users, today(tenant.clock, tenant.time_zone))
    refresh_owner_rules(connection, model.snapshot)
    follow_rules(tenant, connection, model.snapshot)
    tx = Transaction(tenant, connection, model, SYSTEM, Cause("plan"))
    building = set(connection.execute(sa.select(access_rule.c.id).where(access_rule.c.state == "building")).scalars())
    for name, records in ids.items():
        rules = [r for r in rules_on(connection, model, name) if r.id in building]
        if rules and records:
            root = model.object(name)
            stored = statements_of(root).fetch(connection, list(records))
            store(tx, root, rules, list(stored), list(stored.values()), new=[False] * len(stored))
    connection.execute(share.delete().where(share.c.record == 0))


def _newest(connection: Connection, model: Model, name: str) -> list[int]:
    t = model.object(name).table
    query = sa.select(t.c.id).where(t.c.deleted_at.is_(None)).order_by(t.c.id.desc()).limit(MAX_RECORDS)
    return list(connection.execute(query).scalars())


def _pairs(
    connection: Connection, model: Model, people: Iterable[Principal], ids: Mapping[str, Sequence[int]]
) -> Pairs:
    found: Pairs = {name: set() for name in ids}
    for one in people:
        for name, records in ids.items():
            if not records:
                continue
            root = model.object(name)
            t = root.table
            query = sa.select(t.c.id).where(t.c.id >= min(records), t.c.deleted_at.is_(None))
            query = query.where(record_predicate(one, root, t))
            found[name].update((one.user or 0, r) for r in connection.execute(query).scalars())
    return found


__all__ = ["affected_objects", "changes_of_access"]

"""After a change of the metadata: whom belonging reaches, rules by owner, and rules by condition that must be worked out.

It runs in the transaction that makes the new version visible. A changed rule starts from nothing: its old shares go at once,
and a restriction hides every record of its object until a job has looked at all of them.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access.arms.shares import RESTRICTION
from trellis.access.criteria import condition_of
from trellis.access.memberships import refresh_reach
from trellis.access.organisation import Directory, key_of, refresh_owner_rules
from trellis.access.versions import bump_access
from trellis.model import Model
from trellis.ripples.inputs import meaning_of
from trellis.storage import outbox
from trellis.storage.tables.access import access_rule, reach, share
from trellis_metadata.snapshot import Snapshot

if TYPE_CHECKING:
    from trellis.tenant import Tenant

TOPIC = "access_rule"
ORGANISATION = ("role", "group", "org_unit_tree")
RULES = ("sharing_rule", "restriction_rule")


def follow(tenant: Tenant, connection: Connection, old: Snapshot, new: Snapshot, number: int) -> None:
    """Bring everything that is derived from the documents up to date with version ``number``, which becomes visible."""
    if _differ(old, new, ORGANISATION):
        refresh_reach(tenant, connection, _model(tenant, connection, new, number))
    if _differ(old, new, ("sharing_rule", "org_unit_tree")):
        refresh_owner_rules(connection, new)
    if _conditions(old) != _conditions(new):
        follow_rules(tenant, connection, new)
    bump_access(connection)


def prepare(tenant: Tenant) -> None:
    """Make up for what a database lacks that was written before there was reach: people who reach not even themselves."""
    with tenant.database.reading() as connection:
        people = tenant.model_in(connection).object("user").table
        wanting = sa.select(people.c.id).where(people.c.id.not_in(sa.select(reach.c.user))).limit(1)
        if connection.execute(wanting).first() is None:
            return
    with tenant.publishing_lock() as connection:
        refresh_reach(tenant, connection, tenant.model_in(connection))


def _model(tenant: Tenant, connection: Connection, snapshot: Snapshot, number: int) -> Model:
    """Return the model of a version that only this transaction sees yet."""
    from trellis.publishing import catalogue

    return Model(snapshot, number, tenant.environment(snapshot), lambda n: catalogue.read(connection, [n]).get(n))


def _differ(old: Snapshot, new: Snapshot, kinds: tuple[str, ...]) -> bool:
    def digests(snapshot: Snapshot) -> dict[Any, Any]:
        return {k: d for k, d in snapshot.digests.items() if k[0] in kinds}

    return digests(old) != digests(new)


def follow_rules(tenant: Tenant, connection: Connection, new: Snapshot) -> None:
    """Forget rules by condition that changed or went, and begin those that are new."""
    documents, digests = {k: new.get(*k) for k in _conditions(new)}, _conditions(new)
    wanted = {key: (document, digests[key]) for key, document in documents.items()}
    c = access_rule.c
    known = {(r.kind, r.name): (r.id, r.digest) for r in connection.execute(sa.select(c.id, c.kind, c.name, c.digest))}
    for key, (number, digest) in known.items():
        if key not in wanted or wanted[key][1] != digest:
            connection.execute(share.delete().where(share.c.rule == number))
            connection.execute(access_rule.delete().where(c.id == number))
    for key, (document, digest) in wanted.items():
        if key not in known or known[key][1] != digest:
            _begin(tenant, connection, key, document, digest)


def _begin(tenant: Tenant, connection: Connection, key: tuple[str, str], document: Any, digest: str) -> None:
    done = connection.execute(
        access_rule.insert(),
        {"kind": key[0], "name": key[1], "object": document["object"], "digest": digest, "state": "building"},
    )
    assert done.inserted_primary_key is not None
    number = int(done.inserted_primary_key[0])
    now = tenant.clock.now()
    if key[0] == "restriction_rule":
        directory = Directory(connection)
        targets = {directory.number(key_of(p)) for p in document["applies_to"]}
        row = {"record": 0, "kind": RESTRICTION, "rule": number, "level": 0, "created_at": now}
        connection.execute(share.insert(), [{**row, "principal": t} for t in sorted(targets)])
    payload = {"rule": number, "last": 0, "label": f"{key[0]} {key[1]}"}
    outbox.put(connection, now, TOPIC, [outbox.Message(payload)])


def _conditions(snapshot: Snapshot) -> dict[tuple[str, str], str]:
    """Return a digest of what each rule by condition means: its document, and what its condition is computed from."""
    return {
        (kind, name): _digest(document, meaning_of(snapshot, document["object"], condition))
        for kind in RULES
        for name, document in snapshot.of_kind(kind).items()
        if (condition := condition_of(document))
    }


def _digest(document: Any, condition: str) -> str:
    meaning = {k: v for k, v in document.items() if k not in ("label", "description", "was")}
    return hashlib.sha256(json.dumps([meaning, condition], sort_keys=True).encode()).hexdigest()

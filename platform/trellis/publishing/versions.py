"""Versions of a tenant's metadata: content-addressed documents, a manifest per version, and the log of operations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.storage import system
from trellis_metadata.errors import TrellisError
from trellis_metadata.snapshot import Key, Snapshot, canonical


class UnknownVersion(TrellisError):
    """There is no version with that hash."""

    code = "unknown_version"


def current_number(connection: Connection) -> int:
    """Return the number of the visible version (0: nothing published yet)."""
    return int(connection.execute(sa.select(system.state.c.metadata_version)).scalar_one())


def read_version(connection: Connection, number: int, known: Snapshot | None = None) -> Snapshot:
    """Rebuild a version. Documents that ``known`` already has are not read again."""
    manifest = connection.execute(
        sa.select(system.version.c.manifest).where(system.version.c.number == number)
    ).scalar_one()
    return read_manifest(connection, manifest, known)


def read_hash(connection: Connection, digest: str) -> Snapshot:
    """Rebuild the newest version that has a hash. Raises :class:`UnknownVersion`."""
    v = system.version.c
    manifest = connection.execute(
        sa.select(v.manifest).where(v.hash == digest).order_by(v.number.desc()).limit(1)
    ).scalar()
    if manifest is None:
        raise UnknownVersion("The version that this was made from is not one of this tenant.", hash=digest)
    return read_manifest(connection, manifest)


def read_manifest(connection: Connection, manifest: list[list[str]], known: Snapshot | None = None) -> Snapshot:
    """Rebuild a snapshot from a list of [kind, name, digest]."""
    have = {d: known.documents[k] for k, d in known.digests.items()} if known is not None else {}
    missing = sorted({entry[2] for entry in manifest} - have.keys())
    for start in range(0, len(missing), 500):
        rows = connection.execute(
            sa.select(system.document.c.digest, system.document.c.body).where(
                system.document.c.digest.in_(missing[start : start + 500])
            )
        )
        have.update({d: json.loads(body) for d, body in rows})
    return Snapshot({(kind, name): have[d] for kind, name, d in manifest})


def manifest_of(snapshot: Snapshot) -> list[list[str]]:
    """Return the list of [kind, name, digest] that identifies a snapshot."""
    return [[kind, name, d] for (kind, name), d in snapshot.digests.items()]


def write_documents(connection: Connection, snapshot: Snapshot, base: Mapping[Key, str]) -> None:
    """Store the documents of ``snapshot`` that ``base`` (digests of an earlier version) does not have."""
    new = {d: snapshot.documents[k] for k, d in snapshot.digests.items() if base.get(k) != d}
    if not new:
        return
    stored: set[str] = set()
    digests = sorted(new)
    for start in range(0, len(digests), 500):
        chunk = digests[start : start + 500]
        stored.update(
            connection.execute(sa.select(system.document.c.digest).where(system.document.c.digest.in_(chunk))).scalars()
        )
    rows = [{"digest": d, "body": canonical(new[d]).decode()} for d in digests if d not in stored]
    if rows:
        connection.execute(system.document.insert(), rows)


def write_version(
    connection: Connection,
    snapshot: Snapshot,
    *,
    number: int,
    operations: list[Any],
    author: int | None,
    note: str,
    at: datetime,
    undoes: int | None = None,
) -> None:
    """Append a version and make it the visible one."""
    connection.execute(
        system.version.insert(),
        {
            "number": number,
            "hash": snapshot.hash,
            "manifest": manifest_of(snapshot),
            "operations": operations,
            "author": author,
            "note": note,
            "created_at": at,
            "undoes": undoes,
        },
    )
    connection.execute(system.state.update().values(metadata_version=number))


def log(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """Return the newest versions first: number, hash, author, note, time, operations."""
    v = system.version.c
    query = sa.select(v.number, v.hash, v.author, v.note, v.created_at, v.operations, v.undoes)
    return [dict(r) for r in connection.execute(query.order_by(v.number.desc()).limit(limit)).mappings()]

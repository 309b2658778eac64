"""A published version that changes who may do what is noted with the documents that it changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.engine import Connection

from trellis.audit.noting import note
from trellis_metadata.snapshot import Snapshot

if TYPE_CHECKING:
    from trellis.tenant import Tenant

KINDS = ("permission_set", "role", "group", "org_unit_tree", "sharing_rule", "restriction_rule")


def note_publication(
    tenant: Tenant, connection: Connection, old: Snapshot, new: Snapshot, author: int | None, number: int
) -> None:
    """Note which documents of access, and which objects' sharing or sensitive fields, differ in version ``number``."""
    before, after = old.digests, new.digests
    changed = sorted(
        f"{k}.{n}" for k, n in before.keys() | after.keys() if k in KINDS and before.get((k, n)) != after.get((k, n))
    )
    for name, document in new.of_kind("object").items():
        known = old.get("object", name)
        if known is not None and known is not document and _access(known) != _access(document):
            changed.append(f"object.{name}")
    if changed:
        note(tenant, connection, "rights_changed", actor=author, version=number, documents=changed)


def _access(document: object) -> object:
    doc: dict[str, object] = dict(document)  # type: ignore[call-overload]
    fields = doc.get("fields", ())
    return doc.get("sharing"), sorted(f["name"] for f in fields if f.get("sensitive"))  # type: ignore[attr-defined]

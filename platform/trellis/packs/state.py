"""Which packs a tenant has. The state is part of the metadata: the pack's document says what was delivered.

Therefore undoing a version, a backup and an old version all have the state that belongs to them. What was delivered is kept
by content beside the documents of the versions, for ever.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.packs.source import Content
from trellis.storage import system
from trellis_metadata.addresses import Path
from trellis_metadata.errors import TrellisError
from trellis_metadata.merge.overlay import Overlay, own_names, owns
from trellis_metadata.snapshot import Document, Key, Snapshot, canonical

if TYPE_CHECKING:
    from trellis.tenant import Tenant


class NotInstalled(TrellisError):
    """The pack is not installed."""

    code = "pack_not_installed"


class NoPristine(TrellisError):
    """The documents of the installed version, as they were delivered, are not in this database."""

    code = "no_pristine_version"


@dataclass(frozen=True)
class Installed:
    """An installed pack: its document in the tenant, and what was delivered."""

    document: Document
    content: Content

    @property
    def name(self) -> str:
        return str(self.document["name"])

    @property
    def version(self) -> str:
        return str(self.document["version"])

    @property
    def prefix(self) -> str:
        return str(self.document.get("prefix", ""))

    @property
    def record(self) -> Mapping[str, Any]:
        """What was written at installation."""
        found: Mapping[str, Any] = self.document.get("installed", {})
        return found

    @property
    def began(self) -> dict[Key, list[Path]]:
        """Lists and maps in documents of others that the installation began."""
        found: dict[Key, list[Path]] = {}
        for text in self.record.get("began", ()):
            kind, name, *path = text.split("/")
            found.setdefault((kind, name), []).append(tuple(path))
        return found


def installed_names(snapshot: Snapshot) -> dict[str, str]:
    """Return name and version of every installed pack."""
    return {name: d["version"] for name, d in snapshot.of_kind("pack").items()}


def installed(tenant: Tenant, name: str, snapshot: Snapshot | None = None) -> Installed:
    """Return an installed pack. Raises :class:`NotInstalled` or :class:`NoPristine`."""
    document = (snapshot or tenant.model().snapshot).get("pack", name)
    if document is None:
        raise NotInstalled(f"Pack '{name[:60]}' is not installed.")
    with tenant.database.reading() as connection:
        return Installed(document, read_pristine(connection, document))


def all_installed(tenant: Tenant, snapshot: Snapshot | None = None) -> Iterator[Installed]:
    """Yield every installed pack of which the delivered documents are known."""
    for name, document in (snapshot or tenant.model().snapshot).of_kind("pack").items():
        if "installed" in document:
            yield installed(tenant, name, snapshot)


def read_pristine(connection: Connection, document: Document) -> Content:
    """Return what was delivered with the installed version. Raises :class:`NoPristine`."""
    wanted = document.get("installed", {}).get("pristine")
    manifest = _documents(connection, {wanted}).get(wanted) if wanted else None
    if manifest is None:
        raise NoPristine(
            f"What was delivered as version {document['version']} of pack '{document['name']}' is not in this database, so "
            "the customer's changes cannot be told from the vendor's. Install that version from its file first.",
            pack=document["name"],
        )
    digests = {*manifest["own"].values(), *(d for _, d in manifest["extends"].values())}
    bodies = _documents(connection, digests)
    own = {_key(k): bodies[d] for k, d in manifest["own"].items()}
    parts = {_key(k): bodies[d] for k, (_, d) in manifest["extends"].items()}
    return Content(Snapshot(own), Snapshot(parts), {_key(k): o for k, (o, _) in manifest["extends"].items()})


def write_pristine(connection: Connection, content: Content) -> None:
    """Keep what is delivered. What is there already is not written again."""
    bodies = {d: content.own.documents[k] for k, d in content.own.digests.items()}
    bodies |= {d: content.extensions.documents[k] for k, d in content.extensions.digests.items()}
    bodies[content.pristine] = content.manifest
    known = set(_documents(connection, set(bodies)))
    rows = [{"digest": d, "body": canonical(b).decode()} for d, b in bodies.items() if d not in known]
    if rows:
        connection.execute(system.document.insert(), rows)


def _documents(connection: Connection, digests: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    wanted = sorted(digests)
    c = system.document.c
    for start in range(0, len(wanted), 500):
        rows = connection.execute(sa.select(c.digest, c.body).where(c.digest.in_(wanted[start : start + 500])))
        found.update({d: json.loads(body) for d, body in rows})
    return found


def _key(text: str) -> Key:
    kind, _, name = text.partition("/")
    return kind, name


def layer_of(tenant: Tenant, kind: str, name: str, path: Path = (), snapshot: Snapshot | None = None) -> str:
    """Return to which layer an element belongs: ``core``, the name of a pack, or ``local``."""
    snapshot = snapshot or tenant.model().snapshot
    document = snapshot.get(kind, name) or {}
    names = {name, *document.get("was", ())}
    packs = list(all_installed(tenant, snapshot))
    for pack in packs:
        parts = [p for n in names if (p := pack.content.extensions.get(kind, n)) is not None]
        if any(_named(tenant, part, path, pack.prefix) for part in parts):
            return pack.name
    for pack in packs:
        own = next((d for n in names if (d := pack.content.own.get(kind, n)) is not None), None)
        if own is not None:
            listed = set(own_names(own, tenant.language.structure(kind)))
            return pack.name if _is_known(path, listed) else "local"
    core = tenant.core_snapshot().get(kind, name)
    if core is None:
        return "local"
    return "core" if _is_known(path, set(own_names(core, tenant.language.structure(kind)))) else "local"


def _is_known(path: Path, listed: set[Path]) -> bool:
    elements = [path[: i + 1] for i in range(1, len(path), 2)]
    return all(e in listed for e in elements)


def _named(tenant: Tenant, part: Document, path: Path, prefix: str) -> bool:
    listed = set(own_names(part, tenant.language.structure(part["kind"])))
    return path in listed and any(owns(prefix, p) for p in path)


def full(tenant: Tenant, content: Content, prefix: str, current: Snapshot, base: Content | None = None) -> Snapshot:
    """Return one version of a pack as whole documents: its own, and those of others as they would be with its parts.

    With ``base`` the parts that it has and ``content`` has not are taken out of the documents of others.
    """
    overlay = Overlay(prefix)
    result = dict(content.own.documents)
    keys = {*content.extensions.documents, *(base.extensions.documents if base else ())}
    for key in sorted(keys):
        document = find_document(current, key)
        if document is None:
            continue
        node = tenant.language.structure(key[0])
        part = content.extensions.documents.get(key)
        if base is not None and (old := base.extensions.documents.get(key)) is not None:
            document = overlay.put(document, old, node)
            document = overlay.take(document, overlay.rest(old, part, node), node)
        if part is not None:
            document = overlay.put(document, part, node)
        result[key[0], document["name"]] = document
    return Snapshot(result)


def find_document(snapshot: Snapshot, key: Key) -> Document | None:
    """Return a document by its name, or by an earlier one."""
    found = snapshot.documents.get(key)
    if found is not None:
        return found
    return next((d for d in snapshot.of_kind(key[0]).values() if key[1] in d.get("was", ())), None)

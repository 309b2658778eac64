"""Where the bytes of files lie: in the home folder, or in a store that a plug-in gives.

The tenant's setting ``file_store`` names the store of new files; each file remembers its own, so that those from before a
change are still found. Files never change, so one from elsewhere is fetched once and kept beside the data as long as there
is room.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from trellis import plugins
from trellis_metadata.errors import TrellisError
from trellis_metadata.labels import Label

if TYPE_CHECKING:
    from trellis.tenant import Tenant

LOCAL = "local"
SETTING = "file_store"
ROOM = 1024 * 1024 * 1024
"""Bytes of fetched files that are kept; the longest unread go first."""


class FileStore(Protocol):
    """A store. ``key`` is ``<tenant>/<id>``: unique for all time, of letters, digits, ``_`` and ``/``."""

    name: str
    label: Label

    def write(self, tenant: Tenant, key: str, path: Path) -> None:
        """Keep the bytes of the file at ``path``; when this returns they are safe."""

    def read(self, tenant: Tenant, key: str, target: BinaryIO) -> None:
        """Write the bytes to ``target``. Raises :class:`FileStoreFailed`."""

    def remove(self, tenant: Tenant, key: str) -> None:
        """Forget the bytes; nothing happens where there are none."""


class FileStoreFailed(TrellisError):
    """A file store cannot be reached, refuses, or gives other bytes than were written."""

    code = "file_store_failed"


class UnknownFileStore(TrellisError):
    """A file store that no plug-in gives, or two of one name."""

    code = "unknown_file_store"


@cache
def stores() -> dict[str, FileStore]:
    """Return the stores that plug-ins give, by name."""
    found: dict[str, FileStore] = {}
    places = {LOCAL: "Trellis"}
    plugins.add_given(
        "trellis_file_stores", found, places, lambda s: s.name, lambda told: UnknownFileStore(f"The file store {told}")
    )
    if LOCAL in found:
        raise UnknownFileStore(f"The file store 'local' is Trellis's own and is defined by {places[LOCAL]} too.")
    return found


def chosen(tenant: Tenant) -> str | None:
    """Return the store of new files, None for the home folder. Raises :class:`UnknownFileStore`."""
    name = str(tenant.settings.get(SETTING) or LOCAL)
    if name == LOCAL:
        return None
    return _store(name).name


def keep(tenant: Tenant, store: str | None, file_id: str, path: Path) -> None:
    """Bring the bytes at ``path`` to their store; the local copy stays as what was fetched. Local files stay where they are."""
    if store is None:
        return
    _store(store).write(tenant, _key(tenant, file_id), path)
    place = _fetched(tenant, file_id)
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(path, place)
    _make_room(place.parent)


def fetch(tenant: Tenant, store: str, file_id: str, sha256: str) -> Path:
    """Return where the bytes of a file from elsewhere can be read. Raises :class:`FileStoreFailed`."""
    place = _fetched(tenant, file_id)
    if place.exists():
        os.utime(place)
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(f"{place.name}.{secrets.token_hex(4)}")
    try:
        with open(partial, "xb") as target:
            _store(store).read(tenant, _key(tenant, file_id), target)
        with open(partial, "rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != sha256:
                raise FileStoreFailed(f"The file store '{store}' gave other bytes than were written.")
        partial.replace(place)
    finally:
        partial.unlink(missing_ok=True)
    _make_room(place.parent)
    return place


def forget(tenant: Tenant, store: str, file_id: str) -> None:
    """Remove the bytes of a file from its store."""
    _fetched(tenant, file_id).unlink(missing_ok=True)
    _store(store).remove(tenant, _key(tenant, file_id))


def _store(name: str) -> FileStore:
    if name not in stores():
        known = ", ".join([LOCAL, *sorted(stores())])
        raise UnknownFileStore(f"There is no file store '{name[:40]}'; there is {known}. Install its plug-in.")
    return stores()[name]


def _key(tenant: Tenant, file_id: str) -> str:
    return f"{tenant.name}/{file_id}"


def _fetched(tenant: Tenant, file_id: str) -> Path:
    return tenant.files.parent.parent / "fetched" / tenant.name / file_id


def _make_room(folder: Path) -> None:
    found = sorted(((p.stat().st_mtime, p.stat().st_size, p) for p in folder.iterdir()), key=lambda e: e[0])
    room = ROOM - sum(size for _, size, _ in found)
    for _, size, path in found[:-1]:
        if room >= 0:
            return
        path.unlink(missing_ok=True)
        room += size

"""A whole tenant as one file: the format of backups, and the way by which tenants are cloned and moved.

The archive is a zip file: ``manifest.json`` (tables with columns, row counts and SHA-256, files with SHA-256), ``tables/``
(one NDJSON file per table) and ``files/``. It is read in one read transaction, so it shows one moment while the server runs.

The trade: rows in text form take longer than a copy of a SQLite file or ``pg_dump``, but an archive made on one database can
be restored on the other, its parts are verified one by one, and one format serves backup, clone and move. The archive holds
the tenant's key: who has the archive can read the secrets in it. Keep it as you keep the server.
"""

from trellis.exchange.archive.places import CannotMove, clone_tenant, move_tenant, restore_tenant, temporary_copy
from trellis.exchange.archive.read import Manifest, read_manifest, restore, verify
from trellis.exchange.archive.write import backup

__all__ = [
    "CannotMove",
    "Manifest",
    "backup",
    "clone_tenant",
    "move_tenant",
    "read_manifest",
    "restore",
    "restore_tenant",
    "temporary_copy",
    "verify",
]

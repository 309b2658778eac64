"""Seals: batches of audit rows in a chain of keyed hashes. Whoever changes, removes or adds a row in the database breaks it.

The hash of a batch is HMAC-SHA-256 over the hash before it and the batch's rows, under a key that is derived from the
tenant's key file and so is not in the database. Cutting off the newest batches together with their rows leaves a shorter
but whole chain: whoever wants to notice that keeps the head (number and hash) elsewhere and compares.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.storage.tables.audit import audit, seal
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant

START = "0" * 64
FIRST = -(2**62)
"""Before every row, one with a made-up number included."""
PAGE = 5000


class SealingWaits(TrellisError):
    """Somebody is writing to the audit this moment; the batch is sealed later."""

    code = "sealing_waits"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the chain found. ``broken`` names each batch that does not hold, with the reason."""

    seals: int
    rows: int
    unsealed: int
    head: str
    broken: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "whole": not self.broken,
            "seals": self.seals,
            "rows": self.rows,
            "unsealed": self.unsealed,
            "head": f"{self.seals}:{self.head}",
            "broken": list(self.broken),
        }


def seal_rows(tenant: Tenant) -> int:
    """Seal everything that is not sealed; return how many rows. Raises :class:`SealingWaits` while rows are on their way."""
    with tenant.database.writing() as connection:
        if not tenant.database.is_sqlite:
            free = connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({tenant.lock_number + 2})").scalar()
            if not free:
                raise SealingWaits("The audit is being written to.")
        before = connection.execute(sa.select(seal).order_by(seal.c.number.desc()).limit(1)).mappings().first()
        number, last, chain = (before["number"], before["last"], before["hash"]) if before else (0, FIRST, START)
        newest = connection.execute(sa.select(sa.func.max(audit.c.id))).scalar()
        if newest is None or newest <= last:
            return 0
        count, found = _hash(tenant, connection, chain, last, newest)
        row = {"number": number + 1, "last": newest, "rows": count, "hash": found, "at": tenant.clock.now()}
        connection.execute(seal.insert(), row)
        return count


def verify(tenant: Tenant, connection: Connection, head: str | None = None) -> Verdict:
    """Compute the whole chain again. ``head`` is what an earlier check named (``number:hash``): it must still be part of it."""
    last, chain, total, expected, broken = FIRST, START, 0, 1, []
    seals = connection.execute(sa.select(seal).order_by(seal.c.number)).mappings().all()
    for row in seals:
        if row["number"] != expected:
            broken.append(f"Seal {expected} is missing.")
        expected = row["number"] + 1
        count, found = _hash(tenant, connection, chain, last, row["last"])
        if count != row["rows"] or not hmac.compare_digest(found, row["hash"]):
            broken.append(_complaint(row, count))
        last, chain, total = row["last"], row["hash"], total + count
    if head is not None and head not in {f"{r['number']}:{r['hash']}" for r in seals}:
        broken.append(
            f"The head {head[:80]} that was kept is not part of the chain: newer seals were cut off or replaced."
        )
    unsealed = connection.execute(sa.select(sa.func.count()).where(audit.c.id > last)).scalar_one()
    return Verdict(len(seals), total, unsealed, chain, tuple(broken))


def _complaint(row: Any, count: int) -> str:
    if count != row["rows"]:
        what = "removed" if count < row["rows"] else "inserted"
        return (
            f"Seal {row['number']} was put on {row['rows']} rows up to {row['last']}, found {count}: rows were {what}."
        )
    return f"Seal {row['number']} does not fit its {count} rows up to {row['last']}: a row or a seal was changed."


def _hash(tenant: Tenant, connection: Connection, chain: str, after: int, last: int) -> tuple[int, str]:
    mac = hmac.new(_key(tenant), chain.encode(), hashlib.sha256)
    count = 0
    for row in _rows(connection, after, last):
        mac.update(_canonical(row))
        count += 1
    return count, mac.hexdigest()


def _rows(connection: Connection, after: int, last: int) -> Iterator[Any]:
    while True:
        query = sa.select(audit).where(audit.c.id > after, audit.c.id <= last).order_by(audit.c.id).limit(PAGE)
        rows = connection.execute(query).mappings().all()
        yield from rows
        if len(rows) < PAGE:
            return
        after = rows[-1]["id"]


def _canonical(row: Any) -> bytes:
    """Return a row as bytes that are the same on both databases: keys sorted, moments in UTC."""
    plain = {str(name): _plain(value) for name, value in row.items()}
    return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS) + b"\n"


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _key(tenant: Tenant) -> bytes:
    return hmac.new(tenant.secret_key, b"audit seals", hashlib.sha256).digest()

"""A user who is no longer active: whatever he has open ends in the transaction that says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trellis.audit import note_for

if TYPE_CHECKING:
    from trellis.transaction import Transaction
    from trellis.transaction.row import Row


def follow(tx: Transaction, rows: Sequence[Row]) -> None:
    """After users were written: end the sessions, tokens and links of those who became inactive. Both ways are noted."""
    from trellis.access.accounts import end_access

    for row in rows:
        before = True if row.old is None else row.old.get("active") is not False
        after = row.new.get("active", before) is not False
        if row.id is None or before == after or row.old is None:
            continue
        kind = "user_activated" if after else "user_deactivated"
        note_for(tx.tenant, tx.connection, kind, tx.principal, about=("user", row.id))
        if not after:
            end_access(tx.tenant, tx.connection, row.id, tx.principal, because=kind)

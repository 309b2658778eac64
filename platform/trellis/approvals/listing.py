"""All requests of a tenant, for those who run it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from trellis.approvals import desk as states
from trellis.approvals.reading import listed
from trellis.rules.reader import Reader
from trellis.storage.tables import approvals as t
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError

WAITING = states.PENDING
STATES = (
    states.PENDING,
    states.SENT_BACK,
    states.APPROVED,
    states.REJECTED,
    states.RECALLED,
    states.CANCELLED,
)
_R = t.request.c


class UnknownState(TrellisError):
    """Requests have no such state."""

    code = "unknown_approval_state"


def all_requests(reader: Reader, state: str, object_name: str | None, limit: int) -> list[dict[str, Any]]:
    """Return requests in a state, the oldest first. Raises :class:`UnknownState`. The reader may see all of them."""
    if state not in STATES:
        raise UnknownState(f"'{state[:40]}' is not one of {', '.join(STATES)}.{did_you_mean(state[:40], STATES)}")
    query = sa.select(_R.id).where(_R.state == state)
    if object_name is not None:
        query = query.where(_R.object == object_name)
    return listed(reader, query.order_by(_R.submitted_at, _R.id), limit)

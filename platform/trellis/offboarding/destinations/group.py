"""The members of a group take turns, so that each gets the same number."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from trellis.access.organisation import is_current
from trellis.clock import today
from trellis.offboarding.destinations import Leaver
from trellis.storage.tables.access import member


class _Group:
    name, argument = "group", "group"
    label = {"en": "Evenly over a group", "zh": "平均分配给一个组"}

    def receivers(self, leaver: Leaver, value: str | None) -> Sequence[int]:
        day, c = today(leaver.tenant.clock, leaver.tenant.time_zone), member.c
        query = (
            sa.select(c.user).where(c.kind == "group", c.name == value, *is_current(day)).distinct().order_by(c.user)
        )
        return [int(u) for u in leaver.connection.execute(query).scalars()]


DESTINATION = _Group()

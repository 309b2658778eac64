"""Everything goes to the person's manager."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from trellis.offboarding.destinations import Leaver


class _Manager:
    name, argument = "manager", None
    label = {"en": "The manager", "zh": "直属上级"}

    def receivers(self, leaver: Leaver, value: str | None) -> Sequence[int]:
        user = leaver.model.object("user")
        query = sa.select(user.fields["manager"].column).where(user.table.c.id == leaver.user)
        found = leaver.connection.execute(query).scalar()
        return [] if found is None else [int(found)]


DESTINATION = _Manager()

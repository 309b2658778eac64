"""Who is asked to approve a record reaches it for reading as long as the request is pending, if the approval says so.

The person himself and the members of a queue reach it, nobody above them in the role tree. Rights on the object and its fields
count as everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from trellis.access.arms.base import READ, Arm, Ask, Path, Why
from trellis.storage.tables.access import reach
from trellis.storage.tables.approvals import request, seat


class ApproverArm(Arm):
    """The arm."""

    name, order = "approver", 40

    def condition(self, ask: Ask) -> sa.ColumnElement[bool] | None:
        if ask.level > READ or not _has_approvals(ask):
            return None
        s, m = seat.alias(), reach.alias()
        own = ask.probe(
            sa.select(sa.literal_column("1")).where(s.c.record == ask.table.c.id, s.c.holder == ask.me, s.c.reads)
        )
        queued = ask.probe(
            sa.select(sa.literal_column("1"))
            .select_from(s.join(m, m.c.principal == s.c.holder))
            .where(s.c.record == ask.table.c.id, s.c.holder < 0, m.c.user == ask.me, m.c.via == 0, s.c.reads)
        )
        return sa.or_(own, queued)

    def ids(self, ask: Ask) -> sa.Select[Any] | None:
        s, m = seat.alias(), reach.alias()
        mine = sa.select(m.c.principal).where(m.c.user == ask.me, m.c.via == 0, m.c.principal < 0)
        t = ask.table
        # The seats name records of every object; only those of this one count.
        return (
            sa.select(t.c.id)
            .select_from(s.join(t, t.c.id == s.c.record))
            .where(sa.or_(s.c.holder == ask.me, s.c.holder.in_(mine)), s.c.reads)
        )

    def paths(self, why: Why) -> Iterator[Path]:
        if why.level > READ:
            return
        s, m, r = seat.alias(), reach.alias(), request.alias()
        mine = sa.select(m.c.principal).where(m.c.user == why.user, m.c.via == 0, m.c.principal < 0)
        query = (
            sa.select(r.c.id, r.c.approval)
            .select_from(s.join(r, r.c.id == s.c.request))
            .where(s.c.record == why.record["id"], sa.or_(s.c.holder == why.user, s.c.holder.in_(mine)), s.c.reads)
            .distinct()
            .order_by(r.c.id)
        )
        for row in why.connection.execute(query):
            yield Path(
                "approver",
                READ,
                {
                    "en": f"is asked to approve it (request {row.id}, approval '{row.approval}')",
                    "zh": f"是其审批人（申请 {row.id}，审批“{row.approval}”）",
                },
                {"request": row.id, "approval": row.approval},
                {"change": "approval_request", "request": row.id},
            )


def _has_approvals(ask: Ask) -> bool:
    documents = ask.model.snapshot.of_kind("approval").values()
    return any(d["object"] == ask.object.name for d in documents)


ARM = ApproverArm()

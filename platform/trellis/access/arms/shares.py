"""Shares of single records: given by hand, by the record's team, or by a rule with a condition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from trellis.access.arms.base import Arm, Ask, Path, Why
from trellis.access.names import name_of
from trellis.storage.tables.access import access_rule, reach, share

MANUAL, TEAM, CRITERIA, RESTRICTION = 1, 2, 3, 4


class ShareArm(Arm):
    """The arm. A share that has run out counts for nothing from that moment on."""

    name, order = "share", 30

    def condition(self, ask: Ask) -> sa.ColumnElement[bool] | None:
        if ask.controlled:
            return None
        m, mine = ask.mine()
        s = share.alias()
        return ask.probe(
            sa.select(sa.literal_column("1"))
            .select_from(s.join(m, m.c.principal == s.c.principal))
            .where(*mine, s.c.record == ask.table.c.id, *_holds(s, ask))
        )

    def ids(self, ask: Ask) -> sa.Select[Any] | None:
        if ask.controlled:
            return None
        m, mine = ask.mine()
        s = share.alias()
        return (
            sa.select(s.c.record).select_from(m.join(s, m.c.principal == s.c.principal)).where(*mine, *_holds(s, ask))
        )

    def paths(self, why: Why) -> Iterator[Path]:
        sharing = why.object.doc.get("sharing", {})
        if sharing.get("default") == "controlled_by_parent":
            return
        m, s, r = reach.alias(), share.alias(), access_rule.alias()
        query = (
            sa.select(s.c.kind, s.c.principal, s.c.rule, s.c.level, s.c.role, s.c.expires_at, m.c.via, r.c.name)
            .select_from(s.join(m, m.c.principal == s.c.principal).outerjoin(r, r.c.id == s.c.rule))
            .where(
                m.c.user == why.user,
                s.c.record == why.record["id"],
                s.c.level >= why.level,
                sa.or_(s.c.expires_at.is_(None), s.c.expires_at > why.model.env.now()),
            )
        )
        if sharing.get("hierarchy", True) is False:
            query = query.where(m.c.via == 0)
        for row in why.connection.execute(query.order_by(s.c.kind, s.c.principal, s.c.rule)):
            yield _path(why, row)


def _path(why: Why, row: Any) -> Path:
    receiver = name_of(why.connection, row.principal)
    through = {"en": " through the role tree", "zh": "（经角色层级）"} if row.via else {"en": "", "zh": ""}
    detail = {"receiver": receiver, "expires_at": row.expires_at}
    if row.kind == CRITERIA:
        return Path(
            "criteria_rule",
            row.level,
            {
                "en": f"sharing rule '{row.name}' shares it with {receiver}{through['en']}",
                "zh": f"共享规则“{row.name}”将其共享给 {receiver}{through['zh']}",
            },
            {**detail, "rule": ["sharing_rule", row.name]},
            {"change": "document", "kind": "sharing_rule", "name": row.name},
        )
    kind = "team" if row.kind == TEAM else "manual_share"
    what = {"en": f"is on its team as {row.role}", "zh": f"是其团队成员（{row.role}）"}
    if row.kind == MANUAL:
        what = {"en": f"it is shared with {receiver}", "zh": f"已手动共享给 {receiver}"}
    revoke = {"change": "share", "record": why.record["id"], "principal": row.principal, "kind": row.kind}
    return Path(kind, row.level, {n: t + through[n] for n, t in what.items()}, {**detail, "role": row.role}, revoke)


def _holds(s: Any, ask: Ask) -> list[sa.ColumnElement[bool]]:
    return [s.c.level >= ask.level, sa.or_(s.c.expires_at.is_(None), s.c.expires_at > ask.now)]


ARM = ShareArm()

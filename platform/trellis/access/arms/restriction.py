"""Restriction rules: records that are taken away from people, whatever else gives them access."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from trellis.access.arms.base import Arm, Ask, Path, Why
from trellis.access.arms.shares import RESTRICTION
from trellis.access.names import name_of
from trellis.storage.tables.access import access_rule, reach, share


class RestrictionArm(Arm):
    """The arm. While a rule is being built, a row of record 0 hides every record of its object: closed, not open."""

    name, order, subtracts = "restriction", 90, True

    def condition(self, ask: Ask) -> sa.ColumnElement[bool] | None:
        if ask.object.name not in ask.principal.grants.restricted:
            return None
        hidden = []
        records: tuple[Any, ...] = (ask.table.c.id, sa.literal_column("0"))
        for record in records:
            m, mine = ask.mine(direct=True)
            s, r = share.alias(), access_rule.alias()
            hidden.append(
                ask.probe(
                    sa.select(sa.literal_column("1"))
                    .select_from(s.join(m, m.c.principal == s.c.principal).join(r, r.c.id == s.c.rule))
                    .where(*mine, s.c.record == record, s.c.kind == RESTRICTION, r.c.object == ask.object.name)
                )
            )
        return sa.not_(sa.or_(*hidden))

    def paths(self, why: Why) -> Iterator[Path]:
        if why.object.name not in why.principal.grants.restricted:
            return
        m, s, r = reach.alias(), share.alias(), access_rule.alias()
        query = (
            sa.select(r.c.name, s.c.principal, s.c.record)
            .select_from(s.join(m, m.c.principal == s.c.principal).join(r, r.c.id == s.c.rule))
            .where(
                m.c.user == why.user,
                m.c.via == 0,
                s.c.record.in_([why.record["id"], 0]),
                s.c.kind == RESTRICTION,
                r.c.object == why.object.name,
            )
        )
        for name, principal, record in why.connection.execute(query.order_by(r.c.name, s.c.principal)):
            whom = name_of(why.connection, principal)
            building = (
                {"en": " (still being worked out)", "zh": "（规则仍在计算）"} if not record else {"en": "", "zh": ""}
            )
            yield Path(
                "restriction",
                0,
                {
                    "en": f"restriction rule '{name}' hides it from {whom}{building['en']}",
                    "zh": f"限制规则“{name}”对 {whom} 隐藏该记录{building['zh']}",
                },
                {"rule": ["restriction_rule", name], "applies_to": whom},
                {"change": "document", "kind": "restriction_rule", "name": name},
            )


ARM = RestrictionArm()

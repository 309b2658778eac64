"""Sharing by owner: what people in one place own is shared with people in another, by rule or by belonging to a unit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from trellis.access.among import among
from trellis.access.arms.base import Arm, Ask, Path, Why
from trellis.access.names import name_of
from trellis.access.organisation import shared_by_owner
from trellis.storage.tables.access import owner_rule, reach


class OwnerRuleArm(Arm):
    """The arm. The owners that a person sees are collected once per statement: people are few, records many."""

    name, order = "owner_rule", 20

    def condition(self, ask: Ask) -> sa.ColumnElement[bool] | None:
        if ask.controlled or ask.object.name not in _shared(ask):
            return None
        return ask.table.c.owner.in_(ask.outer(self._owners(ask)))  # type: ignore[no-any-return]

    def ids(self, ask: Ask) -> sa.Select[Any] | None:
        if ask.controlled or ask.object.name not in _shared(ask):
            return None
        return sa.select(ask.table.c.id).where(among(ask.table.c.owner, self._owners(ask).scalar_subquery()))

    def _owners(self, ask: Ask) -> sa.Select[Any]:
        m, mine = ask.mine()
        o, r = reach.alias(), owner_rule.alias()
        return sa.select(o.c.user).where(
            *mine,
            r.c.object == ask.object.name,
            r.c.level >= ask.level,
            m.c.principal == r.c.target,
            o.c.principal == r.c.source,
            o.c.via == 0,
        )

    def paths(self, why: Why) -> Iterator[Path]:
        sharing = why.object.doc.get("sharing", {})
        if why.owner is None or sharing.get("default") == "controlled_by_parent":
            return
        m, o, r = reach.alias(), reach.alias(), owner_rule.alias()
        query = sa.select(r.c.kind, r.c.name, r.c.source, r.c.target, r.c.level, m.c.via).where(
            m.c.user == why.user,
            r.c.object == why.object.name,
            r.c.level >= why.level,
            m.c.principal == r.c.target,
            o.c.principal == r.c.source,
            o.c.via == 0,
            o.c.user == why.owner,
        )
        if sharing.get("hierarchy", True) is False:
            query = query.where(m.c.via == 0)
        for kind, name, source, target, level, via in why.connection.execute(query.order_by(r.c.id)):
            owners, receivers = name_of(why.connection, source), name_of(why.connection, target)
            below = {"en": " through the role tree", "zh": "（经角色层级）"} if via else {"en": "", "zh": ""}
            yield Path(
                "owner_rule",
                level,
                {
                    "en": f"{kind.replace('_', ' ')} '{name}' shares what {owners} own with {receivers}{below['en']}",
                    "zh": f"规则“{name}”将 {owners} 拥有的记录共享给 {receivers}{below['zh']}",
                },
                {"rule": [kind, name], "owners": owners, "receivers": receivers},
                {"change": "document", "kind": kind, "name": name},
            )


def _shared(ask: Ask) -> frozenset[str]:
    found: frozenset[str] | None = ask.model.cache.get("shared_by_owner")
    if found is None:
        found = ask.model.cache["shared_by_owner"] = shared_by_owner(ask.model.snapshot)
    return found


ARM = OwnerRuleArm()

"""Who owns a record reaches it, and, where the object says so, who is above the owner in the role tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from trellis.access.among import among
from trellis.access.arms.base import EDIT, Arm, Ask, Path, Why
from trellis.access.names import between
from trellis.storage.tables.access import reach


class OwnerArm(Arm):
    """The arm. A person's own number is among the principals that he reaches, and so are those of the people below him."""

    name, order = "owner", 10

    def condition(self, ask: Ask) -> sa.ColumnElement[bool] | None:
        if ask.controlled:
            # A record without its parent has nobody but its owner.
            blank = parent_column(ask).is_(None)
            return sa.and_(blank, ask.table.c.owner == ask.me)
        if not ask.hierarchy:
            return ask.table.c.owner == ask.me  # type: ignore[no-any-return]
        m, mine = ask.mine()
        above = ask.probe(
            sa.select(sa.literal_column("1")).select_from(m).where(*mine, m.c.principal == ask.table.c.owner)
        )
        return sa.or_(ask.table.c.owner == ask.me, above)

    def ids(self, ask: Ask) -> sa.Select[Any] | None:
        if ask.controlled:
            return None
        t = ask.table
        if not ask.hierarchy:
            return sa.select(t.c.id).where(t.c.owner == ask.me)
        m, mine = ask.mine()
        people = sa.select(m.c.principal).where(*mine, m.c.principal > 0)
        return sa.select(t.c.id).where(among(t.c.owner, people.scalar_subquery()))

    def paths(self, why: Why) -> Iterator[Path]:
        if why.owner is None:
            return
        sharing = why.object.doc.get("sharing", {})
        if sharing.get("default") == "controlled_by_parent" and why.record.get(sharing["parent"]) is not None:
            return
        if why.owner == why.user:
            yield Path(
                "owner",
                EDIT,
                {"en": "owns the record", "zh": "是该记录的负责人"},
                {"owner": why.owner},
                {"change": "owner", "from": why.owner},
            )
        elif sharing.get("hierarchy", True) is not False and sharing.get("default") != "controlled_by_parent":
            c = reach.c
            if why.connection.execute(sa.select(c.via).where(c.user == why.user, c.principal == why.owner)).first():
                roles = between(why.connection, why.model, why.user, why.owner)
                text = ", ".join(f"{upper} > {lower}" for upper, lower in roles)
                yield Path(
                    "hierarchy",
                    EDIT,
                    {
                        "en": f"stands above the owner in the role tree ({text})",
                        "zh": f"在角色层级中位于负责人之上（{text}）",
                    },
                    {"owner": why.owner, "roles": [list(r) for r in roles]},
                    {"change": "membership", "user": why.user, "kind": "role", "names": sorted({u for u, _ in roles})},
                )


def parent_column(ask: Ask) -> Any:
    """Return the column of the reference that controls."""
    field = ask.object.fields[ask.object.doc["sharing"]["parent"]]
    return ask.table.c[field.column.name]


ARM = OwnerArm()

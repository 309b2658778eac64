"""Controlled by parent: whoever may read or edit the parent may read or edit the record."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from trellis.access.arms.base import EDIT, Arm, Ask, Path, Why
from trellis.access.arms.owner import parent_column
from trellis.access.rights import rights
from trellis.model import FieldModel


class ParentArm(Arm):
    """The arm. It asks the parent's own predicate."""

    name, order, portal = "parent", 40, True

    def condition(self, ask: Ask) -> sa.ColumnElement[bool] | None:
        if not ask.controlled:
            return None
        field = ask.object.fields[ask.object.doc["sharing"]["parent"]]
        found = [c for target in field.codec.targets if (c := self._through(ask, field, target)) is not None]
        return sa.or_(*found) if found else None

    def _through(self, ask: Ask, field: FieldModel, target: str) -> sa.ColumnElement[bool] | None:
        """Return when a record is reached through a parent of one of the objects that may be parents."""
        from trellis.access.predicate import reach_condition

        parent = ask.model.object(target)
        allowed = rights(ask.principal, parent.doc)
        extent = allowed.edit if ask.level >= EDIT else allowed.read
        if extent == "none":
            return None
        column = parent_column(ask)
        is_kind = [ask.table.c[field.columns[1].name] == target] if len(field.codec.targets) > 1 else []
        if extent == "all":
            return sa.and_(column.is_not(None), *is_kind)
        p = parent.table.alias()
        reached = reach_condition(Ask(ask.principal, ask.model, parent, p, ask.level, ask.me))
        return sa.and_(*is_kind, ask.outer(sa.select(p.c.id).where(p.c.id == column, reached)).exists())

    def paths(self, why: Why) -> Iterator[Path]:
        from trellis.access.explain import paths_to

        sharing = why.object.doc.get("sharing", {})
        if sharing.get("default") != "controlled_by_parent":
            return
        value = why.record.get(sharing["parent"])
        if value is None:
            return
        parent = why.model.object(value.object)
        for path in paths_to(why.connection, why.model, why.principal, parent, value.id, why.level):
            yield Path(
                "parent",
                path.level,
                {
                    "en": f"the {parent.label('en')} it belongs to: {path.text['en']}",
                    "zh": f"所属{parent.label('zh')}：{path.text['zh']}",
                },
                {"parent": value.id, "object": parent.name, "through": path.kind, **path.detail},
                path.revoke,
            )


ARM = ParentArm()

"""Portal: somebody outside reads the records that lead to the record that he belongs to, and nothing else.

An object says so by ``sharing.portal``: names of its references, or ``id`` for the record that one belongs to itself. No other
arm gives a portal person anything but "controlled by parent", which asks the parent's own arms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from trellis.access.arms.base import EDIT, Arm, Ask, Path, Why
from trellis.model import ObjectModel
from trellis.storage.tables.portal import portal


class PortalArm(Arm):
    """The arm. Whose record it is is read in the statement itself, so that one statement serves every portal person."""

    name, order, portal = "portal", 5, True

    def condition(self, ask: Ask) -> sa.ColumnElement[bool] | None:
        if ask.principal.kind != "portal" or ask.level >= EDIT:
            return None
        found = []
        for name in _fields(ask.object):
            if name == "id":
                found.append(ask.table.c.id == _mine(ask, [ask.object.name]))
                continue
            field = ask.object.fields[name]
            column = ask.table.c[field.column.name]
            if len(field.columns) > 1:
                kind = ask.table.c[field.columns[1].name]
                found += [sa.and_(kind == t, column == _mine(ask, [t])) for t in field.codec.targets]
            else:
                found.append(column == _mine(ask, field.codec.targets))
        return sa.or_(*found) if found else None

    def paths(self, why: Why) -> Iterator[Path]:
        if why.principal.kind != "portal" or why.level >= EDIT:
            return
        query = sa.select(portal.c.object, portal.c.record).where(portal.c.user == why.user)
        row = why.connection.execute(query).first()
        if row is None:
            return
        for name in _fields(why.object):
            value = why.record.get(name)
            target = (why.object.name, value) if name == "id" else value and (value.object, value.id)
            if target == (row[0], row[1]):
                yield Path(
                    "portal",
                    1,
                    {"en": f"belongs to the record that '{name}' leads to", "zh": f"属于“{name}”所指向的记录"},
                    {"field": name, "record": row[1]},
                    {"change": "portal", "user": why.user},
                )


def _fields(root: ObjectModel) -> Sequence[str]:
    return tuple(root.doc.get("sharing", {}).get("portal", ()))


def _mine(ask: Ask, targets: Sequence[str]) -> sa.ScalarSelect[int]:
    """Return the record that the asker belongs to, if it is of one of the objects ``targets``."""
    p = portal.alias()
    query = sa.select(p.c.record).where(p.c.user == ask.me, p.c.object.in_(list(targets)))
    return ask.outer(query).scalar_subquery()


ARM = PortalArm()

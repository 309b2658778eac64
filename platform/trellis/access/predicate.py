"""Which records a principal may read or edit, as an SQL condition: the listing form of the definition in ``arms``."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from trellis.access.arms import arms_for
from trellis.access.arms.base import EDIT, READ, Ask
from trellis.access.principal import Principal
from trellis.access.rights import ALL, NOBODY, rights
from trellis.model import ObjectModel

LEVELS = {"read": READ, "edit": EDIT}


def record_predicate(
    principal: Principal, root: ObjectModel, table: Any, action: str = "read"
) -> sa.ColumnElement[bool]:
    """Return the condition under which the principal may ``read`` or ``edit`` the record in ``table``.

    The asker is the parameter ``me``: a statement compiled for one person serves all who have the same rights.
    """
    allowed = rights(principal, root.doc)
    extent = allowed.edit if action == "edit" else allowed.read
    if extent == ALL:
        return sa.true()
    if extent == NOBODY or principal.user is None:
        return sa.false()
    assert root.model is not None
    return reach_condition(Ask(principal, root.model, root, table, LEVELS[action], asker(principal)))


def asker(principal: Principal) -> sa.BindParameter[Any]:
    """Return the asker as a parameter."""
    return sa.bindparam("me", principal.user, type_=sa.BigInteger())


def reach_condition(ask: Ask) -> sa.ColumnElement[bool]:
    """Return which records are reached at all, whatever the rights on the object: every arm, less what is taken away."""
    found = [(a, c) for a in arms_for(ask.principal) if (c := a.condition(ask)) is not None]
    adding = [c for a, c in found if not a.subtracts]
    reached = sa.true() if any(c is sa.true() for c in adding) else sa.or_(sa.false(), *adding)
    return sa.and_(reached, *(c for a, c in found if a.subtracts))

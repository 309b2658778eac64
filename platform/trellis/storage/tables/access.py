"""Who belongs to what, whom that reaches, and which records are shared with whom.

A *principal* is a number: positive for a person (the number of the user record), negative for a role, group or unit (the
negated ``t_principal.id``).
"""

from __future__ import annotations

import sqlalchemy as sa

from trellis.storage.tables.base import ID, metadata
from trellis.storage.types import UtcDateTime, text_column

member = sa.Table(
    "t_member",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("user", ID, nullable=False),
    sa.Column("kind", text_column(20), nullable=False),
    sa.Column("name", text_column(90), nullable=False),
    sa.Column("starts_on", sa.Date),
    sa.Column("ends_on", sa.Date),
    sa.Column("created_by", ID),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Index("ix_t_member_user", "user", "kind"),
    sa.Index("ix_t_member_name", "kind", "name"),
)
"""People's roles, groups, units (``tree.unit``) and permission sets; ``ends_on`` is the last day."""

principal = sa.Table(
    "t_principal",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("kind", text_column(20), nullable=False),
    sa.Column("name", text_column(90), nullable=False),
    sa.Index("ix_t_principal_name", "kind", "name", unique=True),
)
reach = sa.Table(
    "t_reach",
    metadata,
    sa.Column("user", ID, primary_key=True, autoincrement=False),
    sa.Column("principal", ID, primary_key=True, autoincrement=False),
    sa.Column("via", sa.SmallInteger, nullable=False),
    sa.Index("ix_t_reach_principal", "principal", "via", "user"),
    sqlite_with_rowid=False,
)
"""All principals in whose name a person has access. ``via`` 0: belongs to it; 1: through the role hierarchy."""

owner_rule = sa.Table(
    "t_owner_rule",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("object", text_column(40), nullable=False),
    sa.Column("kind", text_column(20), nullable=False),
    sa.Column("name", text_column(40), nullable=False),
    sa.Column("source", ID, nullable=False),
    sa.Column("target", ID, nullable=False),
    sa.Column("level", sa.SmallInteger, nullable=False),
    sa.Index("ix_t_owner_rule_object", "object", "target"),
)
"""What people in ``source`` own, people in ``target`` may read (1) or edit (2)."""

access_rule = sa.Table(
    "t_access_rule",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("kind", text_column(20), nullable=False),
    sa.Column("name", text_column(40), nullable=False),
    sa.Column("object", text_column(40), nullable=False),
    sa.Column("digest", text_column(64), nullable=False),
    sa.Column("state", text_column(10), nullable=False),
    sa.Index("ix_t_access_rule_name", "kind", "name", unique=True),
    sqlite_autoincrement=True,
)
"""Rules by condition. ``state`` is ``building`` until every record has been looked at, then ``ready``."""

share = sa.Table(
    "t_share",
    metadata,
    sa.Column("record", ID, primary_key=True, autoincrement=False),
    sa.Column("principal", ID, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("rule", ID, primary_key=True, autoincrement=False),
    sa.Column("level", sa.SmallInteger, nullable=False),
    sa.Column("role", text_column(80)),
    sa.Column("expires_at", UtcDateTime()),
    sa.Column("created_by", ID),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Index("ix_t_share_principal", "principal", "record"),
    sa.Index("ix_t_share_rule", "rule", "record"),
    sqlite_with_rowid=False,
)
"""One row per record, principal and reason. ``kind``: 1 manual, 2 team, 3 criteria rule, 4 restriction (level 0).

Rows of record 0 hide every record of the rule's object while the rule is being built.
"""

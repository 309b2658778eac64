"""What the modules of table groups share."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()
"""Every table of the platform in a tenant's database. Names begin with ``t_``."""

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""The type of record numbers and of running numbers."""

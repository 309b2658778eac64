"""Every reference points at a record that exists and is alive."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.cli.checks.complaint import Complaint
from trellis.model import FieldModel, Model, ObjectModel

if TYPE_CHECKING:
    from trellis.tenant import Tenant


def check(tenant: Tenant, connection: Connection) -> Iterable[Complaint]:
    """Count the references of live records that point at nothing."""
    model = tenant.model_in(connection)
    for name in model.object_names:
        root = model.object(name)
        for field in root.all_fields:
            if field.category == "reference" and field.columns:
                yield from _orphans(connection, model, root, field)


def _orphans(connection: Connection, model: Model, root: ObjectModel, field: FieldModel) -> Iterable[Complaint]:
    for target in field.codec.targets:
        if target not in model.object_names:
            continue
        t, other = root.table, model.object(target).table.alias("target")
        column = t.c[field.column.name]
        alive = sa.exists().where(other.c.id == column, other.c.deleted_at.is_(None))
        query = sa.select(sa.func.count(), sa.func.min(t.c.id)).where(
            t.c.deleted_at.is_(None), column.isnot(None), ~alive
        )
        if len(field.columns) > 1:
            query = query.where(t.c[field.columns[1].name] == target)
        count, first = connection.execute(query).one()
        # Stamps outlive the user they name.
        if count and field.name not in ("created_by", "modified_by"):
            yield Complaint(
                f"{root.name}.{field.name}",
                f"{count} record(s) point at a {target} that does not exist, "
                f"{model.env.format_id(root.name, first)} among them.",
                "Point them elsewhere, or blank the field.",
                count,
            )

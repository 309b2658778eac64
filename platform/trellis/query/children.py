"""Child lists of a page of records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from trellis.access.objects import child_lists
from trellis.query.compiling import Plan, default_fields, direction, row_writer, sensitive_paths, sort_keys
from trellis.query.query import InvalidQuery, Query, problem

MAX_CHILDREN = 200


def attach_children(plan: Plan, name: str, child: Query, ids: Sequence[int], out: Sequence[dict[str, Any]]) -> None:
    """Add child lists to the rows: one statement for all parents, each list cut at its limit by a window function."""
    known = child_lists(plan.principal, plan.model, plan.root.name)
    reference = known.get(name)
    if reference is None:
        raise InvalidQuery(
            [
                problem(
                    f"children.{name}",
                    "unknown_relationship",
                    f"'{plan.root.name}' has no child list '{name}'. Known: {', '.join(known) or 'none'}.",
                )
            ]
        )
    inner = Plan(plan.tenant, plan.connection, plan.model, plan.principal, replace(child, object=reference.source))
    fields = [
        r
        for i, p in enumerate(child.fields or default_fields(inner.root, inner.principal))
        if (r := inner.resolve(p, f"children.{name}.fields.{i}"))
    ]
    keys = sort_keys(inner)
    conditions = inner.where()
    inner.check()
    link = inner.root.fields[reference.field]
    t = inner.root.table
    order = [direction(r, d) for r, d in keys]
    rank = sa.func.row_number().over(partition_by=link.column, order_by=order).label("rank")
    conditions.append(link.column.in_(list(ids)))
    if len(link.columns) > 1:
        conditions.append(link.columns[1] == plan.root.name)
    columns = [t.c.id, t.c.version, *(c for r in fields for c in r.columns)]
    labelled = [c.label(f"c{i}") for i, c in enumerate(columns)]
    ranked = (
        sa.select(*labelled, link.column.label("parent"), rank)
        .select_from(inner.paths.source)
        .where(*conditions)
        .subquery()
    )
    statement = (
        sa.select(*[ranked.c[f"c{i}"] for i in range(len(columns))], ranked.c.parent)
        .where(ranked.c.rank <= min(child.limit, MAX_CHILDREN))
        .order_by(ranked.c.parent, ranked.c.rank)
    )
    write = row_writer(inner.root, fields)
    lists: dict[int, list[dict[str, Any]]] = {}
    rows = plan.connection.execute(statement).all()
    plan.tenant.views.add(plan.principal, inner.root.name, sensitive_paths(fields), [row[0] for row in rows])
    for row in rows:
        lists.setdefault(row[-1], []).append(write(row))
    for record, target in zip(ids, out, strict=True):
        target[name] = lists.get(record, [])

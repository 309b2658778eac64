"""Records that steps work on besides their own: related ones, and those with given values. Set-wise, bounded, under access."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.access.decide import allowed_ids
from trellis.model import ObjectModel
from trellis.publishing.filling import fold
from trellis.transaction.parsing import parse_row
from trellis.transaction.statements import ID_CHUNK, statements_of

if TYPE_CHECKING:
    from trellis.automation.flow import Case, Flow
    from trellis.automation.related import Relation

MOST = 2_000
"""Related records that one step takes together, whatever the number of its cases."""


def related_cases(flow: Flow, relation: Relation, cases: Sequence[Case], limit: int) -> list[Case]:
    """Return a case for each related record, in the order of the cases and of the records.

    A case with more than ``limit`` related records fails; so do all when together there are more than :data:`MOST`.
    """
    model = flow.tx.model.object(relation.object)
    by_case = _children(flow, relation, model, cases) if relation.many else _targets(relation, cases)
    wanted = sorted({record for ids in by_case for record in ids})
    stored = statements_of(model).fetch(flow.tx.connection, wanted) if wanted else {}
    alive = {k: v for k, v in stored.items() if v.get("deleted_at") is None}
    if flow.guarded and alive:
        seen = allowed_ids(flow.tx.connection, flow.tx.principal, flow.tx.model, model, alive, "read")
        alive = {k: v for k, v in alive.items() if k in seen}
    found = []
    for case, ids in zip(cases, by_case, strict=True):
        here = [i for i in ids if i in alive]
        if len(here) > limit:
            case.fail(f"The record has more than {limit} related records of '{model.name}'.")
            continue
        found += [inner_case(case, model.name, dict(alive[i]), flow.session.writes) for i in here]
    if len(found) > MOST:
        for case in cases:
            case.fail(f"The records have more than {MOST} related records of '{model.name}' together.")
        return []
    return found


def inner_case(case: Case, name: str, values: dict[str, Any], writes: int) -> Case:
    """Return the case of a related record inside the run of ``case``."""
    from trellis.automation.flow import Case

    return Case(case.run, name, values, outer=case, seen=writes, entry=case.entry)


def _targets(relation: Relation, cases: Sequence[Case]) -> list[list[int]]:
    values = [c.values.get(relation.field) for c in cases]
    return [[v.id] if v is not None and v.object == relation.object else [] for v in values]


def _children(flow: Flow, relation: Relation, model: ObjectModel, cases: Sequence[Case]) -> list[list[int]]:
    field, name = model.fields[relation.field], cases[0].object
    ids = sorted({c.id for c in cases if c.id is not None})
    found: dict[int, list[int]] = {}
    for start in range(0, len(ids), ID_CHUNK):
        query = sa.select(model.table.c.id, field.column).where(
            field.column.in_(ids[start : start + ID_CHUNK]), model.table.c.deleted_at.is_(None)
        )
        if len(field.columns) > 1:
            query = query.where(field.columns[1] == name)
        for child, parent in flow.tx.connection.execute(query.order_by(model.table.c.id).limit(MOST + 1)):
            found.setdefault(parent, []).append(child)
    return [found.get(c.id or 0, []) for c in cases]


def matches(flow: Flow, model: ObjectModel, wanted: Sequence[tuple[Case, Mapping[str, Any]]]) -> list[list[int]]:
    """Return, per case, the live records of ``model`` that have the given values, oldest first, at most two.

    Blank values match nothing. As the user: only those that he may read. One statement per 300 cases.
    """
    keys: list[tuple[Any, ...] | None] = []
    names = sorted({name for _, values in wanted for name in values})
    for case, values in wanted:
        parsed = parse_row(model, 0, values, with_id=False)
        for name, errors in parsed.errors.items():
            case.fail(f"{name}: {errors[0]['message'] if isinstance(errors, list) else errors}")
        parts = [_compared(model, n, parsed.given.get(n)) for n in names]
        keys.append(None if parsed.errors or any(p is None for p in parts) else tuple(parts))
    columns = [model.key_column(n) if n in model.folded else _column(model, n) for n in names]
    known: dict[tuple[Any, ...], list[int]] = {}
    distinct = sorted({k for k in keys if k is not None}, key=repr)
    for start in range(0, len(distinct), 300):
        chunk = distinct[start : start + 300]
        condition = columns[0].in_([k[0] for k in chunk]) if len(columns) == 1 else sa.tuple_(*columns).in_(chunk)
        query = sa.select(model.table.c.id, *columns).where(condition, model.table.c.deleted_at.is_(None))
        for row in flow.tx.connection.execute(query.order_by(model.table.c.id).limit(MOST + 1)):
            known.setdefault(tuple(row[1:]), []).append(row[0])
    if flow.guarded and known:
        ids = [i for found in known.values() for i in found]
        seen = allowed_ids(flow.tx.connection, flow.tx.principal, flow.tx.model, model, ids, "read")
        known = {k: [i for i in v if i in seen] for k, v in known.items()}
    return [[] if k is None else known.get(k, [])[:2] for k in keys]


def _column(model: ObjectModel, name: str) -> Any:
    field = model.field(name)
    assert field is not None  # checked before publishing
    return field.column


def _compared(model: ObjectModel, name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in model.folded:
        return fold(value)
    field = model.field(name)
    assert field is not None
    return field.encode(value)[0]

"""Which records a lookup may point at: its ``filter``, a filter tree over the target that may refer to the source row.

A value ``"$source.account"`` in a comparison stands for the field ``account`` of the record that holds the lookup (its own
fields, no relations). A blank there makes the comparison false, as every comparison with a blank is. The filter sees what
the person who writes sees: a value behind a record that he may not read is blank.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.access import Principal
from trellis.clock import today
from trellis.model import FieldModel, Model, ObjectModel
from trellis.query.filters import FilterCompiler
from trellis.query.formulas import Surroundings, clock_parameters
from trellis.query.paths import Paths, Resolved, record_predicate

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from trellis.tenant import Tenant

SOURCE = "$source."
MAX_PARAMETERS = 30_000
"""SQLite takes 32,766 parameters in one statement."""
NOTHING: Mapping[str, Any] = {"or": []}

Candidate = tuple[int, Mapping[str, Any]]
"""The record number that a row wants to point at, and the row's values by field name."""


def source_fields(tree: object) -> frozenset[str]:
    """Return the names of the source row's fields that a filter refers to."""
    return frozenset(text[len(SOURCE) :] for text in _texts(tree) if text.startswith(SOURCE))


def _texts(tree: object) -> Iterator[str]:
    if isinstance(tree, Mapping):
        for key, inner in tree.items():
            if key == "value":
                values = inner if isinstance(inner, list) else [inner]
                yield from (v for v in values if isinstance(v, str))
            else:
                yield from _texts(inner)
    elif isinstance(tree, list):
        for inner in tree:
            yield from _texts(inner)


def with_source(tree: Any, values: Mapping[str, Any]) -> Any:
    """Return the filter for one source row, given by its JSON values: every ``$source`` is replaced by the value."""
    if isinstance(tree, list):
        return [with_source(inner, values) for inner in tree]
    if not isinstance(tree, Mapping):
        return tree
    if "field" not in tree:
        return {key: with_source(inner, values) for key, inner in tree.items()}
    value = tree.get("value")
    wanted = [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, str) and v.startswith(SOURCE)]
    if not wanted:
        return tree
    if any(values.get(v[len(SOURCE) :]) is None for v in wanted):
        return NOTHING
    swapped = [_plain(values[v[len(SOURCE) :]]) if v in wanted else v for v in _as_list(value)]
    return {**tree, "value": swapped if isinstance(value, list) else swapped[0]}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _plain(value: Any) -> Any:
    """Money compares by its amount."""
    return value["amount"] if isinstance(value, Mapping) and "amount" in value else value


def words_of(tree: Any) -> str:
    """Return a filter as one line for messages."""
    if "field" in tree:
        value = "" if "value" not in tree else f" {tree['value']}".replace("True", "true").replace("False", "false")
        return f"{tree['field']} {tree['op']}{value}"
    ((key, inner),) = tree.items()
    if key == "not":
        return f"not ({words_of(inner)})"
    return (
        str(inner)
        if key == "formula"
        else f" {key} ".join(f"({words_of(i)})" if len(inner) > 1 else words_of(i) for i in inner)
    )


def unfit(
    tenant: Tenant,
    connection: Connection,
    model: Model,
    principal: Principal,
    source: ObjectModel,
    field: FieldModel,
    candidates: Sequence[Candidate],
) -> set[int]:
    """Return the positions of the candidates that the field's filter does not allow, in one statement for all of them.

    A filter that cannot be compiled allows nothing.
    """
    tree, target = field.doc["filter"], model.object(field.codec.targets[0])
    names = sorted(source_fields(tree))
    fields = [source.field(n) for n in names]
    if any(f is None for f in fields):
        return set(range(len(candidates)))
    known = [f for f in fields if f is not None]
    rows = [
        (n, number, *(f.encode(values.get(f.name))[0] for f in known)) for n, (number, values) in enumerate(candidates)
    ]
    fit: set[int] = set()
    size = MAX_PARAMETERS // (2 + len(known))
    for start in range(0, len(rows), size):
        asked = sa.values(
            sa.column("n", sa.Integer()),
            sa.column("id", sa.BigInteger()),
            *(sa.column(f"s{i}", f.column.type) for i, f in enumerate(known)),
        ).data(rows[start : start + size])
        statement = _statement(tenant, model, principal, target, tree, names, asked.cte("asked"))
        if statement is None:
            return set(range(len(candidates)))
        fit.update(connection.execute(statement, {**clock_parameters(tenant), "me": principal.user}).scalars())
    return set(range(len(candidates))) - fit


def _statement(
    tenant: Tenant,
    model: Model,
    principal: Principal,
    target: ObjectModel,
    tree: Mapping[str, Any],
    names: Sequence[str],
    asked: Any,
) -> sa.Select[Any] | None:
    paths = Paths(model, target, principal, Surroundings.of(tenant))
    columns = {SOURCE + name: asked.c[f"s{i}"] for i, name in enumerate(names)}
    compiler = _SourceCompiler(
        paths, today=today(tenant.clock, tenant.time_zone), zone=tenant.time_zone, user=principal.user
    )
    compiler.source = columns
    clause = compiler.compile(tree)
    if compiler.problems:
        return None
    t = target.table
    return (
        sa.select(asked.c.n)
        .select_from(paths.source.join(asked, asked.c.id == t.c.id))
        .where(t.c.deleted_at.is_(None), record_predicate(principal, target, t), clause)
    )


class _SourceCompiler(FilterCompiler):
    """Compiles ``$source.<field>`` to a column beside the target."""

    source: Mapping[str, Any] = {}

    def _bind(self, r: Resolved, at: str, value: Any, *rest: Any, **options: Any) -> Any:
        if isinstance(value, str) and value in self.source:
            return self.source[value]
        return super()._bind(r, at, value, *rest, **options)

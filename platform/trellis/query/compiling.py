"""Queries made ready: one plan per query, one statement per shape of query."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access import AccessDenied, Principal, rights
from trellis.access.masking import hidden_fields, mask
from trellis.access.narrow import narrow_predicate, narrow_source, prefers_narrow
from trellis.access.searching import words_in_visible_fields
from trellis.clock import today
from trellis.fields.base import InvalidValue
from trellis.model import Model, ObjectModel
from trellis.query.filters import Binder, FilterCompiler, shape_of
from trellis.query.formulas import Surroundings
from trellis.query.paths import Paths, Resolved, UnknownPath, record_predicate
from trellis.query.query import InvalidQuery, Query, Sort, problem
from trellis.search.index import matching_ids

if TYPE_CHECKING:
    from trellis.tenant import Tenant


class Plan:
    """One query being compiled; gathers problems so that all are told at once."""

    def __init__(
        self, tenant: Tenant, connection: Connection, model: Model, principal: Principal, query: Query
    ) -> None:
        self.tenant, self.connection, self.model, self.principal, self.query = (
            tenant,
            connection,
            model,
            principal,
            query,
        )
        self.root = model.object(query.object)
        if rights(principal, self.root.doc).read == "none":
            raise AccessDenied(f"You may not read '{self.root.name}'.")
        self.paths = Paths(model, self.root, principal, Surroundings.of(tenant))
        self.narrow = not query.deleted and prefers_narrow(tenant, connection, model, principal, query.object)
        """Whether the asker reaches so few records that the query starts from them."""
        self.is_sqlite = tenant.database.is_sqlite
        if self.narrow:
            self.paths.source = narrow_source(principal, self.root, is_sqlite=self.is_sqlite)
        self.problems: list[dict[str, str]] = []
        self.binders: list[Binder] = []

    def resolve(self, path: str, at: str) -> Resolved | None:
        try:
            return self.paths.resolve(path)
        except UnknownPath as unknown:
            self.problems.append({**unknown.problem, "at": at})
            return None

    def where(self) -> list[sa.ColumnElement[bool]]:
        t = self.root.table
        conditions: list[sa.ColumnElement[bool]] = [
            t.c.deleted_at.isnot(None) if self.query.deleted else t.c.deleted_at.is_(None)
        ]
        # What is in the recycle bin is for those who could bring it back.
        mine = narrow_predicate(self.principal, self.root, t, is_sqlite=self.is_sqlite) if self.narrow else None
        if mine is None:
            mine = record_predicate(self.principal, self.root, t, "edit" if self.query.deleted else "read")
        if mine is not sa.true():
            conditions.append(mine)
        if self.query.filter:
            compiler = FilterCompiler(
                self.paths,
                today=today(self.tenant.clock, self.tenant.time_zone),
                zone=self.tenant.time_zone,
                user=self.principal.user,
            )
            conditions.append(compiler.compile(self.query.filter))
            self.problems.extend(compiler.problems)
            self.binders = compiler.binders
        if self.query.search and self.query.search.strip():
            words = words_in_visible_fields(self.paths, self.query.search)
            hits = matching_ids(self.tenant.database.dialect_name, self.query.search, self.root.name)
            conditions.append(t.c.id.in_(hits) if words is None else words)
        return conditions

    def check(self) -> None:
        if self.problems:
            raise InvalidQuery(self.problems)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query made ready: one statement for every query of its shape, whatever its values, cursor position or asker."""

    statement: sa.Select[Any]
    count: sa.Select[Any]
    keys: tuple[tuple[Resolved, bool], ...]
    width: int
    write: Callable[[Sequence[Any]], dict[str, Any]]
    binders: tuple[Binder, ...]
    sensitive: tuple[str, ...]
    """The paths whose views are noted in the audit."""


def shape(
    tenant: Tenant, principal: Principal, query: Query, after: Sequence[Any] | None, *, narrow: bool = False
) -> Any:
    """Return what two queries must share to be one statement; None for those that are compiled each time."""
    if query.search:
        return None
    nulls = None if after is None else tuple(v is None for v in after)
    # Relative dates and "$me" are computed by closures that hold the day and the asker.
    day = today(tenant.clock, tenant.time_zone) if query.filter else None
    return (
        query.object,
        query.fields,
        shape_of(query.filter) if query.filter else None,
        query.sort,
        query.deleted,
        nulls,
        day,
        narrow,
        principal.user if query.filter else None,
        *access_shape(principal),
    )


def access_shape(principal: Principal) -> tuple[Any, ...]:
    """Return what two principals must share so that a statement compiled for one serves the other (``me`` is bound)."""
    return principal.admin, principal.kind, principal.user is None, principal.scopes, principal.grants.key


def parameters(compiled: Compiled, query: Query) -> dict[str, Any] | None:
    """Return the parameters for this query's values; None when one of them needs to be looked at by the compiler."""
    params: dict[str, Any] = {}
    for binder in compiled.binders:
        try:
            value = binder.value(query.filter)
        except (InvalidValue, LookupError, TypeError, ValueError):
            return None
        if value is None:
            return None
        params[binder.name] = value
    return params


def compile_rows(plan: Plan, after: Sequence[Any] | None) -> Compiled:
    query = plan.query
    selected = [
        plan.resolve(p, f"fields.{i}") for i, p in enumerate(query.fields or default_fields(plan.root, plan.principal))
    ]
    keys = sort_keys(plan)
    conditions = plan.where()
    plan.check()
    fields = [r for r in selected if r is not None]
    count = sa.select(sa.func.count()).select_from(plan.paths.source).where(*conditions)
    if after is not None:
        conditions.append(_after(keys, after))
    t = plan.root.table
    # A formula that the list is ordered by is selected once, as the key, and ordered by its name: computed once per row.
    ordered = {r.path: i for i, (r, _) in enumerate(keys) if r.field and r.field.is_formula}
    own = [r for r in fields if r.path not in ordered]
    columns = [t.c.id, t.c.version, *(c for r in own for c in r.columns)]
    write = row_writer(plan.root, fields, {path: len(columns) + i for path, i in ordered.items()})
    named = [
        r.column.label(f"key_{i}") if r.field and r.field.is_formula else r.column for i, (r, _) in enumerate(keys)
    ]
    statement = sa.select(*columns, *named).select_from(plan.paths.source).where(*conditions)
    order = [
        direction(replace(r, columns=(sa.literal_column(c.name),)) if isinstance(c, sa.Label) else r, d)
        for c, (r, d) in zip(named, keys, strict=True)
    ]
    statement = statement.order_by(*order).limit(sa.bindparam("row_limit", type_=sa.Integer()))
    return Compiled(statement, count, tuple(keys), len(columns), write, tuple(plan.binders), sensitive_paths(fields))


def sensitive_paths(columns: Sequence[Resolved]) -> tuple[str, ...]:
    """Return the paths that lead to a field marked ``sensitive`` and are not masked."""
    return tuple(r.path for r in columns if r.field and r.field.doc.get("sensitive") and r.write is not mask)


def default_fields(model: ObjectModel, principal: Principal) -> list[str]:
    """Return all field paths of an object that have a value to show and that the principal may see."""
    hidden = {"deleted_at", "version", *hidden_fields(principal, model)}
    return [f.name for f in model.all_fields if f.is_shown and f.name not in hidden]


def row_writer(
    root: ObjectModel, fields: Sequence[Resolved], elsewhere: Mapping[str, int] = MappingProxyType({})
) -> Callable[[Sequence[Any]], dict[str, Any]]:
    """Return a closure from a row (id, version, field columns …) to its JSON form.

    ``elsewhere`` has the places of fields of one column that stand behind the others.
    """
    format_id, name = root.env.format_id, root.name
    names, places = ["id", "version"], [0, 1]
    single: list[tuple[str, Callable[[Any], Any]]] = []
    compound: list[tuple[str, int, int, Callable[[tuple[Any, ...]], Any], Callable[[Any], Any] | None]] = []
    position = 2
    for r in fields:
        width = 0 if r.path in elsewhere else len(r.columns)
        names.append(r.path)
        places.append(elsewhere.get(r.path, position if width else 0))
        if not r.simple:
            compound.append((r.path, position, position + width, r.decode, r.write))
        elif r.write is not None:
            single.append((r.path, r.write))
        position += width
    pick = itemgetter(*places)

    def write(row: Sequence[Any]) -> dict[str, Any]:
        out = dict(zip(names, pick(row), strict=True))
        for path, to_json in single:
            if (value := out[path]) is not None:
                out[path] = to_json(value)
        out["id"] = format_id(name, row[0])  # last: the id may have been asked for as a field too
        for path, start, stop, decode, to_text in compound:
            value = decode(tuple(row[start:stop]))
            out[path] = value if value is None or to_text is None else to_text(value)
        return out

    return write


def sort_keys(plan: Plan) -> list[tuple[Resolved, bool]]:
    sorts = plan.query.sort or (Sort("modified_at", True),)
    keys: list[tuple[Resolved, bool]] = []
    for i, sort in enumerate(sorts):
        resolved = plan.resolve(sort.path, f"sort.{i}")
        if resolved is not None and not resolved.sortable:
            message = resolved.refused or f"'{sort.path}' cannot be sorted by."
            plan.problems.append(problem(f"sort.{i}", "not_sortable", message))
        elif resolved is not None:
            keys.append((resolved, sort.descending))
    if not any(r.path == "id" for r, _ in keys):
        keys.append((plan.paths.resolve("id"), keys[-1][1] if keys else True))
    return keys


_NEVER_NULL = frozenset({"id", "modified_at", "created_at", "version"})


def direction(r: Resolved, descending: bool) -> Any:
    ordered = r.column.desc() if descending else r.column.asc()
    return ordered if r.path in _NEVER_NULL else ordered.nulls_last()


def _after(keys: Sequence[tuple[Resolved, bool]], values: Sequence[Any]) -> sa.ColumnElement[bool]:
    """Return the condition "comes after the row with these sort values", blanks last."""
    if len(values) != len(keys):
        raise InvalidQuery([problem("cursor", "bad_cursor", "This cursor is not one that Trellis made.")])
    ties: list[sa.ColumnElement[bool]] = []
    options: list[sa.ColumnElement[bool]] = []
    for i, ((r, descending), value) in enumerate(zip(keys, values, strict=True)):
        c = r.column
        if value is None:
            ties.append(c.is_(None))
            continue
        bound = sa.bindparam(f"after{i}", value, type_=c.type)
        beyond = c < bound if descending else c > bound
        options.append(sa.and_(*ties, beyond if r.path in _NEVER_NULL else sa.or_(beyond, c.is_(None))))
        ties.append(c == bound)
    return sa.or_(sa.false(), *options)

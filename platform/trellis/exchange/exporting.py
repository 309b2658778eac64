"""Exports records as a file, page by page, under the rights of the one who asks.

All pages belong to one moment: they are read in one read transaction, in the order of the records' numbers.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa

from trellis.access import AccessDenied, Principal, rights
from trellis.access.masking import mask
from trellis.audit import note_for
from trellis.exchange.errors import UnknownFormat
from trellis.query.compiling import Plan, default_fields, sensitive_paths
from trellis.query.paths import Resolved
from trellis.query.query import Query

if TYPE_CHECKING:
    from trellis.tenant import Tenant

PAGE = 1000


class Writer(Protocol):
    """A module in ``writers/``. ``AS_TEXT``: cells are texts; else they are JSON values."""

    FORMAT: str
    MEDIA_TYPE: str
    AS_TEXT: bool

    def write(self, headers: Sequence[str], pages: Iterator[Sequence[Sequence[Any]]]) -> Iterator[bytes]:
        """Yield the file in pieces."""
        ...


@cache
def writers() -> Mapping[str, Writer]:
    """Return the writers by format."""
    package = importlib.import_module("trellis.exchange.writers")
    modules: list[Any] = [
        importlib.import_module(f"{package.__name__}.{i.name}") for i in pkgutil.iter_modules(package.__path__)
    ]
    return {m.FORMAT: m for m in sorted(modules, key=lambda m: str(m.FORMAT))}


def writer(format: str) -> Writer:
    """Return one writer. Raises :class:`UnknownFormat`."""
    if format not in writers():
        raise UnknownFormat(f"'{format[:20]}' is not a format that can be exported; use {', '.join(writers())}.")
    return writers()[format]


@dataclass(frozen=True)
class Export:
    """What to export: ``fields`` are paths (empty: all fields); ``labels`` heads columns with labels in that language."""

    object: str
    fields: tuple[str, ...] = ()
    filter: Mapping[str, Any] | None = None
    search: str | None = None
    limit: int | None = None
    labels: str | None = None


def export(tenant: Tenant, principal: Principal, wanted: Export, format: str = "csv") -> Iterator[bytes]:
    """Yield the file. Everything wrong with ``wanted`` is raised at the first piece: ``InvalidQuery``, ``AccessDenied``, …"""
    to = writer(format)
    with tenant.database.reading() as connection:
        plan = Plan(
            tenant,
            connection,
            tenant.model_in(connection),
            principal,
            Query(wanted.object, filter=wanted.filter, search=wanted.search),
        )
        if not rights(principal, plan.root.doc).may("export"):
            raise AccessDenied(f"You may not export records of '{plan.root.name}'.")
        names = ("id", *(f for f in wanted.fields or default_fields(plan.root, plan.principal) if f != "id"))
        columns = [r for i, p in enumerate(names) if (r := plan.resolve(p, f"fields.{i}"))]
        conditions = plan.where()
        plan.check()
        headers = [_header(plan, r, wanted.labels) for r in columns]
        _note(plan, wanted, format, [r.path for r in columns])
        yield from to.write(headers, _pages(plan, columns, conditions, wanted.limit, as_text=to.AS_TEXT))


def _note(plan: Plan, wanted: Export, format: str, paths: Sequence[str]) -> None:
    """Note an export before its first byte leaves."""
    chosen = {"filter": wanted.filter, "search": wanted.search, "limit": wanted.limit}
    told = {name: value for name, value in chosen.items() if value}
    with plan.tenant.database.writing() as connection:
        about = (plan.root.name, None)
        note_for(plan.tenant, connection, "exported", plan.principal, about=about, format=format, fields=paths, **told)


def _header(plan: Plan, column: Resolved, language: str | None) -> str:
    if language is None or column.field is None or "." in column.path:
        return column.path
    return column.field.label(language)


def _pages(
    plan: Plan, columns: Sequence[Resolved], conditions: Sequence[Any], limit: int | None, *, as_text: bool
) -> Iterator[list[list[Any]]]:
    number = plan.root.table.c.id
    base = (
        sa.select(number, *(c for r in columns for c in r.columns))
        .select_from(plan.paths.source)
        .where(*conditions)
        .order_by(number)
    )
    statement = base.where(number > sa.bindparam("last")).limit(sa.bindparam("page", type_=sa.Integer()))
    read = _reader(columns, as_text)
    last, left, sensitive = 0, limit, sensitive_paths(columns)
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        rows = plan.connection.execute(statement, {"last": last, "page": size}).all()
        if rows:
            if sensitive:
                plan.tenant.views.add(plan.principal, plan.root.name, sensitive, [row[0] for row in rows])
                plan.tenant.views.write(plan.tenant)
            yield [read(row) for row in rows]
        if len(rows) < size:
            return
        last, left = rows[-1][0], None if left is None else left - len(rows)


def _reader(columns: Sequence[Resolved], as_text: bool) -> Callable[[Sequence[Any]], list[Any]]:
    slots: list[tuple[int, int, Any, Any]] = []
    position = 1
    for r in columns:
        slots.append((position, position + len(r.columns), None if r.simple else r.decode, _form(r, as_text)))
        position += len(r.columns)

    def read(row: Sequence[Any]) -> list[Any]:
        out: list[Any] = []
        for start, stop, decode, form in slots:
            value = row[start] if decode is None else decode(tuple(row[start:stop]))
            if value is None:
                out.append("" if as_text else None)
            else:
                out.append(value if form is None else form(value))
        return out

    return read


def _form(r: Resolved, as_text: bool) -> Callable[[Any], Any] | None:
    if not as_text or r.write is mask:
        return r.write
    if r.field is None or r.part is not None:
        write = r.write
        return str if write is None else lambda v: str(write(v))
    return r.field.codec.to_text or str

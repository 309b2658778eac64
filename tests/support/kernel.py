"""Short words for tests of the kernel: publish documents, write records, read them, count statements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa

from trellis.access import Cause, Principal
from trellis.access.grants import grants_of
from trellis.query import run_query
from trellis.query.query import Page, read_query
from trellis.storage import system
from trellis.tenant import Tenant
from trellis.transaction import Transaction

T = TypeVar("T")
ADMIN = Principal("person", None, "admin", admin=True)
API = Cause("api")


def publish(tenant: Tenant, *documents: dict[str, Any], removed: Sequence[tuple[str, str]] = (), **options: Any) -> int:
    """Plan and apply documents, confirming what the plan destroys."""
    plan = tenant.publisher.plan_documents(list(documents), removed=list(removed), **options)
    return tenant.publisher.apply(plan, confirm=plan.hash)


def person(tenant: Tenant, user: int | None, name: str = "person", *sets: str) -> Principal:
    """A person who has permission sets (without any: ``standard``), whatever is stored of him."""
    return Principal("person", user, name, grants=grants_of(tenant.model(), sets or ("standard",)))


def undo(tenant: Tenant) -> int:
    """Undo the newest version, confirming what that destroys."""
    return tenant.publisher.undo(confirm=tenant.publisher.plan_undo().hash)


def obj(name: str, *fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An object document; fields are given whole."""
    return {"kind": "object", "name": name, "label": name.capitalize(), "fields": list(fields), **more}


def field(name: str, type: str = "text", **more: Any) -> dict[str, Any]:
    """A field document."""
    return {"name": name, "type": type, **more}


def write(tenant: Tenant, body: Callable[[Transaction], T], principal: Principal = ADMIN, **options: Any) -> T:
    """Run ``body`` in a transaction."""
    return tenant.run(principal, API, body, **options)


def create(tenant: Tenant, name: str, *rows: dict[str, Any], principal: Principal = ADMIN) -> list[int]:
    """Create records and return their numbers."""
    return [o.id for o in write(tenant, lambda tx: tx.create(name, list(rows)), principal)]  # type: ignore[misc]


def page(tenant: Tenant, name: str, principal: Principal = ADMIN, **query: Any) -> Page:
    """Answer a query."""
    with tenant.database.reading() as connection:
        return run_query(tenant, connection, tenant.model_in(connection), principal, read_query(name, query))


def rows(tenant: Tenant, name: str, principal: Principal = ADMIN, **query: Any) -> list[dict[str, Any]]:
    """Return a query's rows, in the order of creation unless it says otherwise."""
    return page(tenant, name, principal, **{"sort": ["id"], "limit": 1000, **query}).rows


def values(tenant: Tenant, name: str, path: str, **query: Any) -> list[Any]:
    """Return the values of one path in the order of creation."""
    return [r[path] for r in rows(tenant, name, fields=[path], **query)]


def ref(tenant: Tenant, name: str, number: int) -> str:
    """Return the external id of a record."""
    return tenant.model().env.format_id(name, number)


def changes(tenant: Tenant, **where: Any) -> list[dict[str, Any]]:
    """Return change rows in order."""
    return table(tenant, system.change, **where)


def table(tenant: Tenant, source: sa.Table, **where: Any) -> list[dict[str, Any]]:
    """Return the rows of one of the platform's own tables that have the given values."""
    query = sa.select(source).order_by(*source.primary_key.columns)
    query = query.where(*(source.c[k] == v for k, v in where.items()))
    with tenant.database.reading() as connection:
        return [dict(r) for r in connection.execute(query).mappings()]


@contextmanager
def counting(tenant: Tenant) -> Iterator[list[str]]:
    """Yield a list that receives every statement sent to the tenant's database."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    sa.event.listen(tenant.database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(tenant.database.engine, "before_cursor_execute", note)


def codes(errors: Any) -> dict[str, list[str]]:
    """Return the error codes of one row by field."""
    return {name: [e["code"] for e in found] for name, found in (errors or {}).items()}

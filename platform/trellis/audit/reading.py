"""Reading the audit: filters, pages, and one line of JSON or CSV per row. For administrators."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access import AccessDenied, Principal
from trellis.audit.kinds import KINDS
from trellis.audit.noting import note_for
from trellis.exchange.cells import guard
from trellis.model import Model
from trellis.record_id import format_id
from trellis.storage.tables.audit import audit
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant

MAX_PAGE, DEFAULT_PAGE = 200, 50
COLUMNS = ("id", "at", "kind", "actor", "actor_name", "behind", "behind_name", "address", "object", "record", "detail")


class BadAuditQuery(TrellisError):
    """A filter of the audit names a kind that does not exist, or is not what it should be."""

    code = "bad_audit_query"


@dataclass(frozen=True, slots=True)
class Search:
    """Which rows: all that are given must hold. ``text`` is looked for in the address and in the details."""

    kind: str | None = None
    person: int | None = None
    """Who did it, or stood behind it."""
    record: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    before: int | None = None
    """Only rows with a smaller number: the next page."""

    def __post_init__(self) -> None:
        if self.kind is not None and self.kind not in KINDS:
            raise BadAuditQuery(f"'{self.kind[:40]}' is not a kind of the audit.{did_you_mean(self.kind[:40], KINDS)}")


def may_read(principal: Principal) -> bool:
    """Whether somebody may read the audit: administrators, and never while logged in as somebody else."""
    return principal.admin and principal.may("setup") and principal.behind is None


def rows(
    connection: Connection, model: Model, principal: Principal, search: Search, limit: int = DEFAULT_PAGE
) -> list[dict[str, Any]]:
    """Return rows, the newest first. Raises :class:`AccessDenied`."""
    if not may_read(principal):
        raise AccessDenied("Only an administrator may read the audit.")
    query = sa.select(audit).where(*_conditions(search)).order_by(audit.c.id.desc()).limit(min(limit, MAX_PAGE))
    found = connection.execute(query).mappings().all()
    names = _names(connection, model, {n for r in found for n in (r["actor"], r["behind"]) if n is not None})
    return [_shown(row, names) for row in found]


def export(tenant: Tenant, principal: Principal, search: Search, form: str = "csv") -> Iterator[bytes]:
    """Yield all rows that fit as CSV or as lines of JSON, the newest first. The export itself is noted."""
    if not may_read(principal):
        raise AccessDenied("Only an administrator may export the audit.")
    if form not in ("csv", "ndjson"):
        raise BadAuditQuery(f"'{form[:20]}' is not a format of the audit; use csv or ndjson.")
    with tenant.database.writing() as connection:
        note_for(tenant, connection, "audit_exported", principal, format=form)
    return _pieces(tenant, principal, search, form)


def _pieces(tenant: Tenant, principal: Principal, search: Search, form: str) -> Iterator[bytes]:
    if form == "csv":
        yield _csv([COLUMNS])
    before = search.before
    while True:
        with tenant.database.reading() as connection:
            step = Search(search.kind, search.person, search.record, search.since, search.until, search.text, before)
            page = rows(connection, tenant.model_in(connection), principal, step, MAX_PAGE)
        if not page:
            return
        if form == "csv":
            yield _csv([[_cell(row[c]) for c in COLUMNS] for row in page])
        else:
            yield b"".join(orjson.dumps(row, default=str) + b"\n" for row in page)
        before = page[-1]["id"]


def _conditions(search: Search) -> list[sa.ColumnElement[bool]]:
    c = audit.c
    found: list[sa.ColumnElement[bool]] = []
    if search.kind is not None:
        found.append(c.kind == search.kind)
    if search.person is not None:
        found.append(sa.or_(c.actor == search.person, c.behind == search.person))
    if search.record is not None:
        found.append(c.record == search.record)
    if search.since is not None:
        found.append(c.at >= search.since)
    if search.until is not None:
        found.append(c.at < search.until)
    if search.before is not None:
        found.append(c.id < search.before)
    if search.text:
        pattern = search.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        in_detail = sa.cast(c.detail, sa.Text).ilike(f"%{pattern}%", escape="\\")
        found.append(sa.or_(in_detail, c.address.ilike(f"%{pattern}%", escape="\\")))
    return found


def _names(connection: Connection, model: Model, users: set[int]) -> Mapping[int, str]:
    user = model.object("user")
    query = sa.select(user.table.c.id, user.fields["name"].column).where(user.table.c.id.in_(sorted(users)))
    return {r[0]: r[1] for r in connection.execute(query)} if users else {}


def _shown(row: Any, names: Mapping[int, str]) -> dict[str, Any]:
    shown = {**row}
    for who in ("actor", "behind"):
        number = row[who]
        shown[f"{who}_name"] = None if number is None else names.get(number, "")
        shown[who] = None if number is None else format_id("user", number)
    if row["object"] is not None and row["record"] is not None:
        shown["record"] = format_id(row["object"], row["record"])
    return {c: shown[c] for c in COLUMNS}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    return guard(orjson.dumps(value, default=str).decode() if isinstance(value, (dict, list)) else str(value))


def _csv(lines: Sequence[Sequence[Any]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(lines)
    return out.getvalue().encode()

"""Date buckets of groups: ``close_date:month`` groups by the first day of the month.

``day``, ``week`` (from Monday, ISO 8601), ``month``, ``quarter``, ``year``, ``fiscal_quarter`` and ``fiscal_year``. The
answer holds the first day of each bucket (``yyyy-mm-dd``) under the key as it was asked. Moments count as their day in the
organisation's zone. The fiscal year begins with the month of the setting ``fiscal_start`` (1 to 12). Buckets before year 1
begin with its first day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.query.paths import Resolved
from trellis.query.query import problem
from trellis.storage.local_days import local_day
from trellis_metadata.diagnostics import did_you_mean

if TYPE_CHECKING:
    from trellis.query.compiling import Plan

Day = sa.ColumnElement[Any]
FIRST = "0001-01-01"
UNITS = ("day", "week", "month", "quarter", "year", "fiscal_quarter", "fiscal_year")


def resolve_group(plan: Plan, path: str, at: str) -> Resolved | None:
    """Return the columns of one entry of ``group_by``; on problems None, with the problems noted."""
    name, colon, unit = path.partition(":")
    found = plan.resolve(name, at)
    if found is None:
        return None
    if not colon:
        if not found.sortable:
            plan.problems.append(problem(at, "not_groupable", found.refused or f"'{path}' cannot be grouped by."))
        return found
    if unit not in UNITS:
        message = f"'{unit[:40]}' is not one of {', '.join(UNITS)}.{did_you_mean(unit, UNITS)}"
        plan.problems.append(problem(at, "unknown_bucket", message))
        return None
    if found.category not in ("date", "datetime"):
        message = f"'{name}' is no date: only dates and moments are grouped by {unit}."
        plan.problems.append(problem(at, "not_a_date", message))
        return None
    return Resolved(path, (_first_day(plan, found, unit),), "text", None, lambda v: v[0], None, str, True)


def _first_day(plan: Plan, found: Resolved, unit: str) -> Day:
    is_sqlite = plan.tenant.database.is_sqlite
    day = (
        local_day(found.column, plan.tenant.time_zone, is_sqlite=is_sqlite)
        if found.category == "datetime"
        else found.column
    )
    start = int(plan.tenant.settings.get("fiscal_start", 1)) if unit.startswith("fiscal_") else 1
    months = {"month": 1, "quarter": 3, "year": 12}.get(unit.removeprefix("fiscal_"))
    return (_in_sqlite if is_sqlite else _in_postgresql)(day, unit, months, start)


def _in_sqlite(day: Day, unit: str, months: int | None, start: int) -> Day:
    text = sa.type_coerce(day, sa.Text())
    if months is None:
        steps: tuple[Any, ...] = ("weekday 0", "-6 days") if unit == "week" else ()
    else:
        back = (sa.cast(sa.func.strftime("%m", text), sa.Integer()) + (12 - start)) % months
        steps = ("start of month", sa.literal("-").concat(sa.cast(back, sa.Text())).concat(" months"))
    first = sa.func.date(text, *steps, type_=sa.Text())
    return sa.case((first < FIRST, sa.literal(FIRST)), else_=first)


def _in_postgresql(day: Day, unit: str, months: int | None, start: int) -> Day:
    if months is None:
        first: Day = sa.func.date_trunc("week", day) if unit == "week" else day
    else:
        back = (sa.cast(sa.func.extract("month", day), sa.Integer()) + (12 - start)) % months
        first = sa.func.date_trunc("month", day) - back * sa.literal_column("INTERVAL '1 month'")
    edge: Day = sa.literal_column(f"TIMESTAMP '{FIRST}'")
    return sa.func.to_char(sa.case((first < edge, edge), else_=first), "YYYY-MM-DD", type_=sa.Text())

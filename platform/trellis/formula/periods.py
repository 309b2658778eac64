"""Weeks, months, quarters and years around a day."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta

from trellis.formula.moments import add_months
from trellis.formula.values import Context, fail
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.formula.functions import Complaint
from trellis_metadata.formula.typed import Const, Node
from trellis_metadata.formula.types import WORDS, Type, fits

MONTHS = {"month": 1, "quarter": 3, "half": 6, "year": 12, "fiscal_year": 12}
PERIODS = ("week", *MONTHS)


def check_period(name: str, nodes: Sequence[Node]) -> Type | Complaint:
    """Check the name of a period and a day."""
    period, day = nodes
    if isinstance(period, Const) and period.type is Type.TEXT and period.value not in PERIODS:
        return Complaint(f"There is no period '{period.value}'.{did_you_mean(str(period.value), PERIODS)}", 0)
    if not fits(period.type, Type.TEXT):
        return Complaint(f"Argument 1 of {name} must be the name of a period, but {WORDS[period.type]} is given.", 0)
    if not fits(day.type, Type.DATE):
        return Complaint(f"Argument 2 of {name} must be a date, but {WORDS[day.type]} is given.", 1)
    return Type.DATE


def period_start(context: Context, period: str, day: date) -> date:
    """Return the first day of the period in which ``day`` lies."""
    if period == "week":
        return day - timedelta(days=day.weekday())
    if period not in MONTHS:
        fail("evaluation", f"There is no period '{period}'.")
    first = context.fiscal_start if period == "fiscal_year" else 1
    back = (day.month - first) % MONTHS[period]
    start: date = add_months(day.replace(day=1), -back).replace(day=1)
    return start


def period_end(context: Context, period: str, day: date) -> date:
    """Return the last day of the period in which ``day`` lies."""
    start = period_start(context, period, day)
    if period == "week":
        return start + timedelta(days=6)
    last: date = add_months(start, MONTHS[period] - 1)
    return last.replace(day=monthrange(last.year, last.month)[1])

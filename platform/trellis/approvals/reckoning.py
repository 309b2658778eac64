"""Until when a step must be decided."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from trellis.calendars import default_calendar

if TYPE_CHECKING:
    from trellis.approvals.approval import Deadline
    from trellis.transaction.transaction import Transaction


def deadline_of(tx: Transaction, deadline: Deadline) -> datetime:
    """Return until when a step that is opened now must be decided.

    In working time whole days are working days of the organisation's calendar and the rest is working time after that.
    """
    if not deadline.working_time:
        return tx.now + deadline.within
    calendar = default_calendar(tx.model.snapshot)
    days, rest = divmod(deadline.within, timedelta(days=1))
    moment = tx.now
    if days:
        zone = ZoneInfo(calendar.zone)
        local = moment.astimezone(zone)
        day = calendar.add_working_days(local.date(), days)
        moment = datetime.combine(day, local.time(), zone).astimezone(tx.now.tzinfo)
        moment = moment if calendar.is_open(moment) else calendar.next_opening(moment)
    return calendar.add(moment, rest) if rest else moment

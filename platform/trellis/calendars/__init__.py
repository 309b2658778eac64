"""Business calendars: when people work, and reckoning with working time. Every clock of the product uses them."""

from trellis.calendars.always import ALWAYS
from trellis.calendars.calendar import Calendar, NeverOpen
from trellis.calendars.choosing import calendar_for, calendars_for
from trellis.calendars.compiled import UnknownCalendar, calendar_of, calendars_in, default_calendar
from trellis.calendars.reckoning import later
from trellis.calendars.working_time import WorkingTime

__all__ = [
    "ALWAYS",
    "Calendar",
    "NeverOpen",
    "UnknownCalendar",
    "WorkingTime",
    "calendar_for",
    "calendar_of",
    "calendars_for",
    "calendars_in",
    "default_calendar",
    "later",
]

"""WORKING_HOURS"""

from datetime import timedelta
from decimal import Decimal

from trellis.calendars.formula import calendar_function
from trellis.formula.numbers import divide

FUNCTION = calendar_function(
    "WORKING_HOURS",
    "datetime, datetime -> number",
    "How many hours of working time lie between two moments; negative if the second one is the earlier.",
    lambda calendar, start, end: divide(
        Decimal(calendar.between(start, end) // timedelta(microseconds=1)), Decimal(3_600_000_000)
    ),
    (
        (
            'WORKING_HOURS(DATETIMEVALUE("2026-09-30 09:00:00"), DATETIMEVALUE("2026-10-08 03:30:00"), "office")',
            "3.5",
        ),
        ('WORKING_HOURS(DATETIMEVALUE("2026-09-30 02:00:00"), DATETIMEVALUE("2026-09-30 01:30:00"))', "-0.5"),
    ),
)

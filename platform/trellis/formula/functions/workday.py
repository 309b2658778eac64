"""WORKDAY"""

from trellis.calendars.formula import calendar_function
from trellis.formula.numbers import whole

FUNCTION = calendar_function(
    "WORKDAY",
    "date, number -> date",
    "The working day that many working days after the date, or before it for a negative number; 0 gives the date itself.",
    lambda calendar, day, count: calendar.add_working_days(day, whole(count)),
    (
        ('WORKDAY(DATE(2026, 9, 30), 1, "office")', "2026-10-08"),
        ('WORKDAY(DATE(2026, 10, 9), 1, "office")', "2026-10-10"),
        ("WORKDAY(DATE(2026, 10, 8), -1)", "2026-09-30"),
    ),
)

"""NEXT_WORKING_TIME"""

from trellis.calendars.formula import calendar_function

FUNCTION = calendar_function(
    "NEXT_WORKING_TIME",
    "datetime -> datetime",
    "The moment itself if it is working time, else the beginning of the next shift.",
    lambda calendar, moment: calendar.next_opening(moment),
    (
        ('NEXT_WORKING_TIME(DATETIMEVALUE("2026-09-30 10:30:00"), "office")', "2026-10-08T01:00:00Z"),
        ('NEXT_WORKING_TIME(DATETIMEVALUE("2026-09-30 02:15:00"))', "2026-09-30T02:15:00Z"),
    ),
)

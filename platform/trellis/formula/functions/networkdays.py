"""NETWORKDAYS"""

from decimal import Decimal

from trellis.calendars.formula import calendar_function

FUNCTION = calendar_function(
    "NETWORKDAYS",
    "date, date -> number",
    "How many working days lie between two dates, both of them counted; negative if the second one is the earlier.",
    lambda calendar, first, last: Decimal(calendar.working_days(first, last)),
    (
        ('NETWORKDAYS(DATE(2026, 9, 28), DATE(2026, 10, 10), "office")', "6"),
        ("NETWORKDAYS(DATE(2026, 10, 9), DATE(2026, 10, 8))", "-2"),
    ),
)
